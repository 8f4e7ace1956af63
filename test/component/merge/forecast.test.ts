import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { mergeTrees, withThrowAwayObjects } from '../../../shared/platform/git/merge-tree.ts';
import { temporaryFolder } from '../../support/core.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';

let folder: ReturnType<typeof temporaryFolder>;
let town: FakeTown;
let calls: string;
const realGit = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
const git = (cwd: string, ...args: string[]): string =>
  execFileSync(realGit, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
/** Each process of git's that the town has started, by its arguments. */
const started = (): string[] => (existsSync(calls) ? readFileSync(calls, 'utf8').split('\n').filter(Boolean) : []);
const worktree = (name: string): string => join(town.paths.worktrees, 'alpha', name);

beforeEach(async () => {
  folder = temporaryFolder('forecast');
  calls = join(folder.path, 'calls');
  writeFileSync(join(folder.path, 'git'), `#!/bin/sh\necho "$*" >> '${calls}'\nexec '${realGit}' "$@"\n`);
  chmodSync(join(folder.path, 'git'), 0o755);
  vi.stubEnv('PATH', `${folder.path}${delimiter}${process.env['PATH'] ?? ''}`);
  town = await makeFakeTown({ stalled: 'leave' });
});
afterEach(() => {
  town.close();
  vi.unstubAllEnvs();
  folder.remove();
});

async function begin(name: string, work: string): Promise<void> {
  await town.request('sling', { work, rig: 'alpha', name, message: `Do ${work}` });
  const prompt = town.driver.started.at(-1)?.firstPrompt;
  if (prompt) town.manager.runs.delivered(town.registry.get(`alpha-${name}`).runId, prompt.id);
}

function commit(name: string, file: string, text: string): void {
  writeFileSync(join(worktree(name), file), text);
  git(worktree(name), 'add', '-A');
  git(worktree(name), 'commit', '-qm', `Change ${file}`);
  town.manager.turnEnded(town.registry.get(`alpha-${name}`).runId);
}

const ofWork = (id: string) => town.snapshot().work.find((unit) => unit.id === id)?.forecast;
const ofMerge = (id: string) => town.snapshot().merges.find(({ work }) => work === id)?.forecast;
const poll = <T>(read: () => T) => expect.poll(read, { timeout: patience() });

test('says of live workers and of finished branches what would conflict, with each other and with the target', async () => {
  await begin('toast', 'task-1');
  await begin('nux', 'task-2');
  commit('toast', 'README.md', '# Toast\n');
  await poll(() => ofWork('task-1')).toEqual([]);
  commit('nux', 'README.md', '# Nux\n');
  await poll(() => ofWork('task-1')).toEqual([{ work: 'task-2', files: ['README.md'] }]);
  expect(ofWork('task-2')).toEqual([{ work: 'task-1', files: ['README.md'] }]);
  await town.request('work.done', { message: 'Done.' }, 'alpha-toast');
  await poll(() => ofMerge('task-1')).toEqual([{ work: 'task-2', files: ['README.md'] }]);
  // The user commits to the target by hand.
  writeFileSync(join(town.rig, 'README.md'), '# Mine\n');
  git(town.rig, 'commit', '-qam', 'Mine');
  await poll(() => ofMerge('task-1')).toEqual([{ files: ['README.md'] }, { work: 'task-2', files: ['README.md'] }]);
  expect(git(town.rig, 'status', '--porcelain')).toBe('');
});

test('says before a sling which open branches change the files that the unit names, and starts nothing for that', async () => {
  await begin('toast', 'task-1');
  await begin('nux', 'task-2');
  mkdirSync(join(worktree('toast'), 'src'));
  commit('toast', 'src/a b.ts', 'a\n');
  commit('toast', 'src/door.ts', 'a door\n');
  commit('nux', 'README.md', '# Nux\n');
  await town.request('work.done', { message: 'Done.' }, 'alpha-nux');
  await poll(() => ofMerge('task-2')).toEqual([]);
  await poll(() => ofWork('task-1')).toEqual([]);
  const processes = started().length;
  const overlaps = async (message: string) => (await town.request('work.overlap', { rig: 'alpha', message })).overlaps;
  const door = { work: 'task-1', session: 'alpha-toast', state: 'running', moreFiles: 0 };
  expect(await overlaps('Paint it: see `src/door.ts:12-14`, please.')).toEqual([{ ...door, files: ['src/door.ts'] }]);
  expect(await overlaps('Look at @./README.md.')).toEqual([
    { work: 'task-2', state: 'review', files: ['README.md'], moreFiles: 0 },
  ]);
  for (const other of ['door.ts', 'lib/src/door.ts', 'Do it', '']) expect(await overlaps(other)).toEqual([]);
  const payload = { context: [{ path: 'src/a b.ts' }] };
  await town.request('work.add', {
    id: 'task-3',
    title: 'Paint',
    description: 'In src/door.ts',
    rig: 'alpha',
    payload,
  });
  const about = { work: 'task-3', rig: 'alpha' };
  expect(await town.request('work.overlap', about)).toEqual({
    overlaps: [{ ...door, files: ['src/a b.ts', 'src/door.ts'] }],
    more: 0,
  });
  expect(await town.request('work.overlap', { work: 'task-1', rig: 'alpha', message: 'src/door.ts' })).toMatchObject({
    overlaps: [],
  });
  expect(started()).toHaveLength(processes);
  await expect(town.request('work.overlap', about, 'alpha-toast')).rejects.toMatchObject({ code: 'denied' });
});

test('an idle queue and forecast start no process, whatever waits', async () => {
  await begin('toast', 'task-1');
  commit('toast', 'door.txt', 'a door\n');
  await town.request('work.done', { message: 'Done.' }, 'alpha-toast');
  await poll(() => ofMerge('task-1')).toEqual([]);
  writeFileSync(join(town.rig, 'README.md'), '# Mine\n');
  await town.request('merge.queue', { id: 'task-1' });
  await poll(() => town.merges.get('task-1').state).toBe('ready');
  // Until what these have set off is over: the forecast waits for two seconds of quiet.
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  const before = started().length;
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  expect(started().slice(before)).toEqual([]);
});

test('costs one process for what is new, on a repository of 5,000 files with 20 open branches', async () => {
  const repository = join(folder.path, 'large');
  mkdirSync(repository);
  git(repository, 'init', '-q', '-b', 'main');
  const stream = ['commit refs/heads/main', 'mark :1', 'committer T <t@e> 1 +0000', 'data 4', 'main'];
  for (let at = 0; at < 5_000; at += 1)
    stream.push(`M 644 inline src/dir-${at % 100}/file-${at}.txt`, 'data 12', `line ${at}`.padEnd(11), '');
  for (let branch = 0; branch < 20; branch += 1) {
    stream.push(`commit refs/heads/b${branch}`, 'committer T <t@e> 2 +0000', 'data 6', 'branch', 'from :1');
    for (const at of [branch * 7, 1_000, 2_000 + branch])
      stream.push(`M 644 inline src/dir-${at % 100}/file-${at}.txt`, 'data 12', `mine ${branch}`.padEnd(11), '');
  }
  execFileSync(realGit, ['fast-import', '--quiet'], { cwd: repository, input: `${stream.join('\n')}\n` });
  const heads = Array.from({ length: 20 }, (_none, branch) => git(repository, 'rev-parse', `b${branch}`));
  const pairs = heads.flatMap((a, at) => heads.slice(at + 1).map((b) => [a, b] as const));
  const timed = async (act: () => Promise<unknown>): Promise<number> => {
    const begun = performance.now();
    await act();
    return performance.now() - begun;
  };
  const before = started().length;
  const all = await timed(() => withThrowAwayObjects(repository, (env) => mergeTrees(repository, pairs, { env })));
  expect(
    started()
      .slice(before)
      .filter((call) => call.startsWith('merge-tree')),
  ).toHaveLength(1);
  const event = await timed(() =>
    withThrowAwayObjects(repository, (env) => mergeTrees(repository, pairs.slice(0, 19), { env })),
  );
  const some = pairs.slice(0, 10);
  const apart = await timed(async () => {
    for (const pair of some) await mergeTrees(repository, [pair]);
  });
  const perPair = all / pairs.length;
  const line = [
    `forecast of 20 branches, 5,000 files: ${pairs.length} pairs in one process`,
    `${perPair.toFixed(1)} ms a pair, ${(apart / some.length / perPair).toFixed(1)} times as much by one process each`,
    `one new commit against 19 others ${event.toFixed(0)} ms, ${(all / event).toFixed(1)} times less than all`,
  ].join('; ');
  console.log(line);
  expect(git(repository, 'count-objects')).toMatch(/^\d+ objects/);
  expect(perPair, line).toBeLessThan(apart / some.length);
});
