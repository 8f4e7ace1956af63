import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { missingLfsContent } from '../../../../shared/platform/git/lfs.ts';
import { createWorktree, listWorktrees } from '../../../../shared/platform/git/worktree.ts';
import { makeRepository, temporaryFolder } from '../../../support/core.ts';
import { patience } from '../../../support/patience.ts';

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;

beforeEach(() => {
  folder = temporaryFolder('worktree');
  repository = makeRepository(join(folder.path, 'alpha'));
});
afterEach(() => folder.remove());

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: 'pipe' }).trim();
const place = (name: string): string => join(folder.path, 'worktrees', name);
const create = (name: string, signal?: AbortSignal) =>
  createWorktree(repository, place(name), `polecat/${name}/idle`, { signal });
const branches = (): string[] => git(repository, 'branch', '--format=%(refname:short)').split('\n');
const registered = async (): Promise<string[]> => (await listWorktrees(repository)).map(({ path }) => path);

function hook(script: string): void {
  const file = join(repository, '.git', 'hooks', 'post-checkout');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

describe('a post-checkout hook', () => {
  test('is run in the worktree, told the same as by git itself', async () => {
    hook(`echo "$(pwd) $1 $2 $3" > ${folder.path}/told`);
    const { path } = await create('toast');
    expect(readFileSync(join(folder.path, 'told'), 'utf8')).toBe(
      `${path} ${'0'.repeat(40)} ${git(path, 'rev-parse', 'HEAD')} 1\n`,
    );
    expect(git(path, 'status', '--porcelain')).toBe('');
  });

  test('that fails leaves a worktree that is whole, and is told', async () => {
    hook('echo "no-such-program: not found" >&2\nexit 127');
    const { path, warning } = await create('toast');
    expect(warning).toBe(`the post-checkout hook of ${repository} failed (exit code 127): no-such-program: not found`);
    expect(readFileSync(join(path, 'README.md'), 'utf8')).toBe('# Sample\n');
    expect(git(path, 'status', '--porcelain', '--branch')).toBe('## polecat/toast/idle');
  });

  test('that hangs holds up no other worktree of the repository, and its own is gone when the start is cancelled', async () => {
    hook(`case "$(pwd)" in *toast) touch ${folder.path}/hangs; sleep 600;; esac`);
    const giveUp = new AbortController();
    const hanging = expect(create('toast', giveUp.signal)).rejects.toMatchObject({ code: 'cancelled' });
    await vi.waitUntil(() => existsSync(join(folder.path, 'hangs')), { timeout: patience() });
    const { path } = await create('nux');
    giveUp.abort();
    await hanging;
    expect(await registered()).toEqual([repository, path]);
    expect(branches()).toEqual(['main', 'polecat/nux/idle']);
    expect(existsSync(place('toast'))).toBe(false);
  });
});

describe('a worktree that cannot be made', () => {
  test('leaves neither folder nor branch: here a filter that fails', async () => {
    writeFileSync(join(repository, '.gitattributes'), '*.bin filter=broken\n');
    writeFileSync(join(repository, 'a.bin'), 'a');
    git(repository, 'add', '.');
    git(repository, 'commit', '-q', '-m', 'Filtered');
    git(repository, 'config', 'filter.broken.smudge', 'exit 3');
    git(repository, 'config', 'filter.broken.required', 'true');
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(create('toast')).rejects.toMatchObject({
        code: 'isolation-failed',
        message: expect.stringContaining('a.bin'),
      });
      expect([await registered(), branches(), existsSync(place('toast'))]).toEqual([[repository], ['main'], false]);
    }
  });

  test('on a branch that somebody else has checked out leaves that one alone', async () => {
    git(repository, 'branch', 'polecat/toast/idle');
    const other = join(folder.path, 'other');
    git(repository, 'worktree', 'add', '-q', other, 'polecat/toast/idle');
    await expect(create('toast')).rejects.toThrow(/already (checked out|used)/);
    expect(await registered()).toEqual([repository, other]);
    expect(branches()).toContain('polecat/toast/idle');
  });
});

test('one that a host died over is filled by the next start', async () => {
  git(repository, 'worktree', 'add', '-q', '--no-checkout', '-b', 'polecat/toast/idle', place('toast'));
  const { path } = await create('toast');
  expect(readFileSync(join(path, 'README.md'), 'utf8')).toBe('# Sample\n');
  writeFileSync(join(path, 'README.md'), 'changed');
  await create('toast');
  expect(readFileSync(join(path, 'README.md'), 'utf8')).toBe('changed');
});

test('one that a host died over before its submodules and its hook gets both from the next start', async () => {
  hook('echo run >> run.log');
  const { path } = await create('toast');
  const lib = makeRepository(join(folder.path, 'lib'));
  git(repository, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', lib, 'lib');
  git(repository, 'commit', '-q', '-m', 'Lib');
  git(path, 'reset', '-q', '--hard', 'main');
  writeFileSync(join(path, 'README.md'), 'changed');
  await create('toast');
  expect([existsSync(join(path, 'lib', 'README.md')), readFileSync(join(path, 'run.log'), 'utf8')]).toEqual([
    true,
    'run\n',
  ]);
  // Where it was full the hook is not run again.
  writeFileSync(join(git(path, 'rev-parse', '--git-dir'), 'gastown-filling'), '');
  await create('toast');
  await create('toast');
  expect([readFileSync(join(path, 'README.md'), 'utf8'), readFileSync(join(path, 'run.log'), 'utf8')]).toEqual([
    'changed',
    'run\nrun\n',
  ]);
});

test('a hook that is cancelled in a worktree that is gone on with is run again by the next start', async () => {
  git(repository, 'worktree', 'add', '-q', '--no-checkout', '-b', 'polecat/toast/idle', place('toast'));
  hook(`touch ${folder.path}/hangs; sleep 600`);
  const giveUp = new AbortController();
  const hanging = expect(create('toast', giveUp.signal)).rejects.toMatchObject({ code: 'cancelled' });
  await vi.waitUntil(() => existsSync(join(folder.path, 'hangs')), { timeout: patience() });
  giveUp.abort();
  await hanging;
  hook('touch ready');
  expect(existsSync(join((await create('toast')).path, 'ready'))).toBe(true);
});

test('two starts in one folder: the second waits until it is whole', async () => {
  hook(`sleep 1; touch ready`);
  const [first, second] = await Promise.all([
    create('toast'),
    create('toast').then((made) => ({ ...made, ready: existsSync(join(made.path, 'ready')) })),
  ]);
  expect(second).toMatchObject({ path: first.path, ready: true });
});

describe('submodules', () => {
  const quiet = ['-c', 'protocol.file.allow=always'];

  /** alpha has `lib` (from a repository of its own), which has `deep`. */
  function withSubmodules(): void {
    const deep = makeRepository(join(folder.path, 'sources', 'deep'));
    const lib = makeRepository(join(folder.path, 'sources', 'lib'));
    git(lib, ...quiet, 'submodule', '--quiet', 'add', deep, 'deep');
    git(lib, 'commit', '-q', '-m', 'Deep');
    git(repository, ...quiet, 'submodule', '--quiet', 'add', lib, 'lib');
    git(repository, 'commit', '-q', '-m', 'Lib');
    git(repository, ...quiet, 'submodule', '--quiet', 'update', '--init', '--recursive');
  }

  test('are there as in the main checkout, to any depth, from what is on this machine', async () => {
    withSubmodules();
    const origin = git(join(repository, 'lib'), 'remote', 'get-url', 'origin');
    rmSync(join(folder.path, 'sources'), { recursive: true });
    const { path } = await create('toast');
    expect(existsSync(join(path, 'lib', 'deep', 'README.md'))).toBe(true);
    expect(git(path, 'status', '--porcelain')).toBe('');
    expect(git(path, 'submodule', 'status', '--recursive')).toBe(git(repository, 'submodule', 'status', '--recursive'));
    expect(git(join(path, 'lib'), 'remote', 'get-url', 'origin')).toBe(origin);
    expect(git(repository, 'status', '--porcelain')).toBe('');
  });

  test('that the main checkout does not have are left alone, wherever they come from', async () => {
    withSubmodules();
    git(repository, 'submodule', '--quiet', 'deinit', '-f', 'lib');
    rmSync(join(repository, '.git', 'modules'), { recursive: true });
    rmSync(join(folder.path, 'sources'), { recursive: true });
    const { path } = await create('toast');
    expect(existsSync(join(path, 'lib', 'README.md'))).toBe(false);
  });

  test('are there whatever the user has remotes called, and can be pushed to where they come from', async () => {
    const config = join(folder.path, 'gitconfig');
    writeFileSync(config, '[clone]\n\tdefaultRemoteName = upstream\n[user]\n\tname = T\n\temail = t@example.com\n');
    vi.stubEnv('GIT_CONFIG_GLOBAL', config);
    withSubmodules();
    const { path } = await create('toast');
    vi.unstubAllEnvs();
    expect(existsSync(join(path, 'lib', 'deep', 'README.md'))).toBe(true);
    expect(git(join(path, 'lib'), 'remote', '-v')).toBe(git(join(repository, 'lib'), 'remote', '-v'));
  });

  test('that were taken away in the main checkout (deinit) are left alone', async () => {
    withSubmodules();
    git(repository, 'submodule', '--quiet', 'deinit', '-f', 'lib');
    const { path } = await create('toast');
    expect(existsSync(join(path, 'lib', 'README.md'))).toBe(false);
  });

  test('that cannot be had stop nobody who goes on in a worktree, and nothing that is there is touched', async () => {
    const { path } = await create('toast');
    withSubmodules();
    git(path, 'reset', '-q', '--hard', 'main');
    writeFileSync(join(path, 'lib', 'mine.txt'), 'mine');
    expect((await create('toast')).warning).toMatch(/^the submodule lib could not be had: /);
    expect(readFileSync(join(path, 'lib', 'mine.txt'), 'utf8')).toBe('mine');
  });

  test('whose commit is nowhere fail the start with its name, and nothing of it stays', async () => {
    withSubmodules();
    git(repository, 'update-index', '--cacheinfo', `160000,${'1'.repeat(40)},lib`);
    git(repository, 'commit', '-q', '-m', 'A commit that was never pushed');
    await expect(create('toast')).rejects.toMatchObject({
      code: 'isolation-failed',
      message: expect.stringContaining('lib'),
    });
    expect([await registered(), branches(), existsSync(place('toast'))]).toEqual([[repository], ['main'], false]);
  });
});

describe('files of Git LFS', () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n';
  function withLfs(): void {
    // Nothing of a Git LFS that is installed for all users.
    vi.stubEnv('GIT_CONFIG_NOSYSTEM', '1');
    writeFileSync(join(repository, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n');
    writeFileSync(join(repository, 'a.bin'), pointer);
    git(repository, '-c', 'filter.lfs.clean=', 'add', '.');
    git(repository, 'commit', '-q', '-m', 'Large');
  }

  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('have their content in a worktree where the filter is set up', async () => {
    withLfs();
    git(repository, 'config', 'filter.lfs.smudge', 'sed s/.*/content/');
    git(repository, 'config', 'filter.lfs.clean', 'cat');
    const { path } = await create('toast');
    expect(readFileSync(join(path, 'a.bin'), 'utf8')).toBe('content\ncontent\ncontent\n');
    expect(await missingLfsContent(path)).toBeUndefined();
  });

  test('that are pointers only are said, with what to install', async () => {
    withLfs();
    for (const filter of ['smudge', 'clean', 'process']) git(repository, 'config', `filter.lfs.${filter}`, '');
    git(repository, 'config', 'filter.lfs.required', 'false');
    const { path } = await create('toast');
    expect(await missingLfsContent(path)).toMatch(/^One file is only a pointer of Git LFS, because .*git lfs pull/);
    expect(await missingLfsContent((await create('nux')).path)).toBeDefined();
  });
});
