/** Worktrees of sessions that are over: removing those that stayed, and bringing back what was removed. */
import * as vscode from 'vscode';
import { GasTownError } from '../../shared/errors.ts';
import type { WorktreeView } from '../../shared/town/snapshot.ts';
import { longAge } from '../views/session-text.ts';
import { viewContext } from '../views/views.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';
import { cancelled } from './dialog.ts';
import type { Choice } from './dialog.ts';
import { pickOne } from './questions.ts';

const t = vscode.l10n.t;

/** What only it has is saved, so that it can be brought back. Given may be its id. */
export const removeWorktree: Command = async (given, deps) => {
  const { api } = connectionOf(deps);
  const { worktrees } = await api.request('worktree.list', {});
  const kept = worktrees.filter(({ state }) => state === 'kept');
  const chosen = await choose(
    kept,
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
  // A notification tells of it, and undoes it.
  await withProgress(t('Removing the worktree of {0}', chosen.session), () =>
    api.request('worktree.remove', { worktree: chosen.id }),
  );
};

export const restoreWorktree: Command = async (given, deps) => {
  const { api } = connectionOf(deps);
  const { worktrees } = await api.request('worktree.list', {});
  const removed = worktrees.filter(({ state }) => state === 'removed');
  const chosen = await choose(
    removed,
    given.worktree,
    t('Restore Worktree'),
    t('No worktree was removed that could be brought back.'),
  );
  const { path } = await withProgress(t('Bringing back the worktree of {0}', chosen.session), () =>
    api.request('worktree.restore', { worktree: chosen.id }),
  );
  vscode.window.setStatusBarMessage(t('$(discard) {0} is back.', path), 5000);
};

async function choose(
  worktrees: readonly WorktreeView[],
  given: string | undefined,
  title: string,
  none: string,
): Promise<WorktreeView> {
  const known = worktrees.find(({ id }) => id === given);
  if (known) return known;
  if (worktrees.length === 0) throw new GasTownError('refused', none);
  return pickOne(title, worktrees.map(toChoice), t('Which worktree?'));
}

function toChoice(worktree: WorktreeView): Choice<WorktreeView> {
  const { session, branch, at, path, reason } = worktree;
  const description = [branch, t('for {0}', longAge(at, viewContext()))]
    .filter((part) => part !== undefined)
    .join(' · ');
  return { label: session, description, detail: reason ?? path, value: worktree };
}
