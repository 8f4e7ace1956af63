import type { Command } from 'commander';
import type { WorktreeView } from '../../../shared/channel/views.ts';
import { addCommand } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { table } from '../table.ts';

export function addWorktreeCommands(program: Command, gt: Gt): void {
  const parent = program.command('worktree').description('worktrees of sessions that are over');

  addCommand(
    parent,
    'list',
    'list those that stay, with the reason, and those that were removed and can be brought back',
  ).action(async (options: CommonOptions) => {
    const { worktrees } = await gt.request('worktree.list', {});
    gt.print(options, worktrees, (listed, width) =>
      listed.length === 0 ? 'No session that is over has left a worktree.' : worktreeTable(listed, width),
    );
  });

  addCommand(
    parent,
    'remove <worktree>',
    'remove one that stays; what only it has is saved, and comes back with restore (not for sessions)',
  ).action(async (worktree: string, options: CommonOptions) => {
    const removed = await gt.request('worktree.remove', { worktree });
    gt.print(
      options,
      removed,
      ({ id, path, rescue }) =>
        `Removed ${path}.${rescue === undefined ? '' : ` What only it had is in ${rescue}.`} To bring it back: gt worktree restore ${id}`,
    );
  });

  addCommand(parent, 'restore <worktree>', 'bring back one that was removed (not for sessions)').action(
    async (worktree: string, options: CommonOptions) => {
      const restored = await gt.request('worktree.restore', { worktree });
      gt.print(options, restored, ({ path }) => `${path} is back.`);
    },
  );
}

function worktreeTable(worktrees: readonly WorktreeView[], width: number | undefined): string {
  return table(
    ['ID', 'STATE', 'SESSION', 'SINCE', 'BRANCH', 'PATH', 'WHY'],
    worktrees.map(({ id, state, session, at, branch, path, reason, rescue }) => [
      id,
      state,
      session,
      new Date(at).toISOString(),
      branch,
      path,
      reason ?? (rescue === undefined ? undefined : `saved in ${rescue}`),
    ]),
    { width, cut: ['BRANCH', 'PATH'], whole: true },
  );
}
