import * as vscode from 'vscode';
import type { TownSnapshot } from '../../shared/channel/views.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import type { CurrentTown } from '../town/current-town.ts';
import { isAlive, classOf } from './session-icon.ts';
import { aggregateText, fullSessionName, stateText } from './session-text.ts';
import { viewContext } from './views.ts';

/** How many sessions there are, and how many wait; a click leads to those that wait, or to all. */
export class StatusBar {
  private readonly disposables = new DisposableStore();
  private readonly item: vscode.StatusBarItem;

  constructor(town: CurrentTown) {
    this.item = this.disposables.add(
      vscode.window.createStatusBarItem('gastown.status', vscode.StatusBarAlignment.Left, 10),
    );
    this.item.name = vscode.l10n.t('Gas Town');
    this.item.command = 'gastown.showWaiting';
    this.disposables.add(town.onDidChange((snapshot) => this.show(snapshot)));
  }

  dispose(): Promise<void> {
    return this.disposables.dispose();
  }

  private show(snapshot: TownSnapshot | undefined): void {
    if (!snapshot) return this.item.hide();
    const alive = snapshot.sessions.filter(isAlive);
    const waiting = alive.filter((session) => classOf(session) === 'waiting');
    const bell = waiting.length > 0 ? ` $(bell-dot) ${waiting.length}` : '';
    const text = `$(organization) ${alive.length}${bell}`;
    const tooltip = this.tooltip(snapshot);
    if (this.item.text !== text || this.item.tooltip !== tooltip) {
      this.item.text = text;
      this.item.tooltip = tooltip;
      const sessions = alive.length === 1 ? vscode.l10n.t('1 session') : vscode.l10n.t('{0} sessions', alive.length);
      const label = vscode.l10n.t('Gas Town: {0}, {1} waiting for you', sessions, waiting.length);
      this.item.accessibilityInformation = { label };
    }
    this.item.show();
  }

  private tooltip(snapshot: TownSnapshot): string {
    const context = viewContext();
    const shown = snapshot.sessions.filter(isAlive);
    const rows = shown.map((each) => `${fullSessionName(each, context.t)}: ${stateText(each, context)}`);
    return [`${snapshot.name} — ${aggregateText(shown, context.t)}`, ...rows].join('\n');
  }
}
