import * as vscode from 'vscode';
import { ownedStates } from '../../shared/domain/work-state.ts';
import { fullSessionName } from '../views/session-text.ts';
import type { CurrentTown } from '../town/current-town.ts';

const t = vscode.l10n.t;

/**
 * Says what follows where the user closes the terminal of a session that has work: the session has stopped, and the work
 * is nobody's. Without work its row says enough.
 */
export function tellOfClosedTerminals(town: CurrentTown): vscode.Disposable {
  return vscode.window.onDidCloseTerminal(async (terminal) => {
    if (terminal.exitStatus?.reason !== vscode.TerminalExitReason.User) return;
    // As it was before: what follows comes with the next snapshot.
    const { snapshot } = town;
    const pid = await terminal.processId;
    const session = snapshot?.sessions.find((each) => pid !== undefined && each.pid === pid);
    if (!session) return;
    const units =
      snapshot?.work.filter(({ owner, state }) => owner === session.id && ownedStates.includes(state)) ?? [];
    const [unit, another] = units;
    if (!unit) return;
    const sling = t('Sling Again…');
    const message = t(
      'You closed the terminal of {0}, so the session has ended. Its work is open again: {1}.',
      fullSessionName(session, t),
      units.map(({ id }) => id).join(', '),
    );
    const chosen = await vscode.window.showInformationMessage(message, ...(another ? [] : [sling]));
    if (chosen === sling) await vscode.commands.executeCommand('gastown.slingWork', { rig: unit.rig, work: unit.id });
  });
}
