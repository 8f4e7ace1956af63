import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { trustFolder } from '../../../../shared/backends/claude/trust.ts';
import { hideFromGit } from '../../../../shared/platform/git/exclude.ts';
import { rebuildable } from '../../../../shared/platform/git/rebuildable.ts';
import { removeWorktree, restoreWorktree } from '../../../../shared/platform/git/remove-worktree.ts';
import type { RemovedWorktree } from '../../../../shared/platform/git/remove-worktree.ts';
import { isAtLeast, oldestGit, parseVersion } from '../../../../shared/platform/git/version.ts';
import { createWorktree, listWorktrees } from '../../../../shared/platform/git/worktree.ts';
import { makeRepository, temporaryFolder } from '../../../support/core.ts';
import { makeFakeTown } from '../../../support/fake-town.ts';

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;
const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: 'pipe' }).trim();

/** What git 2.30 does of that which is newer than it. */
const old = (real: string): string => `#!/bin/sh
[ "$1" = --version ] && echo 'git version 2.30.2' && exit
[ "$1" = hook ] && echo "git: 'hook' is not a git command. See 'git --help'." >&2 && exit 1
case "$*" in
  'worktree list'*' -z'*) echo "error: unknown switch z" >&2; exit 129;;
  rev-parse*--path-format*) echo --path-format=absolute;;
esac
unset GIT_CONFIG_COUNT
exec ${real} "$@"
`;

beforeEach(() => {
  folder = temporaryFolder('old-git');
  repository = makeRepository(join(folder.path, 'alpha'));
  const bin = join(folder.path, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'git'), old(execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()));
  chmodSync(join(bin, 'git'), 0o755);
  vi.stubEnv('PATH', `${bin}${delimiter}${process.env['PATH'] ?? ''}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  folder.remove();
});

describe.runIf(process.platform !== 'win32')('with git 2.30', () => {
  const create = () => createWorktree(repository, join(folder.path, 'worktrees', 'toast'), 'polecat/toast/idle');
  function hook(place: string, script: string, mode = 0o755): void {
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'post-checkout'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(place, 'post-checkout'), mode);
  }

  test('a worktree is made with its submodules, removed with what is in it, and brought back', async () => {
    const lib = makeRepository(join(folder.path, 'lib'));
    git(repository, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', lib, 'lib');
    git(repository, 'commit', '-q', '-m', 'Lib');
    const { path } = await create();
    expect(await listWorktrees(repository)).toEqual([
      { path: repository, branch: 'main' },
      { path, branch: 'polecat/toast/idle' },
    ]);
    expect(existsSync(join(path, 'lib', 'README.md'))).toBe(true);
    writeFileSync(join(path, 'report.md'), 'the report');
    let judged: RemovedWorktree | undefined;
    const order = {
      id: 'wt-1',
      repository,
      path,
      branch: 'polecat/toast/idle',
      label: 'alpha-toast',
      occasion: 'asked' as const,
      at: 0,
      judged: (each: RemovedWorktree) => void (judged = each),
    };
    expect(await removeWorktree(order, { own: [], isRebuildable: rebuildable() })).toMatchObject({ kind: 'removed' });
    expect(await restoreWorktree(judged!)).toEqual([]);
    expect([readFileSync(join(path, 'report.md'), 'utf8'), existsSync(join(path, 'lib', 'README.md'))]).toEqual([
      'the report',
      true,
    ]);
  });

  test('the post-checkout hook is run as git itself runs it, wherever it is', async () => {
    git(repository, 'config', 'core.hooksPath', '.hooks');
    hook(join(repository, '.hooks'), `echo "$(pwd) $1 $2 $3 $GIT_DIR" > ${folder.path}/told`);
    git(repository, 'add', '.');
    git(repository, 'commit', '-q', '-m', 'Hooks');
    const { path, warning } = await create();
    expect(readFileSync(join(folder.path, 'told'), 'utf8')).toBe(
      `${path} ${'0'.repeat(40)} ${git(path, 'rev-parse', 'HEAD')} 1 \n`,
    );
    expect(warning).toBeUndefined();
  });

  test('one that fails is told, and one that may not be run is none', async () => {
    hook(join(repository, '.git', 'hooks'), 'echo "no-such-program: not found" >&2\nexit 127');
    expect((await create()).warning).toBe(
      `the post-checkout hook of ${repository} failed (exit code 127): no-such-program: not found`,
    );
    hook(join(repository, '.git', 'hooks'), 'exit 1', 0o644);
    expect(
      (await createWorktree(repository, join(folder.path, 'worktrees', 'nux'), 'polecat/nux/idle')).warning,
    ).toBeUndefined();
  });

  test('places in the repository are found from anywhere in it, also by a link', async () => {
    mkdirSync(join(repository, 'a', 'b'), { recursive: true });
    symlinkSync(join(repository, 'a', 'b'), join(folder.path, 'link'));
    await hideFromGit(join(folder.path, 'link'), [join(repository, 'a', 'b', 'mine')]);
    expect(readFileSync(join(repository, '.git', 'info', 'exclude'), 'utf8')).toContain('/a/b/mine\n');
    expect(await trustFolder(join(folder.path, 'link'))).toBe(repository);
  });
});

test.runIf(process.platform !== 'win32')(
  'doctor says which git there is, names one that is too old, and one that is not there',
  async () => {
    const town = await makeFakeTown();
    const look = async () => (await town.request('town.doctor', {})).checks.find(({ name }) => name === 'git');
    const bin = join(folder.path, 'older');
    mkdirSync(bin);
    try {
      expect(await look()).toMatchObject({ state: 'ok', detail: 'git version 2.30.2' });
      vi.stubEnv('PATH', bin);
      expect(await look()).toMatchObject({
        state: 'error',
        detail: expect.stringContaining('git was not found on PATH'),
      });
      writeFileSync(join(bin, 'git'), '#!/bin/sh\necho git version 2.29.9\n');
      chmodSync(join(bin, 'git'), 0o755);
      expect(await look()).toMatchObject({
        state: 'warning',
        detail: expect.stringContaining('git version 2.29.9'),
        advice: expect.stringContaining('git 2.30 or newer'),
      });
    } finally {
      town.close();
    }
  },
);

test('the README says which git is the oldest that is enough', () => {
  expect(readFileSync(join(import.meta.dirname, '../../../../README.md'), 'utf8')).toContain(
    `- git ${oldestGit.major}.${oldestGit.minor} or newer`,
  );
});

test.each([
  ['git version 2.39.5', true],
  ['git version 2.30.2', true],
  ['git version 2.45.1.windows.1', true],
  ['git version 2.39.5 (Apple Git-154)', true],
  ['git version 3.0.0', true],
  ['git version 2.29.9', false],
  ['git version 1.99.0', false],
  ['something of its own', true],
])('%s is enough: %s', (text, enough) => {
  expect(isAtLeast(parseVersion(text), oldestGit)).toBe(enough);
});
