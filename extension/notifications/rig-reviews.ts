import * as vscode from 'vscode';
import type { TownSnapshot } from '../../shared/channel/views.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import type { CurrentTown } from '../town/current-town.ts';
import { ReviewQuestions } from './review-questions.ts';
import type { ReviewQuestion } from './review-questions.ts';

/** Asks the user to look at what a rig's repository brings. */
export class RigReviews {
  private readonly disposables = new DisposableStore();
  private readonly questions = new ReviewQuestions();
  private readonly town: CurrentTown;

  constructor(town: CurrentTown) {
    this.town = town;
    this.disposables.add(town.onDidChange((snapshot) => this.ask(snapshot)));
  }

  dispose(): Promise<void> {
    return this.disposables.dispose();
  }

  private ask(snapshot: TownSnapshot | undefined): void {
    for (const question of this.questions.take(snapshot)) void this.tell(question);
  }

  private async tell(question: ReviewQuestion): Promise<void> {
    const { rig } = question;
    const review = vscode.l10n.t('Review…');
    const message = vscode.l10n.t(
      'The repository of the rig {0} brings programs, arguments, commands or an environment of its own. Nothing is started with them before you agree.',
      rig,
    );
    const looks = (await vscode.window.showWarningMessage(message, review)) === review;
    this.questions.close(question, this.town.snapshot, looks);
    if (looks) void vscode.commands.executeCommand('gastown.reviewRig', { rig });
    // What was written while the question stood there.
    this.ask(this.town.snapshot);
  }
}
