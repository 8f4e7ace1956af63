import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { noteResult } from '../../../shared/orchestration/results.ts';
import { failWrite } from '../../support/failing-writes.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;
let place: string;

const git = (...args: string[]): string => execFileSync('git', args, { cwd: place, encoding: 'utf8' }).trim();
const commit = (words: string): string => {
  git('commit', '-q', '--allow-empty', '-m', words);
  return git('rev-parse', 'HEAD');
};
const shown = async () => town.request('work.show', { id: 'issue-1' });
const done = () => town.request('work.done', { message: 'Done.' }, 'alpha-toast');
const stopped = async () => {
  await town.request('session.stop', { session: 'alpha-toast' });
  await expect.poll(() => existsSync(place)).toBe(false);
};

beforeEach(async () => {
  town = await makeFakeTown();
  const { session } = await town.request('sling', { work: 'issue-1', rig: 'alpha', name: 'toast', message: 'Mend it' });
  place = session.workDir;
  town.manager.delivered(session.runId, town.driver.started[0]!.firstPrompt!.id);
});
afterEach(() => town.close());

test.each([1, 2])(
  'what was done is kept where it cannot be recorded at that moment (write %i), and whoever asked goes on',
  async (nth) => {
    const head = commit('The work');
    const failing = failWrite(town.paths.database, nth);
    try {
      await noteResult(town, town.registry.get('alpha-toast'));
    } finally {
      failing.restore();
    }
    expect(failing.failed).toBeDefined();
    await expect.poll(() => town.work.get('issue-1').result).toMatchObject({ head, commits: 1 });
  },
);

describe('what was done is read from the worktree', () => {
  test('A3: of a worker that left its branch: the unit names the one with its commits, also when the worktree has gone', async () => {
    git('switch', '-q', '-c', 'feature/x');
    const head = commit('The work');
    expect((await done()).result).toEqual({ branch: 'feature/x', head, commits: 1 });
    await stopped();
    expect(await shown()).toMatchObject({
      state: 'done',
      commits: 1,
      result: { branch: 'feature/x', head, commits: 1 },
    });
    expect(execFileSync('git', ['rev-parse', 'feature/x'], { cwd: town.rig, encoding: 'utf8' }).trim()).toBe(head);
    const { entries } = await town.request('session.log', { session: 'alpha-toast' });
    expect(entries.map(({ text }) => text)).toContain('issue-1: feature/x (1 commit)');
  });

  test.each(['', '1'])(
    'of one on a detached HEAD: the commit is named, also where git has something to say (GIT_TRACE=%s)',
    async (trace) => {
      git('switch', '-q', '--detach');
      const head = commit('Loose');
      vi.stubEnv('GIT_TRACE', trace);
      const { result } = await done();
      vi.unstubAllEnvs();
      expect(result).toEqual({ head, commits: 1 });
    },
  );

  test('without what came by a merge of the target, and still when the target has it', async () => {
    const rigGit = (...args: string[]) => execFileSync('git', ['-C', town.rig, ...args], { encoding: 'utf8' }).trim();
    commit('The work');
    for (const words of ['Theirs', 'Theirs, too']) rigGit('commit', '-q', '--allow-empty', '-m', words);
    git('merge', '-q', '--no-edit', 'main');
    const head = git('rev-parse', 'HEAD');
    const result = { branch: 'polecat/toast/issue-1', head, commits: 2 };
    expect((await done()).result).toEqual(result);
    expect((await town.request('merge.show', { id: 'issue-1' })).size?.commits).toBe(2);
    rigGit('merge', '-q', '--ff-only', head);
    await noteResult(town, town.registry.get('alpha-toast'));
    expect(town.work.get('issue-1').result).toEqual(result);
  });

  test('of one that has only taken over the target: it is no work of its own', async () => {
    execFileSync('git', ['-C', town.rig, 'commit', '-q', '--allow-empty', '-m', 'Theirs']);
    git('merge', '-q', '--ff-only', 'main');
    expect((await done()).result).toMatchObject({ commits: 0 });
  });

  test('of one that renamed its branch', async () => {
    git('branch', '-m', 'better-name');
    const head = commit('The work');
    expect((await done()).result).toEqual({ branch: 'better-name', head, commits: 1 });
  });

  test('of one that made two branches and went back: both are named, and those of others are not', async () => {
    execFileSync('git', ['branch', 'of-somebody-else'], { cwd: town.rig });
    git('switch', '-q', '-c', 'one');
    const one = commit('One');
    git('switch', '-q', '-c', 'two', 'polecat/toast/issue-1');
    commit('Two');
    const two = commit('Three');
    git('switch', '-q', 'polecat/toast/issue-1');
    expect((await done()).result).toMatchObject({
      branch: 'polecat/toast/issue-1',
      commits: 0,
      others: [
        { branch: 'one', head: one, commits: 1 },
        { branch: 'two', head: two, commits: 2 },
      ],
    });
  });

  test('at the end of the session, where nothing was reported', async () => {
    git('switch', '-q', '-c', 'feature/x');
    commit('Half of it');
    await stopped();
    expect(await shown()).toMatchObject({ state: 'open', result: { branch: 'feature/x', commits: 1 } });
  });

  test('at the end of a turn; what is committed after the report counts, too', async () => {
    git('switch', '-q', '-c', 'feature/x');
    commit('One');
    await done();
    commit('And one more');
    town.manager.turnEnded(town.registry.get('alpha-toast').runId);
    await expect.poll(() => town.work.get('issue-1').result?.commits).toBe(2);
  });

  test('of each unit by itself, where a session has had several', async () => {
    commit('First');
    await done();
    await town.request('work.add', { id: 'issue-2', description: 'More', rig: 'alpha' });
    await town.request('work.assign', { id: 'issue-2', session: 'alpha-toast' });
    commit('Second');
    commit('Third');
    await town.request('work.done', { id: 'issue-2' }, 'alpha-toast');
    await town.request('session.stop', { session: 'alpha-toast' });
    await town.settled();
    expect([town.work.get('issue-1').result?.commits, town.work.get('issue-2').result?.commits]).toEqual([1, 2]);
  });

  test('a worktree that cannot be read is no reason to refuse the report, and is told', async () => {
    commit('The work');
    town.manager.turnEnded(town.registry.get('alpha-toast').runId);
    await expect.poll(() => town.work.get('issue-1').result?.commits).toBe(1);
    await rm(place, { recursive: true });
    expect(await done()).toMatchObject({ state: 'done', commits: 1, result: { branch: 'polecat/toast/issue-1' } });
    const { entries } = await town.request('session.log', { session: 'alpha-toast' });
    expect(entries.some(({ text }) => text.startsWith('issue-1: could not be read from'))).toBe(true);
  });

  test('of a unit that another session goes on with in that worktree', async () => {
    commit('Half of it');
    await town.request('sling', { work: 'issue-2', rig: 'alpha', name: 'nux', message: 'Another one' });
    await town.request('work.handoff', {
      from: 'alpha-toast',
      to: 'alpha-nux',
      context: 'The other half.',
      work: 'issue-1',
    });
    git('switch', '-q', '-c', 'feature/x');
    commit('The other half');
    expect(await town.request('work.done', { id: 'issue-1' }, 'alpha-nux')).toMatchObject({
      result: { branch: 'feature/x', commits: 2 },
    });
    expect(town.work.get('issue-2').result).toMatchObject({ branch: 'polecat/nux/issue-2', commits: 0 });
  });

  test('a stop ends with the worktree gone, so that the next worker of the name may come at once', async () => {
    commit('The work');
    git('switch', '-q', '-c', 'feature/x');
    await done();
    await town.request('session.stop', { session: 'alpha-toast' });
    expect(existsSync(place)).toBe(false);
    expect(
      (await town.request('sling', { work: 'issue-2', rig: 'alpha', name: 'toast', message: 'More' })).session.workDir,
    ).toBe(place);
  });

  test('whoever gets the unit next is told where it is, and the history keeps it', async () => {
    git('switch', '-q', '-c', 'feature/x');
    commit('Half of it');
    await stopped();
    await town.request('sling', { work: 'issue-1', rig: 'alpha', name: 'nux' });
    const { history, result } = await shown();
    expect(result).toMatchObject({ branch: 'polecat/nux/issue-1', commits: 0 });
    expect(history.map(({ note }) => note).join('\n')).toContain('what was done before is on feature/x (1 commit)');
  });
});
