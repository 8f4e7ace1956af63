/** Where lines of a file are after it was changed, by the hunks of `git diff -U0`. */

export interface Hunk {
  /** First line and number of lines before; with none, they were put in behind `from`. */
  from: number;
  removed: number;
  to: number;
  added: number;
}

/** Pure. The heads of hunks in what `git diff -U0` prints for one file. */
export function parseHunks(diff: string): Hunk[] {
  return diff.split('\n').flatMap((line) => {
    const parts = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (parts === null) return [];
    const [, from, removed = '1', to, added = '1'] = parts;
    return [{ from: Number(from), removed: Number(removed), to: Number(to), added: Number(added) }];
  });
}

/** Pure. The number of a line after the change; undefined where it was removed or changed itself. */
export function moveLine(hunks: readonly Hunk[], line: number): number | undefined {
  let shift = 0;
  for (const { from, removed, added } of hunks) {
    // Nothing removed: what is new stands behind `from`, which itself stays.
    if (removed === 0 ? line <= from : line < from) break;
    if (line < from + removed) return undefined;
    shift += added - removed;
  }
  return line + shift;
}
