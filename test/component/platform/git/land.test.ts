import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runGit } from '../../../../shared/platform/git/git.ts';
import { land } from '../../../../shared/platform/git/land.ts';
import { inTurn } from '../../../../shared/platform/git/worktree.ts';
import { makeRepository, temporaryFolder } from '../../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;
/** A commit on top of `main` that changes README.md and adds new.txt. */
let next: string;

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const head = (cwd = repository): string => git(cwd, 'rev-parse', 'HEAD');
const at = (ref: string): string => git(repository, 'rev-parse', ref);
const write = (name: string, text: string, cwd = repository): void => writeFileSync(join(cwd, name), text);

beforeEach(() => {
  folder = temporaryFolder('land');
  repository = makeRepository(join(folder.path, 'repo'));
  git(repository, 'switch', '-qc', 'work');
  write('README.md', '# Sample\n\nMore.\n');
  write('new.txt', 'new\n');
  git(repository, 'add', '.');
  git(repository, 'commit', '-qm', 'More');
  next = head();
  git(repository, 'switch', '-q', 'main');
});

afterEach(() => folder.remove());

/** Everything of the user's checkout that could be another afterwards. */
function everything(cwd = repository): string {
  const files = git(cwd, 'ls-files', '-o', '-c').split('\n').sort();
  return [
    git(cwd, 'rev-parse', 'HEAD', 'main'),
    git(cwd, 'symbolic-ref', '-q', 'HEAD'),
    git(cwd, 'status', '--porcelain=v2', '--untracked-files=all'),
    git(cwd, 'diff', '--cached'),
    git(cwd, 'stash', 'list'),
    ...files.map((name) => `${name}: ${existsSync(join(cwd, name)) ? readFileSync(join(cwd, name), 'utf8') : 'gone'}`),
  ].join('\n');
}

async function expectRefused(why: string, words: RegExp, cwd = repository): Promise<void> {
  const before = everything(cwd);
  const landing = await land(repository, { target: 'main', from: at('main'), to: next });
  expect(landing).toMatchObject({ kind: 'refused', why });
  expect('words' in landing && landing.words).toMatch(words);
  expect(everything(cwd)).toBe(before);
}

test('waits for a worktree that is being made: git refuses everything where it meets a half-made one', async () => {
  const half = join(repository, '.git', 'worktrees', 'half');
  let isMade = (): void => undefined;
  const making = inTurn(repository, async () => {
    mkdirSync(half, { recursive: true });
    write('HEAD', `${'0'.repeat(40)}\n`, half);
    write('commondir', '../..\n', half);
    write('gitdir', `${join(folder.path, 'half', '.git')}\n`, half);
    await new Promise<void>((resolve) => {
      isMade = resolve;
    });
    rmSync(half, { recursive: true });
  });
  const landing = land(repository, { target: 'main', from: at('main'), to: next });
  const looks = async (): Promise<string> => {
    for (let time = 0; time < 10; time += 1) await runGit(repository, ['status']);
    return 'waits';
  };
  expect(await Promise.race([landing, looks()])).toBe('waits');
  isMade();
  await making;
  expect(await landing).toEqual({ kind: 'landed' });
});

test('a clean checkout goes along, with its files', async () => {
  expect(await land(repository, { target: 'main', from: at('main'), to: next })).toEqual({ kind: 'landed' });
  expect([head(), at('main')]).toEqual([next, next]);
  expect(git(repository, 'status', '--porcelain')).toBe('');
  expect(readFileSync(join(repository, 'new.txt'), 'utf8')).toBe('new\n');
});

test('a tracked file with changes refuses it, also one that the merge does not touch', async () => {
  write('README.md', '# Mine\n');
  await expectRefused('dirty', /unstaged changes/);
});

test('something staged refuses it', async () => {
  write('other.txt', 'mine\n');
  git(repository, 'add', 'other.txt');
  await expectRefused('dirty', /staged changes/);
});

test('a merge of the user’s that is under way refuses it', async () => {
  git(repository, 'switch', '-qc', 'theirs');
  write('README.md', '# Theirs\n');
  git(repository, 'commit', '-qam', 'Theirs');
  git(repository, 'switch', '-q', 'main');
  write('README.md', '# Ours\n');
  git(repository, 'commit', '-qam', 'Ours');
  next = git(repository, 'commit-tree', 'main^{tree}', '-p', 'main', '-m', 'next');
  expect(() => git(repository, 'merge', 'theirs')).toThrow();
  await expectRefused('dirty', /needs merge|Up-to-date/);
});

test('a rebase of the user’s of that very branch refuses it', async () => {
  git(repository, 'switch', '-qc', 'theirs');
  write('README.md', '# Theirs\n');
  git(repository, 'commit', '-qam', 'Theirs');
  git(repository, 'switch', '-q', 'main');
  write('README.md', '# Ours\n');
  git(repository, 'commit', '-qam', 'Ours');
  next = git(repository, 'commit-tree', 'main^{tree}', '-p', 'main', '-m', 'next');
  expect(() => git(repository, 'rebase', 'theirs')).toThrow();
  const before = at('main');
  expect(await land(repository, { target: 'main', from: before, to: next })).toMatchObject({ why: 'dirty' });
  expect(at('main')).toBe(before);
});

test('a file that git does not know refuses it where it would be overwritten', async () => {
  write('new.txt', 'mine\n');
  await expectRefused('untracked-in-the-way', /new\.txt/);
});

test('other files that git does not know stay', async () => {
  write('notes.txt', 'mine\n');
  expect(await land(repository, { target: 'main', from: at('main'), to: next })).toEqual({ kind: 'landed' });
  expect(readFileSync(join(repository, 'notes.txt'), 'utf8')).toBe('mine\n');
});

test('a target that has moved meanwhile is not moved', async () => {
  const from = at('main');
  git(repository, 'commit', '-q', '--allow-empty', '-m', 'Meanwhile');
  const before = everything();
  expect(await land(repository, { target: 'main', from, to: next })).toMatchObject({ kind: 'refused', why: 'moved' });
  expect(everything()).toBe(before);
});

test('a target that is checked out nowhere is moved, and the checkout stays as it is', async () => {
  git(repository, 'switch', '-qc', 'mine');
  write('README.md', '# Mine\n');
  expect(await land(repository, { target: 'main', from: at('main'), to: next })).toEqual({ kind: 'landed' });
  expect(at('main')).toBe(next);
  expect(git(repository, 'symbolic-ref', '--short', 'HEAD')).toBe('mine');
  expect(readFileSync(join(repository, 'README.md'), 'utf8')).toBe('# Mine\n');
});

test('a linked worktree that has the target goes along where it is clean, and refuses where it is not', async () => {
  git(repository, 'switch', '-qc', 'mine');
  const linked = join(folder.path, 'linked');
  git(repository, 'worktree', 'add', '-q', linked, 'main');
  write('README.md', '# Mine\n', linked);
  await expectRefused('dirty', /unstaged changes/, linked);
  git(linked, 'checkout', '-q', 'README.md');
  expect(await land(repository, { target: 'main', from: at('main'), to: next })).toEqual({ kind: 'landed' });
  expect([head(linked), git(linked, 'status', '--porcelain')]).toEqual([next, '']);
});

test('a submodule, also one with changes of the user’s in it, stays as it is', async () => {
  const library = makeRepository(join(folder.path, 'library'));
  git(repository, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'lib');
  git(repository, 'commit', '-qm', 'Library');
  write('lib/README.md', '# Mine\n');
  next = git(repository, 'commit-tree', 'main^{tree}', '-p', 'main', '-m', 'next');
  expect(await land(repository, { target: 'main', from: at('main'), to: next })).toEqual({ kind: 'landed' });
  expect(readFileSync(join(repository, 'lib', 'README.md'), 'utf8')).toBe('# Mine\n');
});

test('the user’s pre-push hook does not run; an update hook may refuse, in its words', async () => {
  const hooks = join(repository, '.git', 'hooks');
  mkdirSync(hooks, { recursive: true });
  writeFileSync(join(hooks, 'pre-push'), '#!/bin/sh\ntouch pushed\nexit 1\n');
  writeFileSync(join(hooks, 'update'), '#!/bin/sh\necho "main is protected" >&2\nexit 1\n');
  chmodSync(join(hooks, 'pre-push'), 0o755);
  chmodSync(join(hooks, 'update'), 0o755);
  await expectRefused('other', /main is protected/);
  rmSync(join(hooks, 'update'));
  expect(await land(repository, { target: 'main', from: at('main'), to: next })).toEqual({ kind: 'landed' });
  expect(existsSync(join(repository, 'pushed'))).toBe(false);
});
