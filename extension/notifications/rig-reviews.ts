import * as vscode from 'vscode';
import type { TownSnapshot } from '../../shared/town/snapshot.ts';
import { Lifetime } from '../lifetime.ts';
import type { CurrentTown } from '../town/current-town.ts';

/** Asks the user, once for each content, to look at what a rig's repository brings. */
export class RigReviews {
  private readonly lifetime = new Lifetime();
  private readonly asked = new Set<string>();

  constructor(town: CurrentTown) {
    this.lifetime.own(town.onDidChange((snapshot) => this.ask(snapshot)));
  }

  dispose(): Promise<void> {
    return this.lifetime.dispose();
  }

  private ask(snapshot: TownSnapshot | undefined): void {
    for (const { name, toReview } of snapshot?.rigs ?? []) {
      const key = `${snapshot?.root} ${name} ${toReview}`;
      if (toReview === undefined || this.asked.has(key)) continue;
      this.asked.add(key);
      void this.tell(name);
    }
  }

  private async tell(rig: string): Promise<void> {
    const review = vscode.l10n.t('Review…');
    const message = vscode.l10n.t(
      'The repository of the rig {0} brings programs, arguments or an environment of its own. Nothing is started with them before you agree.',
      rig,
    );
    if ((await vscode.window.showWarningMessage(message, review)) === review) {
      await vscode.commands.executeCommand('gastown.reviewRig', { rig });
    }
  }
}
