import { GasTownError } from '../../errors.ts';
import type { RunSpec } from '../driver.ts';

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

/** Pure. What whoever asked for the start is told, with the program's own words where the terminal has them. */
export function startFailure({ sessionId, title }: RunSpec, words: string, output: string | undefined): GasTownError {
  const lines = output?.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const said = lines?.slice(-8).join('\n') ?? '';
  const where = said === '' ? `Its own words are in the terminal "${title}".` : `It said:\n${said.slice(-1500)}`;
  return new GasTownError('spawn-failed', `${sessionId} did not start: ${words}. ${where}`);
}
