/** Removing a town, and opening one again that was removed. */
import { sep } from 'node:path';
import * as vscode from 'vscode';
import type { RemovalItem, TownRemoval } from '../../shared/channel/protocol.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';

const t = vscode.l10n.t;

/** A dialog does not scroll everywhere: of more than this many lines the rest is counted. */
const shownLines = 12;

/** Shows what would go and what stays, and does it when the person agrees. */
export const removeTown: Command = async (_given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const { name, root } = snapshot;
  const plan = await withProgress(t('Looking at what the town {0} has written', name), (signal) =>
    api.request('town.removal', {}, signal),
  );
  const act = t('Remove Town');
  const detail = report(plan, root, { goes: t('This goes:'), stays: t('This stays:') }, shownLines);
  if ((await vscode.window.showWarningMessage(t('Remove the town {0}?', name), { modal: true, detail }, act)) !== act)
    return;
  const title = t('Removing the town {0}', name);
  // It cannot be cancelled: what has gone does not come back.
  const progress = { location: vscode.ProgressLocation.Notification, title };
  const done = await vscode.window.withProgress(progress, () => api.request('town.remove', {}));
  const text = report(done, root, { goes: t('What went:'), stays: t('What stayed:') });
  await deps.documents.show(t('Removal of {0}', name), `${t('The town {0} is removed.', root)}\n\n${text}\n`);
};

export const openTownAgain: Command = (_given, { town }) => town.open();

function report(
  { sessions, goes, stays }: TownRemoval,
  root: string,
  words: { goes: string; stays: string },
  most = Infinity,
): string {
  // Paths in the town as seen from its root, the others whole.
  const inTown = (path: string): string => (path.startsWith(`${root}${sep}`) ? path.slice(root.length + 1) : path);
  const line = ({ path, what }: RemovalItem): string => `• ${inTown(path)}: ${what}`;
  const ended = sessions.length === 0 ? [] : [`• ${t('Sessions: {0}', sessions.join(', '))}`];
  return [
    words.goes,
    ...upTo(most, [...ended, ...goes.map(line)]),
    '',
    words.stays,
    ...upTo(most, stays.map(line)),
  ].join('\n');
}

function upTo(most: number, lines: readonly string[]): string[] {
  if (lines.length <= most) return [...lines];
  const shown = lines.slice(0, most - 1);
  return [...shown, `• ${t('{0} more', lines.length - shown.length)}`];
}
