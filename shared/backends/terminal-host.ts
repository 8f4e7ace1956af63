/** Terminals as a backend needs them whose program lives in one: VS Code's in the extension, a real pty in the integration tests. */
export interface TerminalSpec {
  /** Unique among the terminals of the window; also how a terminal is recognised after a reload. */
  name: string;
  program: string;
  args: string[];
  /** The whole environment; nothing is inherited. */
  env: Record<string, string>;
  cwd: string;
  role: string;
}

/** How a terminal's program came to its end. */
export interface TerminalExit {
  /** The exit code; undefined where the terminal does not tell. */
  code: number | undefined;
  /** The user closed the terminal itself, by its trash icon for example: they do not want the program back. */
  closedByUser: boolean;
}

export interface ManagedTerminal {
  readonly name: string;
  /** Process id of the program itself (there is no shell in between). */
  readonly pid: number;
  /** Writes bytes as they are, without adding a newline. */
  write(text: string): void;
  /** Brings it to the front; without focus where `preserveFocus`. */
  show(preserveFocus?: boolean): void;
  /** Closes the terminal; its program gets SIGHUP. */
  close(): void;
  /** True while the user is likely to be typing into this very terminal. */
  personIsTyping(): boolean;
  /** Resolves when the user is no longer typing there, or the signal fires. */
  whenNotTyping(signal: AbortSignal): Promise<void>;
  /** Resolves when the program has ended, or its terminal was closed. */
  readonly exited: Promise<TerminalExit>;
  /** The last text that the program wrote, without control sequences, where the host can tell: for error messages. */
  lastOutput?(): string;
}

export interface TerminalHost {
  open(spec: TerminalSpec, signal?: AbortSignal): Promise<ManagedTerminal>;
  /**
   * A terminal of an earlier host whose program still runs, recognised by process id and name. Undefined when there is
   * none within the time that the editor needs to bring its terminals back.
   */
  find(pid: number, name: string): Promise<ManagedTerminal | undefined>;
}
