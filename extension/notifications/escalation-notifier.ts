import * as vscode from 'vscode';
import type { EscalationView, TownSnapshot } from '../../shared/town/snapshot.ts';
import { Lifetime } from '../lifetime.ts';
import { settings } from '../settings.ts';
import type { CurrentTown } from '../town/current-town.ts';

const t = vscode.l10n.t;

/** Tells of each escalation once; what was there before this window was is a row in the Sessions view. */
export class EscalationNotifier {
  private readonly lifetime = new Lifetime();
  private known: ReadonlySet<string> | undefined;

  constructor(town: CurrentTown) {
    this.lifetime.own(town.onDidChange((snapshot) => this.look(snapshot)));
  }

  dispose(): Promise<void> {
    return this.lifetime.dispose();
  }

  private look(snapshot: TownSnapshot | undefined): void {
    const known = this.known;
    this.known = snapshot && new Set([...(known ?? []), ...snapshot.escalations.map(({ id }) => id)]);
    if (!snapshot || !known || !settings.notifyEscalations()) return;
    const fresh = snapshot.escalations.filter(({ id }) => !known.has(id));
    if (fresh.length > 1) void tellOfMany(fresh.length);
    else if (fresh[0]) void tellOf(fresh[0], snapshot);
  }
}

async function tellOf(escalation: EscalationView, snapshot: TownSnapshot): Promise<void> {
  const { id, severity, message, session } = escalation;
  const open = t('Open Session');
  const close = t('Close Escalation');
  const isThere = snapshot.sessions.some((each) => each.id === session && each.state === 'running');
  const show = severity === 'high' || severity === 'critical' ? vscode.window.showErrorMessage : vscode.window.showWarningMessage;
  const chosen = await show(t('Escalated: {0}', shortened(message)), ...(isThere ? [open] : []), close);
  if (chosen === open) await vscode.commands.executeCommand('gastown.attach', { session });
  if (chosen === close) await vscode.commands.executeCommand('gastown.closeEscalation', { escalation: id });
}

async function tellOfMany(count: number): Promise<void> {
  const show = t('Show');
  const chosen = await vscode.window.showWarningMessage(t('{0} things were escalated to you.', count), show);
  if (chosen === show) await vscode.commands.executeCommand('gastown.sessions.focus');
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 200 ? `${line.slice(0, 199)}…` : line;
}
