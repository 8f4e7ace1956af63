export interface Exit {
  /** Ended by the person (`/exit`, the terminal closed) or by itself in order. */
  clean: boolean;
  /** For people, without a full stop. */
  words: string;
}

const hangUp = 129;

/** Pure. `abrupt`: Claude did not tidy up after itself. The code is unknown where the terminal does not tell. */
export function describeExit(code: number | undefined, abrupt: boolean): Exit {
  if (code === hangUp) return { clean: true, words: 'the terminal was closed' };
  if (code !== undefined && code > 128) return { clean: false, words: `Claude Code was killed (signal ${code - 128})` };
  if (code !== undefined && code !== 0) return { clean: false, words: `Claude Code ended with code ${code}` };
  if (abrupt) return { clean: false, words: 'Claude Code was killed' };
  return { clean: true, words: 'Claude Code ended' };
}
