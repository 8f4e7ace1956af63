/** What a running session is doing, in the same words for every backend. */

export type AskKind = 'permission' | 'plan' | 'question';

/** A use of a tool that needs a permission, by its telling argument: whole, as its backend gave it. */
export interface ToolCall {
  tool: string;
  argument: string;
  /** What the argument is: a line for a shell, the path of a file, or anything else. */
  kind: 'shell' | 'path' | 'text';
}

/** One question of several that are asked together. */
export interface Question {
  text: string;
  options: readonly string[];
  /** Whether several options may be chosen. */
  multiple: boolean;
}

/** The session waits for the user. */
export interface Ask {
  /** Unique within the run. */
  id: string;
  kind: AskKind;
  /** One line for the row, e.g. `Bash: npm test`. */
  title: string;
  /** Everything that there is to know: tool arguments, plan text, question. */
  detail: string;
  /** The answers that a single question offers. */
  options: readonly string[];
  /** What a permission is for, all of it; absent where that cannot be told with certainty. */
  calls?: readonly ToolCall[];
  /** All questions, where there are several: each wants an answer of its own. */
  questions?: readonly Question[];
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
  /** The model is not to be had before `until`. `failing`: not for a limit, but because the provider fails. */
  | { kind: 'rate-limited'; until: number; reason: string; failing?: true };
