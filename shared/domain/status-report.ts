import type { Ask, AskKind } from './activity.ts';

/** `host`: our own acts; `program`: the agent's API or state file; `inside`: plugin or hooks. */
export type Source = 'host' | 'program' | 'inside';

/** `here`: through us; `terminal`: in the agent's own; `nobody`: it is no longer asked. */
export type AnsweredBy = 'here' | 'terminal' | 'nobody';

/** What was answered, where the agent's program tells. */
export type AskReply = 'allowed' | 'always' | 'denied';

export type StatusReport =
  | { kind: 'ready' }
  | { kind: 'busy' }
  | { kind: 'idle' }
  /** The program itself says that it waits, without saying for what (a state `waiting`). */
  | { kind: 'waiting'; ask: AskKind | 'dialog' }
  | { kind: 'rate-limited'; until: number; reason: string; failing?: true }
  /** Its turn has failed, and the host lets it rest until then; idle is shown as this. */
  | { kind: 'parked'; until: number; reason: string; failing?: true }
  | { kind: 'resumed' }
  | { kind: 'asked'; ask: Ask }
  | { kind: 'answered'; askId: string; by: AnsweredBy; reply?: AskReply }
  | { kind: 'stopping' }
  /**
   * The process or server session is gone. `error` where that was not asked for and not clean; `unseen` where no host was
   * there to see why. `lostWith` names what it shared with others and ended with.
   */
  | { kind: 'ended'; error?: string; unseen?: true; lostWith?: string }
  | { kind: 'failed'; error: string }
  /** Somebody has seen that it ended, and does not want it back. */
  | { kind: 'given-up' };
