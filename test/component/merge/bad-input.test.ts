import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';
import { git, mergeActs } from './support.ts';

let town: FakeTown;
beforeEach(async () => {
  town = await makeFakeTown({ stalled: 'leave' });
});
afterEach(() => {
  town.close();
  vi.unstubAllEnvs();
});
const { rigGit, worktree, settings, trust, finish, merge, stateOf, whyOf, until, files } = mergeActs(() => town);
const branches = (): string[] => rigGit('for-each-ref', '--format=%(refname:short)', 'refs/heads').split('\n');

/** A program that whoever starts it waits for without end, and that leaves a trace. */
function waitsForTerminal(name: string): { path: string; wasStarted: () => boolean } {
  const path = join(town.root, '..', name);
  writeFileSync(path, `#!/bin/sh\ntouch '${path}.started'\nread answer </dev/tty || sleep 600\n`);
  chmodSync(path, 0o755);
  return { path, wasStarted: () => existsSync(`${path}.started`) };
}

describe('a target', () => {
  test('that is renamed while something is queued for it: that goes to review, and nothing is made anew under its name', async () => {
    await settings({ test_command: 'true' }, false);
    await finish('toast', 'task-1', { 'door.txt': 'a\n' });
    await merge('task-1');
    await expect.poll(() => whyOf('task-1'), { timeout: patience() }).toContain('gt rig trust alpha');
    rigGit('branch', '-m', 'main', 'trunk');
    await trust();
    await until('task-1', 'review');
    expect(whyOf('task-1')).toBe('there is no branch main any more to merge it into');
    expect(branches()).toEqual(['polecat/toast/task-1', 'trunk']);
  });

  test('that is renamed while the gates run', async () => {
    await settings({ test_command: 'git -C "$GT_CHECKOUT" branch -m main trunk', retry_flaky_tests: 0 });
    await finish('toast', 'task-1', { 'door.txt': 'a\n' });
    const before = rigGit('rev-parse', 'main');
    await merge('task-1');
    await until('task-1', 'review');
    expect(whyOf('task-1')).toBe('there is no branch main any more to merge it into');
    expect([branches(), rigGit('rev-parse', 'trunk')]).toEqual([['polecat/toast/task-1', 'trunk'], before]);
  });

  test.each(['update', 'pre-receive'])(
    'that a hook of the user’s (%s) protects: it stays ready, with its words, and lands when it may',
    async (name) => {
      const hook = join(town.rig, '.git', 'hooks', name);
      mkdirSync(join(town.rig, '.git', 'hooks'), { recursive: true });
      writeFileSync(hook, '#!/bin/sh\necho "main is protected: ask Jo" >&2\nexit 1\n');
      chmodSync(hook, 0o755);
      await finish('toast', 'task-1', { 'door.txt': 'a\n' });
      const before = rigGit('rev-parse', 'main');
      await merge('task-1');
      await until('task-1', 'ready');
      expect(whyOf('task-1')).toContain('main could not be moved: ');
      expect(whyOf('task-1')).toContain('main is protected: ask Jo');
      await town.mergeQueue.settled();
      expect([stateOf('task-1'), rigGit('rev-parse', 'main'), rigGit('status', '--porcelain')]).toEqual([
        'ready',
        before,
        '',
      ]);
      rmSync(hook);
      await merge('task-1');
      await until('task-1', 'merged');
      expect(files()).toContain('door.txt');
    },
  );
});

describe('a repository whose signing needs a terminal', () => {
  test.each(['merge', 'squash', 'rebase'])(
    'is merged (%s) without it: nobody is asked, and nothing hangs',
    async (style) => {
      await settings({ style });
      await finish('toast', 'task-1', { 'door.txt': 'a\n' }, { 'wall.txt': 'a\n' });
      rigGit('commit', '-q', '--allow-empty', '-m', 'Meanwhile');
      const signer = waitsForTerminal('gpg');
      for (const [key, value] of [
        ['commit.gpgsign', 'true'],
        ['tag.gpgsign', 'true'],
        ['push.gpgsign', 'true'],
        ['gpg.program', signer.path],
        ['user.signingkey', 'ABCDEF'],
      ] as const)
        rigGit('config', key, value);
      await merge('task-1');
      await until('task-1', 'merged');
      expect(files()).toEqual(['README.md', 'door.txt', 'wall.txt']);
      expect(signer.wasStarted()).toBe(false);
      expect(rigGit('cat-file', 'commit', 'main')).not.toContain('gpgsig');
    },
  );
});

const pointerOf = (oid: string, size: number): string =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${oid.repeat(64)}\nsize ${size}\n`;
const attributes = '*.bin filter=lfs diff=lfs merge=lfs -text\n';
const hasLfs = ((): boolean => {
  try {
    execFileSync('git', ['lfs', 'version'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
})();

describe('files of Git LFS', () => {
  test('come as the pointers that they are where no filter is installed', async () => {
    // Whatever the machine's own git has been told.
    vi.stubEnv('GIT_CONFIG_GLOBAL', '/dev/null');
    vi.stubEnv('GIT_CONFIG_NOSYSTEM', '1');
    writeFileSync(join(town.rig, '.gitattributes'), attributes);
    writeFileSync(join(town.rig, 'a.bin'), pointerOf('a', 1));
    rigGit('add', '-A');
    rigGit('commit', '-qm', 'Begin with LFS');
    await settings({ test_command: 'head -1 a.bin | grep git-lfs', retry_flaky_tests: 0 });
    await finish('toast', 'task-1', { 'a.bin': pointerOf('b', 2) });
    await finish('nux', 'task-2', { 'c.bin': pointerOf('c', 3) });
    await finish('ace', 'task-3', { 'a.bin': pointerOf('d', 4) });
    for (const id of ['task-1', 'task-2']) {
      await merge(id);
      await until(id, 'merged');
    }
    expect(rigGit('show', 'main:a.bin')).toBe(pointerOf('b', 2).trim());
    expect(readFileSync(join(town.rig, 'c.bin'), 'utf8')).toBe(pointerOf('c', 3));
    await merge('task-3');
    await until('task-3', 'sent-back');
    expect(town.merges.get('task-3').detail.conflicts?.[0]?.files).toEqual(['a.bin']);
  });

  if (!hasLfs) console.info('Skipped: Git LFS in the merge queue, as "git lfs version" fails here.');
  test.skipIf(!hasLfs)('land as pointers, and gates have what is on this machine, without any server', async () => {
    rigGit('lfs', 'install', '--local', '--force');
    rigGit('config', 'lfs.url', 'http://127.0.0.1:9/nobody');
    writeFileSync(join(town.rig, '.gitattributes'), attributes);
    for (const name of ['a.bin', 'elsewhere.bin']) writeFileSync(join(town.rig, name), `${name}, first\n`);
    rigGit('add', '-A');
    rigGit('commit', '-qm', 'Begin with LFS');
    const elsewhere = /sha256:([0-9a-f]+)/.exec(rigGit('show', 'main:elsewhere.bin'))?.[1] ?? '';
    await settings({ test_command: 'grep second a.bin && head -1 elsewhere.bin | grep git-lfs', retry_flaky_tests: 0 });
    await finish('toast', 'task-1', { 'a.bin': 'a.bin, second\n' });
    expect(git(worktree('toast'), 'show', 'HEAD:a.bin')).toContain('https://git-lfs.github.com/spec/v1');
    // Somebody else's, which was never fetched here.
    rmSync(join(town.rig, '.git', 'lfs', 'objects', elsewhere.slice(0, 2), elsewhere.slice(2, 4), elsewhere));
    await merge('task-1');
    await until('task-1', 'merged');
    expect(rigGit('show', 'main:a.bin')).toContain('https://git-lfs.github.com/spec/v1');
    expect(readFileSync(join(town.rig, 'a.bin'), 'utf8')).toBe('a.bin, second\n');
    expect(rigGit('status', '--porcelain')).toBe('');
  });
});
