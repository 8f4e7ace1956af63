/** Closing what was escalated, and giving another chance to what was given up. */
import * as vscode from 'vscode';
import type { EscalationView } from '../../shared/town/snapshot.ts';
import { GasTownError } from '../../shared/errors.ts';
import { inOrder, severityIcons, severityText } from '../views/escalation-tree.ts';
import { themeIcon } from '../views/node-tree-provider.ts';
import { fullSessionName } from '../views/session-text.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';
import { askInTurn, cancelled } from './dialog.ts';
import type { Choice } from './dialog.ts';
import { Answer, pickOne, sessionQuestion } from './questions.ts';

const t = vscode.l10n.t;

export const closeEscalation: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const id = given.escalation ?? (await chosen(snapshot.escalations));
  const { severity, message } = await api.request('escalation.close', { id });
  vscode.window.setStatusBarMessage(t('$(check) Closed ({0}): {1}', severityText(severity, t), message), 5000);
};

export const resetSession: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const session = new Answer(given.session);
  const failed = snapshot.sessions.filter(({ state }) => state === 'failed');
  if (failed.length === 0) {
    throw new GasTownError('refused', t('No session has failed, so there is nothing to reset.'));
  }
  await askInTurn(t('Reset Session'), [sessionQuestion(session, failed, t('Which session shall start again?'))]);
  const again = await withProgress(t('Starting {0} again', session.get()), (signal) =>
    api.request('session.reset', { session: session.get() }, signal),
  );
  vscode.window.setStatusBarMessage(t('$(rocket) {0} has started again.', fullSessionName(again, t)), 5000);
};

async function chosen(escalations: readonly EscalationView[]): Promise<string> {
  if (escalations.length === 0) {
    void vscode.window.showInformationMessage(t('Nothing is escalated.'));
    throw cancelled();
  }
  return pickOne(t('Close Escalation'), choices(escalations), t('What has been dealt with?'));
}

function choices(escalations: readonly EscalationView[]): Choice<string>[] {
  return inOrder(escalations).map(({ id, severity, message, work, session }) => ({
    label: message,
    description: [severityText(severity, t), work, session].filter((part) => part !== undefined).join(' · '),
    iconPath: themeIcon(severityIcons[severity]),
    value: id,
  }));
}
