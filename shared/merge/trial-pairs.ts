/** What a forecast has to try of a number of branches. Pure. */

/** The head of a branch that somebody works on, or that waits. */
export interface Tip {
  work: string;
  head: string;
}

/** A tip with what it changes since it parted from its target. */
export interface ChangingTip extends Tip {
  /** Where it parted from the target. */
  base: string;
  files: readonly string[];
}

/** Two commits that are to be tried; `a` is the target where it has no unit. */
export interface Trial {
  a: { work?: string; head: string };
  b: Tip;
  /** What both change; of the target that is not looked at. */
  shared: readonly string[];
}

/**
 * Each tip against the target, unless it has all of that; and against each other tip that changes a file that it changes,
 * too: others cannot conflict but by a rename.
 */
export function trialsOf(target: string, tips: readonly ChangingTip[]): Trial[] {
  const changing = tips.filter(({ files }) => files.length > 0);
  const byFile = new Map<string, number[]>();
  for (const [at, { files }] of changing.entries())
    for (const file of files) {
      const known = byFile.get(file);
      if (known) known.push(at);
      else byFile.set(file, [at]);
    }
  const shared = new Map<string, string[]>();
  for (const [file, touching] of byFile)
    for (const [at, first] of touching.entries())
      for (const second of touching.slice(at + 1)) {
        const key = `${first} ${second}`;
        const known = shared.get(key);
        if (known) known.push(file);
        else shared.set(key, [file]);
      }
  const withTarget = changing.flatMap((tip): Trial[] =>
    tip.base === target ? [] : [{ a: { head: target }, b: tip, shared: [] }],
  );
  const withOthers = [...shared].flatMap(([key, files]): Trial[] => {
    const [first, second] = key.split(' ').map((at) => changing[Number(at)]);
    // Two units on one branch do not conflict with each other.
    return !first || !second || first.head === second.head ? [] : [{ a: first, b: second, shared: files }];
  });
  return [...withTarget, ...withOthers];
}
