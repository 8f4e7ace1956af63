/** Removing a town, and opening one again that was removed. */
import { sep } from 'node:path';
import * as vscode from 'vscode';
import type { RemovalItem, TownRemoval } from '../../shared/channel/protocol.ts';
import { cutText } from '../../shared/platform/cut-text.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';

const t = vscode.l10n.t;

/** A dialog does not scroll everywhere: of what fills more than this many of its lines the rest is counted. */
const shownLines = 12;
/** So many characters fill a line of it. */
const lineLength = 50;

/** Shows what would go and what stays, and does it when the user agrees. */
export const removeTown: Command = async (_given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const { name, root } = snapshot;
  const plan = await withProgress(t('Looking at what the town {0} has written', name), (signal) =>
    api.request('town.removal', {}, signal),
  );
  const act = t('Remove Town');
  const words = { runs: t('This runs first:'), goes: t('This goes:'), stays: t('This stays:') };
  const detail = report(plan, root, words, shownLines);
  if ((await vscode.window.showWarningMessage(t('Remove the town {0}?', name), { modal: true, detail }, act)) !== act)
    return;
  const title = t('Removing the town {0}', name);
  // It cannot be cancelled: what has gone does not come back.
  const progress = { location: vscode.ProgressLocation.Notification, title };
  const done = await vscode.window.withProgress(progress, () => api.request('town.remove', {}));
  const text = report(done, root, { runs: t('What ran:'), goes: t('What went:'), stays: t('What stayed:') });
  await deps.documents.show(
    { title: t('Removal of {0}', name) },
    `${t('The town {0} is removed.', root)}\n\n${text}\n`,
  );
};

export const openTownAgain: Command = (_given, { town }) => town.open();

function report(
  { sessions, runs, goes, stays }: TownRemoval,
  root: string,
  words: { runs: string; goes: string; stays: string },
  most = Infinity,
): string {
  // Paths in the town as seen from its root, the others whole.
  const inTown = (path: string): string => (path.startsWith(`${root}${sep}`) ? path.slice(root.length + 1) : path);
  const line = ({ path, what }: RemovalItem): string => `• ${inTown(path)}: ${what}`;
  const ended = sessions.length === 0 ? [] : [`• ${t('Sessions: {0}', sessions.join(', '))}`];
  return [
    ...(runs.length === 0 ? [] : [words.runs, ...upTo(most, commands(runs, inTown)), '']),
    words.goes,
    ...upTo(most, [...ended, ...goes.map(line)]),
    '',
    words.stays,
    ...upTo(most, stays.map(line)),
  ].join('\n');
}

/** Each command once, with the worktrees in which it runs: a rig has the same for all of its own. */
function commands(runs: readonly RemovalItem[], inTown: (path: string) => string): string[] {
  const places = new Map<string, string[]>();
  for (const { path, what } of runs) places.set(what, [...(places.get(what) ?? []), inTown(path)]);
  return [...places].map(([command, paths]) =>
    paths.length === 1
      ? t('• {0} (in {1})', shortened(command), paths[0] ?? '')
      : t('• {0} (in {1} worktrees: {2})', shortened(command), paths.length, shortened(paths.join(', '))),
  );
}

/** In one line of a dialog, as far as it fits there. */
const shortened = (text: string): string => cutText(text.replace(/\s+/g, ' ').trim(), 200);

/** The first of them always, then as many as there is room for. */
function upTo(most: number, lines: readonly string[]): string[] {
  let filled = 0;
  const over = lines.findIndex((line, index) => {
    filled += Math.ceil(line.length / lineLength);
    // The last one takes the room of the line that counts the rest.
    return index > 0 && filled > (index === lines.length - 1 ? most : most - 1);
  });
  return over === -1 ? [...lines] : [...lines.slice(0, over), `• ${t('{0} more', lines.length - over)}`];
}
