import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildStack } from '../../../shared/merge/stack.ts';
import type { StackMember } from '../../../shared/merge/stack.ts';
import { mergeTrees, withThrowAwayObjects } from '../../../shared/platform/git/merge-tree.ts';
import { makeRepository, temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;
const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

beforeEach(() => {
  folder = temporaryFolder('stack');
  repository = makeRepository(join(folder.path, 'repo'));
});
afterEach(() => folder.remove());

/** A branch with one commit for each set of files. Returns its head; `main` is checked out afterwards. */
function branch(name: string, ...commits: Record<string, string>[]): string {
  git('switch', '-qc', name, 'main');
  for (const files of commits) {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(repository, file)), { recursive: true });
      writeFileSync(join(repository, file), text);
    }
    git('add', '.');
    git('-c', 'user.name=Toast', 'commit', '-qm', `Change ${Object.keys(files).join(', ')}`);
  }
  const head = git('rev-parse', 'HEAD');
  git('switch', '-q', 'main');
  return head;
}

const member = (workId: string, head: string): StackMember => ({
  workId,
  head,
  words: { subject: `Merge ${workId}: A title`, trailers: [['Gastown-Unit', workId]] },
});
const main = (): string => git('rev-parse', 'main');

test('branches are merged on top of each other, by commits of both parents', async () => {
  const [a, b] = [branch('a', { 'a.txt': 'a\n' }), branch('b', { 'b.txt': 'b\n' })];
  const stack = await buildStack(repository, main(), [member('task-1', a), member('task-2', b)], 'merge');
  expect(stack.members.map(({ workId }) => workId)).toEqual(['task-1', 'task-2']);
  const [first, second] = stack.members.map(({ commit }) => commit);
  expect(stack.tip).toBe(second);
  expect(git('log', '-1', '--format=%P', first!)).toBe(`${main()} ${a}`);
  expect(git('log', '-1', '--format=%P', second!)).toBe(`${first} ${b}`);
  expect(git('ls-tree', '--name-only', stack.tip).split('\n')).toEqual(['README.md', 'a.txt', 'b.txt']);
  expect(git('log', '-1', '--format=%cn %B', first!)).toBe('Test Merge task-1: A title\n\nGastown-Unit: task-1');
});

test('one that conflicts with the target is told apart from one that only crosses another', async () => {
  const a = branch('a', { 'README.md': '# A\n' });
  const b = branch('b', { 'README.md': '# B\n' });
  const c = branch('c', { 'other.txt': 'c\n' });
  const d = branch('d', { 'other.txt': 'd\n' });
  git('merge', '-q', '--no-ff', '-m', 'Landed', a);
  const given = [member('task-b', b), member('task-c', c), member('task-d', d)];
  const stack = await buildStack(repository, main(), given, 'merge');
  expect(stack.conflicts).toEqual([{ workId: 'task-b', files: ['README.md'] }]);
  expect(stack.crossed).toEqual([{ workId: 'task-d', files: ['other.txt'] }]);
  expect(stack.members.map(({ workId }) => workId)).toEqual(['task-c']);
});

test('what the target has already is contained, and makes no commit', async () => {
  const a = branch('a', { 'a.txt': 'a\n' });
  git('merge', '-q', '--no-ff', '-m', 'By hand', a);
  const stack = await buildStack(repository, main(), [member('task-1', a)], 'merge');
  expect(stack).toMatchObject({ tip: main(), contained: ['task-1'], members: [] });
});

test('squash is one commit by the author of the branch; one that changes nothing is contained', async () => {
  const a = branch('a', { 'a.txt': 'a\n' }, { 'b.txt': 'b\n' });
  const stack = await buildStack(repository, main(), [member('task-1', a)], 'squash');
  expect(git('log', '-1', '--format=%P %an %cn', stack.tip)).toBe(`${main()} Toast Test`);
  git('update-ref', 'refs/heads/main', stack.tip);
  expect(await buildStack(repository, main(), [member('task-1', a)], 'squash')).toMatchObject({
    contained: ['task-1'],
  });
});

test('rebase has each commit again, with its author and message', async () => {
  const a = branch('a', { 'a.txt': 'a\n' }, { 'b.txt': 'b\n' });
  git('commit', '-q', '--allow-empty', '-m', 'Meanwhile');
  const stack = await buildStack(repository, main(), [member('task-1', a)], 'rebase');
  expect(git('log', '--format=%an %s', `main..${stack.tip}`)).toBe('Toast Change b.txt\nToast Change a.txt');
  expect(git('rev-list', '--parents', '-2', stack.tip).split('\n')[1]).toContain(main());
});

test('with rebase, a branch that has its target merged in comes as one commit, with what was resolved there', async () => {
  const a = branch('a', { 'README.md': '# A\n' });
  writeFileSync(join(repository, 'README.md'), '# Main\n');
  git('commit', '-qam', 'Main');
  git('switch', '-q', 'a');
  expect(() => git('merge', 'main')).toThrow();
  writeFileSync(join(repository, 'README.md'), '# Main and A\n');
  git('commit', '-qam', 'Resolve');
  const head = git('rev-parse', 'HEAD');
  git('switch', '-q', 'main');
  expect(head).not.toBe(a);
  const stack = await buildStack(repository, main(), [member('task-1', head)], 'rebase');
  expect(git('show', `${stack.tip}:README.md`)).toBe('# Main and A');
  expect(git('log', '-1', '--format=%P', stack.tip)).toBe(main());
});

test('a user whom git does not know is told what to do, and a signature is asked of nobody', async () => {
  const a = branch('a', { 'a.txt': 'a\n' });
  git('config', 'commit.gpgsign', 'true');
  git('config', 'gpg.program', '/bin/false');
  expect((await buildStack(repository, main(), [member('task-1', a)], 'merge')).members).toHaveLength(1);
  git('config', 'user.name', '');
  git('config', 'user.useConfigOnly', 'true');
  git('config', '--unset', 'user.email');
  await expect(buildStack(repository, main(), [member('task-1', a)], 'merge')).rejects.toThrow(
    /does not know who you are.*git config/,
  );
});

test('trials of a forecast leave no object in the repository; names of files may be any', async () => {
  const a = branch('a', { 'dir/ä "b"\n.txt': 'a\n', 'x.bin': 'a\0b' });
  const b = branch('b', { 'dir/ä "b"\n.txt': 'b\n', 'x.bin': 'b\0c' });
  const before = git('count-objects', '-v');
  const trials = await withThrowAwayObjects(repository, (env) =>
    mergeTrees(
      repository,
      [
        [a, b],
        [main(), a],
      ],
      { env },
    ),
  );
  expect(trials.map(({ kind }) => kind)).toEqual(['conflict', 'clean']);
  expect(trials[0]).toMatchObject({ files: ['dir/ä "b"\n.txt', 'x.bin'] });
  expect(git('count-objects', '-v')).toBe(before);
});
