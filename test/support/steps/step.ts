/** One step's result. `failures` has a line for each thing that failed, `skipped` for each test that cannot run on this machine. */
export interface Outcome {
  readonly passed: number;
  readonly failures: readonly string[];
  readonly skipped?: readonly string[];
}

/** Where the words of a step and of its programs go. */
export interface Voice {
  say(line: string): void;
  /** Takes what a program prints; absent where it prints to the terminal itself. */
  take?(text: string): void;
}

export interface Step {
  readonly name: string;
  /** Steps that must have passed. */
  readonly needs?: readonly string[];
  /** May throw, which counts as one failure. */
  readonly run: (voice: Voice) => Promise<Outcome>;
}

/** Steps that run side by side, each as soon as what it needs has passed. */
export type Stage = readonly Step[];
