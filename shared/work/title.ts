/** In code points. A title is said in one line, and in the arguments of a program that everybody on the machine can see. */
const maxTitle = 200;

interface Titled {
  title: string;
  description: string;
}

/** Pure. With a title of at most 200 characters: one that is longer is cut, and stands whole in the description. */
export function titled({ title, description }: Titled): Titled {
  const points = [...title];
  if (points.length <= maxTitle) return { title, description };
  const whole = description.startsWith(title) ? description : `${title}\n\n${description}`.trimEnd();
  return { title: `${points.slice(0, maxTitle - 1).join('')}…`, description: whole };
}
