/** What a running session is doing, in the same words for every backend. */

export type AskKind = 'permission' | 'plan' | 'question';

/** The session waits for the person. */
export interface Ask {
  /** Unique within the run. */
  id: string;
  kind: AskKind;
  /** One line for the row, e.g. `Bash: npm test`. */
  title: string;
  /** Everything that there is to know: tool arguments, plan text, question. */
  detail: string;
  /** The answers a question offers. */
  options: readonly string[];
  /** Whether it can be answered from here; else only in the session's terminal. */
  resolvable: boolean;
  /** Epoch milliseconds. */
  since: number;
}

export type Activity =
  | { kind: 'unknown' }
  | { kind: 'idle' }
  | { kind: 'busy' }
  | { kind: 'attention'; ask: AskKind | 'dialog' }
  | { kind: 'rate-limited'; until: number; reason: string };
