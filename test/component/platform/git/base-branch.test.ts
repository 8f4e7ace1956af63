import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findBase } from '../../../../shared/platform/git/base-branch.ts';
import type { BaseWish } from '../../../../shared/platform/git/base-branch.ts';
import { createWorktree } from '../../../../shared/platform/git/worktree.ts';
import { makeRepository, temporaryFolder } from '../../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;

beforeEach(() => {
  folder = temporaryFolder('base-branch');
  repository = makeRepository(join(folder.path, 'alpha'));
});
afterEach(() => folder.remove());

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: 'pipe' }).trim();
function commit(cwd: string, file: string): string {
  writeFileSync(join(cwd, file), file);
  git(cwd, 'add', '-A');
  git(cwd, '-c', 'user.name=Test', '-c', 'user.email=test@example.com', 'commit', '-q', '-m', file);
  return git(cwd, 'rev-parse', 'HEAD');
}
const make = (base: Partial<BaseWish> = {}, name = 'toast') =>
  createWorktree(repository, join(folder.path, 'worktrees', name), `polecat/${name}/issue-1`, {
    base: { subfolder: '', ...base },
  });
/** The repository becomes a clone of one that goes on by itself. */
function cloned(): { upstream: string } {
  const upstream = repository;
  repository = join(folder.path, 'clone');
  git(folder.path, 'clone', '-q', upstream, repository);
  return { upstream };
}

describe('a new worktree starts from', () => {
  test('the default branch, whatever the user has checked out and committed there', async () => {
    const main = git(repository, 'rev-parse', 'HEAD');
    git(repository, 'switch', '-q', '-c', 'my-feature');
    commit(repository, 'mine.txt');
    const { path, base, warning } = await make();
    expect([git(path, 'rev-parse', 'HEAD'), base, warning]).toEqual([main, main, undefined]);
    expect(existsSync(join(path, 'mine.txt'))).toBe(false);
    expect(git(repository, 'branch', '--show-current')).toBe('my-feature');
  });

  test('the same where HEAD is detached', async () => {
    const main = git(repository, 'rev-parse', 'HEAD');
    git(repository, 'switch', '-q', '--detach');
    commit(repository, 'loose.txt');
    expect((await make()).base).toBe(main);
  });

  test('what origin says is its main branch', async () => {
    git(repository, 'switch', '-q', '-c', 'trunk');
    const trunk = commit(repository, 'trunk.txt');
    cloned();
    git(repository, 'switch', '-q', '-c', 'main', 'HEAD~1');
    expect((await make()).base).toBe(trunk);
  });

  test('the branch that the settings name, here or at the remote, without following it', async () => {
    git(repository, 'switch', '-q', '-c', 'next');
    const next = commit(repository, 'next.txt');
    git(repository, 'switch', '-q', 'main');
    expect((await make({ branch: 'next' })).base).toBe(next);
    cloned();
    for (const [index, branch] of ['next', 'origin/next'].entries()) {
      const { path, base } = await make({ branch }, `nux-${index}`);
      expect(base).toBe(next);
      expect(git(path, 'for-each-ref', '--format=%(upstream)', 'refs/heads/polecat/')).toBe('');
    }
  });

  test('what is checked out only where nothing else is known, and then it is said', async () => {
    git(repository, 'branch', '-m', 'main', 'trunk');
    expect((await make()).warning).toBeUndefined();
    git(repository, 'switch', '-q', '-c', 'mine');
    expect((await make({}, 'nux')).warning).toMatch(/starts from mine, because that is checked out .*worktrees\.base/);
  });

  test.each([
    ['does not exist', { branch: 'nowhere' }, /the branch "nowhere", .* does not exist in .*worktrees\.base/],
    ['lacks the folder', { subfolder: 'packages/web' }, /main .* does not have the rig's folder packages\/web/],
  ])('no branch that %s: nothing is made, and the error says what to do', async (_what, wish, message) => {
    mkdirSync(join(repository, 'packages', 'web'), { recursive: true });
    await expect(make(wish)).rejects.toMatchObject({
      code: 'isolation-failed',
      message: expect.stringMatching(message) as string,
    });
    expect(git(repository, 'branch', '--format=%(refname:short)')).toBe('main');
    expect(existsSync(join(folder.path, 'worktrees', 'toast'))).toBe(false);
  });

  test('a detached HEAD without any known branch is said, with the way out', async () => {
    git(repository, 'branch', '-m', 'main', 'trunk');
    git(repository, 'switch', '-q', '--detach');
    await expect(make()).rejects.toThrow(/detached HEAD.*worktrees\.base/);
    await expect(make({ branch: 'trunk' })).resolves.toMatchObject({ branch: 'polecat/toast/issue-1' });
  });
});

describe('a remote that is asked first', () => {
  test('gives what has come since; the user’s branch, files and FETCH_HEAD stay as they are', async () => {
    const { upstream } = cloned();
    const before = git(repository, 'rev-parse', 'main');
    const newer = commit(upstream, 'newer.txt');
    expect((await make()).base).toBe(before);
    expect((await make({ fetch: true }, 'nux')).base).toBe(newer);
    expect(git(repository, 'rev-parse', 'main')).toBe(before);
    expect(git(repository, 'status', '--porcelain')).toBe('');
    expect(existsSync(join(repository, '.git', 'FETCH_HEAD'))).toBe(false);
  });

  test('is behind: local commits count', async () => {
    cloned();
    const mine = commit(repository, 'mine.txt');
    expect((await make({ fetch: true })).base).toBe(mine);
  });

  test('has gone another way: the local branch counts, and it is said', async () => {
    const { upstream } = cloned();
    commit(upstream, 'theirs.txt');
    const mine = commit(repository, 'mine.txt');
    const { base, warning } = await make({ fetch: true });
    expect([base, warning]).toEqual([mine, expect.stringContaining('main and origin/main have diverged')]);
  });

  test('does not answer: work starts from what is known, and it is said', async () => {
    cloned();
    const main = git(repository, 'rev-parse', 'HEAD');
    git(repository, 'remote', 'set-url', 'origin', join(folder.path, 'gone'));
    const { base, warning } = await make({ fetch: true });
    expect([base, warning]).toEqual([main, expect.stringMatching(/origin could not be asked for main, .*gone/)]);
  });

  test('is none: nothing is asked, and nothing said', async () => {
    expect((await make({ fetch: true })).warning).toBeUndefined();
  });

  test('is asked once for starts that come together', async () => {
    const { upstream } = cloned();
    const newer = commit(upstream, 'newer.txt');
    const counting = join(folder.path, 'counting');
    // It answers when all have come to ask.
    const gate = join(folder.path, 'gate');
    execFileSync('mkfifo', [gate]);
    writeFileSync(
      counting,
      `#!/bin/sh\necho asked >> ${folder.path}/asked\nread line < ${gate}\nexec git-upload-pack "$@"\n`,
      { mode: 0o755 },
    );
    git(repository, 'config', 'remote.origin.uploadpack', counting);
    let come = 0;
    const onFetch = (): void => {
      come += 1;
      if (come === 4) void writeFile(gate, 'all\n');
    };
    const wish = { fetch: true, subfolder: '', onFetch };
    const all = await Promise.all(Array.from({ length: 4 }, () => findBase(repository, wish)));
    expect(all).toEqual(all.map(() => ({ branch: 'main', commit: newer, warnings: [] })));
    expect(readFileSync(join(folder.path, 'asked'), 'utf8')).toBe('asked\n');
  });

  test('that is waited for can be given up', async () => {
    cloned();
    const controller = new AbortController();
    const asking = findBase(repository, { fetch: true, subfolder: '' }, controller.signal);
    controller.abort();
    await expect(asking).rejects.toMatchObject({ code: 'cancelled' });
  });
});

test('a branch that was there before parts where it left the base branch, also when that is gone', async () => {
  const main = git(repository, 'rev-parse', 'HEAD');
  const { path } = await make();
  const work = commit(path, 'work.txt');
  git(repository, 'switch', '-q', '-c', 'mine');
  commit(repository, 'mine.txt');
  expect((await make()).base).toBe(main);
  git(repository, 'branch', '-m', 'main', 'other');
  git(repository, 'switch', '-q', '--detach');
  git(repository, 'branch', '-D', 'mine');
  expect((await make()).base).toBe(work);
});
