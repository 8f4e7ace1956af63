import * as vscode from 'vscode';
import type { SessionView, TownSnapshot } from '../../shared/channel/views.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import { settings } from '../settings.ts';
import type { AttachTerminals } from '../terminals/attach-terminals.ts';
import type { Typing } from '../terminals/typing.ts';
import type { CurrentTown } from '../town/current-town.ts';
import { Announcer } from './announcer.ts';
import { causesIn } from './causes.ts';
import type { Cause } from './causes.ts';
import { tell } from './messages.ts';
import type { ToldFailures } from './told-failures.ts';

export interface NotifierOptions {
  town: CurrentTown;
  attachTerminals: AttachTerminals;
  typing: Typing;
  /** What the user is told anyway. */
  toldFailures: ToldFailures;
  /** The session whose row the user has just turned to. */
  lookedAt: () => string | undefined;
}

/**
 * Tells of each wait, failure, escalation and finished unit once: in the window that the user is using, unless they are looking at that
 * session anyway. What comes while the window is in the background is told when it is used again, where it still holds.
 */
export class Notifier {
  private readonly disposables = new DisposableStore();
  private readonly announcer = new Announcer();
  private readonly options: NotifierOptions;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: NotifierOptions) {
    this.options = options;
    this.disposables.add(options.town.onDidChange((snapshot) => this.update(snapshot)));
    this.disposables.add(vscode.window.onDidChangeWindowState(() => void this.announce()));
  }

  dispose(): Promise<void> {
    clearTimeout(this.timer);
    return this.disposables.dispose();
  }

  private update(snapshot: TownSnapshot | undefined): void {
    if (snapshot) this.announcer.update(causesIn(snapshot), Date.now());
    else this.announcer.reset();
    this.wake();
  }

  private wake(): void {
    clearTimeout(this.timer);
    const { nextAt } = this.announcer;
    if (nextAt === undefined || !mayTell()) return;
    this.timer = setTimeout(() => void this.announce(), Math.max(0, nextAt - Date.now()));
  }

  private async announce(): Promise<void> {
    const isInView = await this.view();
    const causes = this.announcer.take({ now: Date.now(), mayTell: mayTell(), isOn, isInView });
    tell(causes, this.options.town.snapshot);
    this.wake();
  }

  private sessionOf(owner: string | undefined): SessionView | undefined {
    return this.options.town.snapshot?.sessions.find(({ id }) => id === owner);
  }

  /** Which sessions the user is looking at: an active terminal may be in a closed panel, and a row selected long ago. */
  private async view(): Promise<(cause: Cause) => boolean> {
    const { activeTerminal } = vscode.window;
    const active = activeTerminal && this.options.typing.isInView(activeTerminal) ? activeTerminal : undefined;
    const pid = await active?.processId;
    return (cause) => {
      if (cause.kind === 'ended' && this.options.toldFailures.has(cause.work)) return true;
      // An escalation is for somebody beyond the session, whatever they look at.
      if (
        !vscode.window.state.focused ||
        cause.kind === 'escalated' ||
        cause.kind === 'removed' ||
        cause.kind === 'batch'
      )
        return false;
      const session = 'session' in cause ? cause.session : this.sessionOf(cause.work.owner);
      if (session === undefined) return false;
      const { id, pid: own } = session;
      const shown =
        active !== undefined && (this.options.attachTerminals.shows(active, id) || (pid !== undefined && pid === own));
      return shown || this.options.lookedAt() === id;
    };
  }
}

const mayTell = (): boolean => vscode.window.state.focused || settings.notifyInactiveWindows();

function isOn(kind: Cause['kind']): boolean {
  switch (kind) {
    case 'waiting':
      return settings.notifyWaiting();
    case 'failed':
      return settings.notifyFailed();
    case 'escalated':
      return settings.notifyEscalations();
    case 'removed':
      return settings.notifyWorktrees();
    case 'batch':
      return settings.notifyBatches();
    case 'ready':
    case 'ended':
      return settings.notifyFinished();
  }
}
