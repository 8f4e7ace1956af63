/** Worktrees of sessions that are over: removing those that stayed, and bringing back what was removed. */
import * as vscode from 'vscode';
import { GasTownError } from '../../shared/platform/errors.ts';
import type { WorktreeView } from '../../shared/channel/views.ts';
import { settings } from '../settings.ts';
import { longAge } from '../views/session-text.ts';
import { viewContext } from '../views/views.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';
import { cancelled } from './dialog.ts';
import type { Choice } from './dialog.ts';
import { givenWorktree } from './given-worktree.ts';
import { pickOne } from './questions.ts';

const t = vscode.l10n.t;

/** What only it has is saved, so that it can be brought back. Given may be its id. */
export const removeWorktree: Command = async (given, deps) => {
  const { api } = connectionOf(deps);
  const { worktrees } = await api.request('worktree.list', {});
  const chosen = await choose(
    worktrees,
    'kept',
    given.worktree,
    t('Remove Worktree'),
    t('No session that is over has left a worktree.'),
  );
  const act = t('Remove Worktree');
  const detail = t(
    '{0}\n\nIn it: {1}\n\nWhat only it has is saved, and can be brought back with "Restore Worktree…".',
    chosen.path,
    chosen.reason ?? '',
  );
  if (
    (await vscode.window.showWarningMessage(
      t('Remove the worktree of {0}?', chosen.session),
      { modal: true, detail },
      act,
    )) !== act
  )
    throw cancelled();
  await withProgress(t('Removing the worktree of {0}', chosen.session), () =>
    api.request('worktree.remove', { worktree: chosen.id }),
  );
  // Else a notification tells of it, and undoes it.
  if (!settings.notifyWorktrees()) vscode.window.setStatusBarMessage(t('$(trash) {0} is removed.', chosen.path), 5000);
};

export const restoreWorktree: Command = async (given, deps) => {
  const { api } = connectionOf(deps);
  const { worktrees } = await api.request('worktree.list', {});
  const chosen = await choose(
    worktrees,
    'removed',
    given.worktree,
    t('Restore Worktree'),
    t('No worktree was removed that could be brought back.'),
  );
  const { path } = await withProgress(t('Bringing back the worktree of {0}', chosen.session), () =>
    api.request('worktree.restore', { worktree: chosen.id }),
  );
  vscode.window.setStatusBarMessage(t('$(discard) {0} is back.', path), 5000);
};

/** Never another one than was given: who takes back one removal does not mean another. */
async function choose(
  worktrees: readonly WorktreeView[],
  wanted: 'kept' | 'removed',
  given: string | undefined,
  title: string,
  none: string,
): Promise<WorktreeView> {
  if (given !== undefined) {
    const found = givenWorktree(worktrees, given, wanted, t);
    if (typeof found !== 'string') return found;
    void vscode.window.showInformationMessage(found);
    throw cancelled();
  }
  const offered = worktrees.filter(({ state }) => state === wanted);
  if (offered.length === 0) throw new GasTownError('refused', none);
  return pickOne(title, offered.map(toChoice), t('Which worktree?'));
}

function toChoice(worktree: WorktreeView): Choice<WorktreeView> {
  const { session, branch, at, path, reason } = worktree;
  const description = [branch, t('for {0}', longAge(at, viewContext()))]
    .filter((part) => part !== undefined)
    .join(' · ');
  return { label: session, description, detail: reason ?? path, value: worktree };
}
