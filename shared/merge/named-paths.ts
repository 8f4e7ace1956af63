/** Which files a text names. Pure. */

/** What may stand around a path, but not in one that is told from prose. */
const around = /[\s`'"<>()[\]{},;|*]+/;
/** `src/a.ts:12`, `src/a.ts:12-15`, `src/a.ts#L3`: a place in it. */
const place = /(?::\d+(?:[-:]\d+)*|#L?\d+(?:-L?\d+)?)$/;
const longest = 1_000;

/**
 * Every word of the texts that may be a path, as git writes those: without a place in the file, `@` or `./` before it, and
 * the full stop of a sentence. Many are none; whoever asks knows which files there are.
 */
export function wordsOf(texts: Iterable<string>): ReadonlySet<string> {
  const words = new Set<string>();
  for (const text of texts)
    for (const word of [text.trim(), ...text.split(around)]) {
      if (word === '' || word.length > longest) continue;
      const plain = word
        .replaceAll('\\', '/')
        .replace(/[.:!?]+$/, '')
        .replace(place, '')
        .replace(/^@?(?:\.\/)?/, '');
      words.add(plain);
    }
  return words;
}

/** All texts in plain JSON, at any depth. */
export function* textsIn(value: unknown): Iterable<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) yield* textsIn(each);
}

/** The files that are named, as they are or from the folder `below` on. */
export function namedFiles(files: readonly string[], words: ReadonlySet<string>, below: string): string[] {
  const start = below === '' ? '' : `${below}/`;
  return files.filter(
    (file) => words.has(file) || (start !== '' && file.startsWith(start) && words.has(file.slice(start.length))),
  );
}
