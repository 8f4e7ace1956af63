import * as vscode from 'vscode';
import type { TownSnapshot } from '../../shared/town/snapshot.ts';
import { Lifetime } from '../lifetime.ts';
import { settings } from '../settings.ts';
import type { AttachTerminals } from '../terminals/attach-terminals.ts';
import type { CurrentTown } from '../town/current-town.ts';
import { fullSessionName, stateText } from '../views/session-text.ts';
import { viewContext } from '../views/views.ts';
import { fitsInMessage, waitingCauses } from './new-asks.ts';
import type { WaitingCause } from './new-asks.ts';

const t = vscode.l10n.t;

/** A session may say that it waits a moment before it says for what; so long the reason is waited for (ms). */
const reasonBound = 2_000;

/** Tells of each reason to wait once, unless the person is looking at the session anyway. */
export class WaitingNotifier {
  private readonly lifetime = new Lifetime();
  private readonly attachTerminals: AttachTerminals;
  private known: ReadonlySet<string> | undefined;
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(town: CurrentTown, attachTerminals: AttachTerminals) {
    this.attachTerminals = attachTerminals;
    this.lifetime.own(town.onDidChange((snapshot) => void this.look(snapshot)));
  }

  dispose(): Promise<void> {
    for (const timer of this.timers) clearTimeout(timer);
    return this.lifetime.dispose();
  }

  private async look(snapshot: TownSnapshot | undefined): Promise<void> {
    if (!snapshot) {
      this.known = undefined;
      return;
    }
    const causes = waitingCauses(snapshot);
    const known = this.known;
    this.known = new Set(causes.map((cause) => cause.key));
    // What waited before this window was there is told by the badge.
    if (!known || !settings.notifyWaiting()) return;
    const active = vscode.window.activeTerminal;
    const pid = await active?.processId;
    const isLookedAt = ({ session }: WaitingCause) =>
      active !== undefined &&
      vscode.window.state.focused &&
      (this.attachTerminals.shows(active, session.id) || (pid !== undefined && pid === session.pid));
    const fresh = causes.filter((cause) => !known.has(cause.key) && !isLookedAt(cause));
    const asked = fresh.filter(({ ask }) => ask !== undefined);
    if (asked.length > 1) void tellOfMany(asked);
    else if (asked[0]) void tellOf(asked[0]);
    for (const cause of fresh) if (cause.ask === undefined) this.tellWhenItLasts(cause);
  }

  private tellWhenItLasts(cause: WaitingCause): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (this.known?.has(cause.key)) void tellOf(cause);
    }, reasonBound);
    this.timers.add(timer);
  }
}

async function tellOf({ session, ask }: WaitingCause): Promise<void> {
  const name = fullSessionName(session, t);
  const given = { session: session.id, ...(ask ? { ask: ask.id } : {}) };
  const allow = t('Allow');
  const deny = t('Deny');
  const open = t('Open');
  const review = t('Review…');
  const message = ask
    ? t('{0} asks: {1}', name, shortened(ask.title))
    : t('{0} is {1}.', name, stateText(session, viewContext()));
  const actions = !ask ? [open] : fitsInMessage(ask) ? [allow, deny, open] : [review];
  const chosen = await vscode.window.showInformationMessage(message, ...actions);
  if (chosen === allow) await vscode.commands.executeCommand('gastown.allow', given);
  if (chosen === deny) await vscode.commands.executeCommand('gastown.deny', given);
  if (chosen === open) await vscode.commands.executeCommand('gastown.attach', given);
  if (chosen === review) await vscode.commands.executeCommand('gastown.answer', given);
}

async function tellOfMany(causes: readonly WaitingCause[]): Promise<void> {
  const review = t('Review…');
  const sessions = new Set(causes.map(({ session }) => session.id)).size;
  const message =
    sessions === 1
      ? t('{0} asks several things.', fullSessionName(causes[0]!.session, t))
      : t('{0} sessions wait for you.', sessions);
  if ((await vscode.window.showInformationMessage(message, review)) === review) {
    await vscode.commands.executeCommand('gastown.answer');
  }
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
