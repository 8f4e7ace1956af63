import { GasTownError } from '../../platform/errors.ts';
import type { RunSpec } from '../driver.ts';
import type { TerminalExit } from '../terminal-host.ts';

export interface Exit {
  /** Ended by the user (`/exit`, the terminal closed) or by itself in order. */
  clean: boolean;
  /** For people, without a full stop. */
  words: string;
}

const hangUp = 129;

/** Pure. `abrupt`: Claude did not tidy up after itself. `exit`: what its terminal tells, where it has told anything. */
export function describeExit(exit: TerminalExit | undefined, abrupt: boolean): Exit {
  // Whatever the program made of it: somebody who closes its terminal wants it to end.
  if (exit?.closedByUser) return { clean: true, words: 'the user closed its terminal' };
  const code = exit?.code;
  if (code === hangUp) return { clean: true, words: 'the terminal was closed' };
  if (code !== undefined && code > 128) return { clean: false, words: `Claude Code was killed (signal ${code - 128})` };
  if (code !== undefined && code !== 0) return { clean: false, words: `Claude Code ended with code ${code}` };
  if (abrupt) return { clean: false, words: 'Claude Code was killed' };
  return { clean: true, words: 'Claude Code ended' };
}

/** Pure. What whoever asked for the start is told, with the program's own words where the terminal has them. */
export function startFailure(
  { sessionId, title }: RunSpec,
  words: string,
  exit: TerminalExit | undefined,
  output: string | undefined,
): GasTownError {
  if (exit?.closedByUser) return new GasTownError('cancelled', `${sessionId} did not start: ${words}.`);
  const lines = output
    ?.split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const said = lines?.slice(-8).join('\n') ?? '';
  const where = said === '' ? `Its own words are in the terminal "${title}".` : `It said:\n${said.slice(-1500)}`;
  return new GasTownError('spawn-failed', `${sessionId} did not start: ${words}. ${where}`);
}
