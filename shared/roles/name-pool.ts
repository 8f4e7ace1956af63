/** Where polecats' names come from, in the style of Gas Town's `mad-max` pool. */
const madMax: readonly string[] = [
  'furiosa',
  'nux',
  'capable',
  'toast',
  'dag',
  'cheedo',
  'valkyrie',
  'keeper',
  'slit',
  'rictus',
  'dementus',
  'morsov',
  'ace',
  'angharad',
  'jack',
  'smeg',
  'octoboss',
  'scrotus',
  'glory',
  'hope',
  'miss-giddy',
  'corpus',
  'organic',
  'doof',
  'goose',
  'toecutter',
  'bubba',
  'cundalini',
  'feral',
  'gyro',
  'humungus',
  'wez',
  'pappagallo',
  'aunty',
  'master',
  'blaster',
  'savannah',
  'jedediah',
  'ironbar',
  'dealgood',
];

/** A rig's `namepool` settings, as far as they are used. */
export interface NamePool {
  names?: readonly string[] | undefined;
  max_before_numbering?: number | undefined;
}

/** The first name that nobody has; beyond the pool's end `polecat-<n>`. Pure. */
export function nextFreeName(taken: ReadonlySet<string>, pool: NamePool = {}): string {
  const names = (pool.names?.length ? pool.names : madMax).slice(0, pool.max_before_numbering);
  const free = names.find((name) => !taken.has(name));
  if (free !== undefined) return free;
  let number = names.length + 1;
  while (taken.has(`polecat-${number}`)) number++;
  return `polecat-${number}`;
}
