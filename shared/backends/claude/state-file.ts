import { descendants } from '../../platform/process-table.ts';
import type { Following, ProgramState, SessionsFolder } from './sessions-folder.ts';

export interface StateFileEvents {
  /** What the process says now. */
  says(state: ProgramState): void;
  /** Claude removes the file when it ends by itself. */
  gone(): void;
}

/**
 * The state file of one process, and of no earlier one that had its number. Where the process is a wrapper that waits for
 * Claude Code, it is that one's, below it.
 */
export class StateFile {
  /** Whether the file was there when it was last looked at. */
  exists = false;
  /** When what it says began, in epoch milliseconds, by Claude's word. */
  changedAt: number | undefined;
  private readonly conversation: () => string;
  private readonly events: StateFileEvents;
  private following: Following | undefined;
  private isKnown = false;
  private procStart: string | undefined;

  /** `conversation`: Claude's id of the one that the process has been started with. */
  constructor(conversation: () => string, events: StateFileEvents) {
    this.conversation = conversation;
    this.events = events;
  }

  /** Resolves when what the file says now has been told. */
  async follow(folder: SessionsFolder, pid: number): Promise<void> {
    this.following = await folder.follow(pid, {
      says: (state) => this.take(state),
      seeks: () => !this.isKnown,
      isOurs: async (state) =>
        state.sessionId === this.conversation() && (await descendants(pid)).some((below) => below.pid === state.pid),
    });
  }

  /** Resolves when what the file says now has been told; at once while nothing is followed. */
  async refresh(): Promise<void> {
    await this.following?.refresh();
  }

  dispose(): void {
    this.following?.dispose();
  }

  private take(state: ProgramState | undefined): void {
    if (state === undefined) {
      if (this.exists) this.events.gone();
      this.exists = false;
      return;
    }
    // A file of an earlier process with this number stays until Claude is started again.
    this.procStart ??= state.sessionId === this.conversation() ? state.procStart : undefined;
    if (state.procStart !== this.procStart) return;
    this.isKnown = true;
    this.exists = true;
    this.changedAt = state.statusUpdatedAt;
    this.events.says(state);
  }
}
