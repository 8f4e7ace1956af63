/** What the Messages view can do. */
import * as vscode from 'vscode';
import { messageKinds, messageStates } from '../../shared/domain/message.ts';
import { messageKindText, messageStateText } from '../views/message-text.ts';
import { messageText } from '../views/message-tree.ts';
import type { ShownMessages } from '../views/message-tree.ts';
import { viewContext } from '../views/views.ts';
import { cancelled } from './dialog.ts';
import { connectionOf } from './command.ts';
import type { Command } from './command.ts';
import type { CommandArguments } from './command-arguments.ts';

const t = vscode.l10n.t;

interface Facet extends vscode.QuickPickItem {
  value?: ShownMessages;
}

/** Limits the view to one state, one kind, one session, or several of these in turn. */
export const filterMessages: Command = async (_given, { town, messages }) => {
  const { filtered } = messages;
  const sessions = town.snapshot?.sessions.map(({ id }) => id) ?? [];
  const facet = (label: string, value: ShownMessages): Facet => {
    const [key] = Object.keys(value) as (keyof ShownMessages)[];
    const on = key !== undefined && filtered[key] === value[key];
    return { label, value, ...(on ? { description: t('shown now') } : {}) };
  };
  const heading = (label: string): Facet => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const items: Facet[] = [
    heading(t('State')),
    ...messageStates.map((state) => facet(messageStateText(state, t), { state })),
    heading(t('Kind')),
    ...messageKinds.map((kind) => facet(messageKindText(kind, t), { kind })),
    heading(t('Session')),
    ...sessions.map((session) => facet(session, { session })),
    facet(t('you'), { session: 'overseer' }),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: t('Filter Messages'),
    placeHolder: t('Show only which messages?'),
  });
  if (!chosen?.value) throw cancelled();
  messages.show({ ...filtered, ...chosen.value });
};

export const clearMessageFilter: Command = async (_given, { messages }) => messages.show({});

export const copyMessageId: Command = async (given) => {
  const id = messageOf(given);
  await vscode.env.clipboard.writeText(id);
  vscode.window.setStatusBarMessage(t('$(clippy) {0} was copied.', id), 5000);
};

export const openMessage: Command = async (given, deps) => {
  const message = await connectionOf(deps).api.request('message.show', { id: messageOf(given) });
  await deps.documents.show({ title: t('Message {0}', message.id) }, messageText(message, viewContext()));
};

/** These are offered on rows only. */
function messageOf({ message }: CommandArguments): string {
  if (message === undefined) throw cancelled();
  return message;
}
