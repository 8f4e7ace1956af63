/** Where a unit is worked on: its worktree, for as long as it is there. */
import * as vscode from 'vscode';
import { GasTownError } from '../../shared/platform/errors.ts';
import { exists } from '../files.ts';
import { connectionOf } from './command.ts';
import type { Command, CommandDeps } from './command.ts';
import type { CommandArguments } from './command-arguments.ts';
import { pickOne, workChoices } from './questions.ts';

const t = vscode.l10n.t;

export const openWorktree: Command = async (given, deps) => {
  const { folder } = await placeOf(given, deps, t('Open Worktree in New Window'));
  await vscode.commands.executeCommand('vscode.openFolder', folder, { forceNewWindow: true });
};

export const openWorktreeTerminal: Command = async (given, deps) => {
  const { folder, name } = await placeOf(given, deps, t('Open Terminal in Worktree'));
  vscode.window.createTerminal({ name: t('{0} (worktree)', name), cwd: folder }).show();
};

/** Rejects with `refused` where the worktree is gone. */
async function placeOf(
  { work, session }: CommandArguments,
  deps: CommandDeps,
  title: string,
): Promise<{ folder: vscode.Uri; name: string }> {
  const { api, snapshot } = connectionOf(deps);
  if (session !== undefined) {
    const known = snapshot.sessions.find(({ id }) => id === session);
    if (known) return { folder: await existing(known.workDir, session), name: session };
  }
  const begun = snapshot.work.filter(({ branch }) => branch !== undefined);
  const id =
    work ?? deps.reviews.active?.work ?? (await pickOne(title, workChoices(begun, snapshot.merges), t('Which work?')));
  const unit = snapshot.work.find((each) => each.id === id);
  const owner = snapshot.sessions.find((each) => each.id === unit?.owner && each.branch === unit.branch);
  const { worktrees } = owner ? { worktrees: [] } : await api.request('worktree.list', {});
  const kept = worktrees.find(
    ({ state, branch }) => state === 'kept' && branch !== undefined && branch === unit?.branch,
  );
  return { folder: await existing(owner?.workDir ?? kept?.path, id), name: id };
}

async function existing(path: string | undefined, whose: string): Promise<vscode.Uri> {
  const folder = path === undefined ? undefined : vscode.Uri.file(path);
  if (folder && (await exists(folder))) return folder;
  throw new GasTownError(
    'refused',
    t(
      'The worktree of {0} is not there (any more). What was committed is on its branch: review it, or check it out.',
      whose,
    ),
  );
}
