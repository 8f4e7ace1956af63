import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { requireFreeBranch } from '../../../../shared/platform/git/branch-name.ts';
import { createWorktree } from '../../../../shared/platform/git/worktree.ts';
import { makeRepository, temporaryFolder } from '../../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;
const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: repository, encoding: 'utf8', stdio: 'pipe' });
beforeEach(() => {
  folder = temporaryFolder('branch-name');
  repository = makeRepository(join(folder.path, 'alpha'));
});
afterEach(() => folder.remove());

describe("a branch in the way of a worktree's", () => {
  test.each([
    ['polecat', 'git branch -m polecat my-polecat'],
    ['polecat/toast', 'git branch -m polecat/toast my-polecat-toast'],
    ['polecat/toast/issue-1/more', 'git branch -m polecat/toast/issue-1/more my-polecat-toast-issue-1-more'],
  ])('%s is named, with what to do, and nothing is made', async (name, advice) => {
    git('branch', name);
    const path = join(folder.path, 'worktrees', 'toast');
    const making = createWorktree(repository, path, 'polecat/toast/issue-1');
    await expect(making).rejects.toThrow(`the branch "${name}" of ${repository} is in the way`);
    await expect(making).rejects.toThrow(advice);
    expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1);
    // The advice is right.
    git(...advice.split(' ').slice(1));
    await expect(createWorktree(repository, path, 'polecat/toast/issue-1')).resolves.toMatchObject({
      branch: 'polecat/toast/issue-1',
    });
  });

  test('one whose name only begins alike is not', async () => {
    for (const name of ['polecats', 'polecat-old', 'polecat/toasty', 'polecat/toast/issue-10']) git('branch', name);
    await expect(requireFreeBranch(repository, 'polecat/toast/issue-1')).resolves.toBeUndefined();
  });

  test.each(['Polecat', 'polecat/toast/ISSUE-1'])(
    '%s is where the file system ignores case, and only there',
    async (name) => {
      git('branch', name);
      await expect(requireFreeBranch(repository, 'polecat/toast/issue-1')).resolves.toBeUndefined();
      git('config', 'core.ignorecase', 'true');
      await expect(requireFreeBranch(repository, 'polecat/toast/issue-1')).rejects.toThrow(`the branch "${name}"`);
    },
  );
});
