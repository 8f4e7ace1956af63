import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRepository } from '../../../../shared/platform/git/repository.ts';
import { makeRepository, temporaryFolder } from '../../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder('repository');
});
afterEach(() => folder.remove());
const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: 'pipe' }).trim();

test('a repository is opened while a worktree of it is being made, whose HEAD is no commit yet', async () => {
  const path = makeRepository(join(folder.path, 'alpha'));
  const half = join(path, '.git', 'worktrees', 'half');
  mkdirSync(half, { recursive: true });
  writeFileSync(join(half, 'HEAD'), `${'0'.repeat(40)}\n`);
  writeFileSync(join(half, 'commondir'), '../..\n');
  writeFileSync(join(half, 'gitdir'), `${join(folder.path, 'half', '.git')}\n`);
  expect(() => git(path, 'rev-list', '--all')).toThrow();
  expect(await openRepository(path)).toEqual({ path, subfolder: '', branch: 'main' });
});

test('one without a commit is refused, with what to do; one whose only commit is checked out by itself is not', async () => {
  const empty = join(folder.path, 'empty');
  mkdirSync(empty);
  git(empty, 'init', '-q', '-b', 'main');
  await expect(openRepository(empty)).rejects.toMatchObject({
    code: 'not-a-repository',
    message: expect.stringContaining('has no commit yet') as unknown,
  });
  const detached = makeRepository(join(folder.path, 'detached'));
  git(detached, 'checkout', '-q', '--detach');
  git(detached, 'branch', '-q', '-D', 'main');
  expect(await openRepository(detached, 'next')).toMatchObject({ branch: 'next' });
});
