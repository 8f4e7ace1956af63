import { DisposableStore } from '../../platform/disposable-store.ts';
import { GasTownError } from '../../platform/errors.ts';
import { Timer } from '../../platform/timer.ts';
import type { ProgramStatus } from './sessions-folder.ts';

export interface StartupOptions {
  hasFirstPrompt: boolean;
  /** So many ms after `opened` without a sign of life, a start dialog must be open. */
  dialogAfterMs: number;
  /** A dialog is open before the session begins: folder trust, first-run questions, an error in settings. */
  onDialog: () => void;
}

/** Hooks run before the session is idle; after this long without ours they do not run at all. In ms. */
const hooksBound = 30_000;
/** How long a given first prompt may stay unsubmitted in an idle session, in ms. */
const promptBound = 5000;

/**
 * When a started session can take a prompt: its SessionStart hook has run, and it is idle, or busy with its first prompt.
 * While a start dialog is open there is neither hook nor state file, and the wait goes on: the user decides.
 */
export class Startup {
  /** Rejects with `spawn-failed` or `cancelled`. */
  readonly ready: Promise<void>;
  private resolve: () => void = () => undefined;
  private reject: (error: Error) => void = () => undefined;
  private readonly options: StartupOptions;
  private readonly disposables = new DisposableStore();
  private readonly dialogTimer = this.disposables.add(new Timer(() => this.options.onDialog()));
  private readonly hooksTimer = this.disposables.add(new Timer(() => this.noHooks()));
  private readonly promptTimer = this.disposables.add(new Timer(() => this.succeed()));
  private hooked = false;
  private submitted = false;
  private idle = false;
  private over = false;
  private succeeded = false;
  private status: ProgramStatus | undefined;

  constructor(options: StartupOptions) {
    this.options = options;
    this.ready = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever waits gets the rejection; a session that is given up on the way is no unhandled error.
    this.ready.catch(() => undefined);
  }

  get isReady(): boolean {
    return this.succeeded;
  }

  /** The program runs: from now on a sign of life is waited for. */
  opened(): void {
    if (this.hooked || this.over) return;
    this.dialogTimer.set(this.options.dialogAfterMs);
  }

  sessionStarted(): void {
    this.hooked = true;
    this.check();
  }

  promptSubmitted(): void {
    this.submitted = true;
    this.check();
  }

  /** The state file is there; its status comes a little later. */
  programStatus(status: ProgramStatus | undefined): void {
    this.status = status;
    this.dialogTimer.set(undefined);
    if (!this.hooksTimer.isSet) this.hooksTimer.set(hooksBound);
    if (status !== 'idle') this.idle = false;
    this.check();
  }

  stableIdle(): void {
    this.idle = true;
    this.check();
  }

  fail(error: Error): void {
    this.stop();
    this.reject(error);
  }

  private check(): void {
    if (!this.hooked) return;
    this.dialogTimer.set(undefined);
    this.hooksTimer.set(undefined);
    const waitsForPerson = this.status === 'waiting';
    const atWork = this.submitted || this.status === 'busy' || this.status === 'shell';
    if (waitsForPerson || (this.options.hasFirstPrompt ? atWork : this.idle)) return this.succeed();
    // E.g. a hook of the user's own refused the prompt: the session is fine, and the missing receipt tells.
    if (this.idle && !this.promptTimer.isSet) this.promptTimer.set(promptBound);
  }

  private succeed(): void {
    this.stop();
    this.succeeded = true;
    this.resolve();
  }

  private noHooks(): void {
    const cure = 'Is "disableAllHooks" set in your Claude settings, or "allowManagedHooksOnly" by your company?';
    this.fail(new GasTownError('spawn-failed', `Claude Code runs, but it does not run the session's hooks. ${cure}`));
  }

  private stop(): void {
    this.over = true;
    void this.disposables.dispose();
  }
}
