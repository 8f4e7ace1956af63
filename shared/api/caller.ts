import type { CallerView } from '../channel/protocol.ts';

/** Who did it, for histories: a session's id, or the user. */
export function nameOfCaller(caller: CallerView): string {
  return caller.kind === 'session' ? caller.session : 'overseer';
}
