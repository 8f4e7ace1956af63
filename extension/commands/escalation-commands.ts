/** Closing what was escalated. */
import * as vscode from 'vscode';
import type { EscalationView } from '../../shared/channel/views.ts';
import { inOrder, severityIcons, severityText } from '../views/escalation-tree.ts';
import { themeIcon } from '../views/node-tree-provider.ts';
import { connectionOf } from './command.ts';
import type { Command } from './command.ts';
import { cancelled } from './dialog.ts';
import type { Choice } from './dialog.ts';
import { pickOne } from './questions.ts';

const t = vscode.l10n.t;

export const closeEscalation: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const id = given.escalation ?? (await chosen(snapshot.escalations));
  const { severity, message } = await api.request('escalation.close', { id });
  vscode.window.setStatusBarMessage(t('$(check) Closed ({0}): {1}', severityText(severity, t), message), 5000);
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
