import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noteLeftWorktrees } from '../../../shared/orchestration/left-worktrees.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';
import { git, mergeActs } from './support.ts';

let town: FakeTown;
beforeEach(async () => {
  town = await makeFakeTown({ stalled: 'leave' });
});
afterEach(() => town.close());

const { rigGit, worktree, settings, finish, begin, report, merge, stateOf, until, files } = mergeActs(() => town);

describe('a unit that the user merges', () => {
  test('lands in the target as a merge commit, with the files of the checkout, and its branch goes with its session', async () => {
    const head = await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    await merge('task-1');
    await until('task-1', 'merged');
    expect(rigGit('log', '-1', '--format=%P %s', 'main')).toMatch(
      new RegExp(`^[0-9a-f]{40} ${head} Merge task-1: Do task-1$`),
    );
    expect(rigGit('log', '-1', '--format=%(trailers:only,unfold)', 'main')).toBe(
      'Gastown-Unit: task-1\nGastown-Session: alpha-toast',
    );
    expect(readFileSync(join(town.rig, 'door.txt'), 'utf8')).toBe('a door\n');
    expect(rigGit('status', '--porcelain')).toBe('');
    const shown = await town.request('merge.show', { id: 'task-1' });
    expect(shown.landed).toMatchObject({ commit: rigGit('rev-parse', 'main'), strategy: 'merge' });
    expect(shown.history.map(({ state, by }) => `${state} ${by}`)).toEqual([
      'review alpha-toast',
      'queued overseer',
      'merging queue',
      'merged queue',
    ]);
    expect(existsSync(worktree('toast'))).toBe(true);
    await town.request('session.stop', { session: 'alpha-toast' });
    await expect.poll(() => existsSync(worktree('toast')), { timeout: patience() }).toBe(false);
    await expect.poll(() => rigGit('branch', '--list', 'polecat/*'), { timeout: patience() }).toBe('');
  });

  test('waits as ready while the checkout of the target has changes, and lands by itself when they are gone', async () => {
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    writeFileSync(join(town.rig, 'README.md'), '# Mine\n');
    const before = rigGit('rev-parse', 'main');
    await merge('task-1');
    await until('task-1', 'ready');
    expect(town.merges.get('task-1').detail.why).toContain('unstaged changes');
    expect(readFileSync(join(town.rig, 'README.md'), 'utf8')).toBe('# Mine\n');
    expect([rigGit('rev-parse', 'main'), rigGit('stash', 'list')]).toEqual([before, '']);
    await town.mergeQueue.settled();
    // The watch begins only after the attempt.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    rigGit('checkout', '-q', 'README.md');
    await until('task-1', 'merged');
    expect(files()).toContain('door.txt');
  });

  test('that has a file of the user’s in its way holds up nobody else', async () => {
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    await finish('nux', 'task-2', { 'wall.txt': 'a wall\n' });
    writeFileSync(join(town.rig, 'door.txt'), 'mine\n');
    await merge('task-1');
    await until('task-1', 'ready');
    await merge('task-2');
    await until('task-2', 'merged');
    await until('task-1', 'ready');
    expect(readFileSync(join(town.rig, 'door.txt'), 'utf8')).toBe('mine\n');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    rmSync(join(town.rig, 'door.txt'));
    await until('task-1', 'merged');
  });

  test('and has its commits in the target already has nothing to merge', async () => {
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    rigGit('merge', '-q', '--no-ff', '-m', 'By hand', 'polecat/toast/task-1');
    await merge('task-1');
    await until('task-1', 'merged');
    expect(town.merges.get('task-1').detail.why).toContain('nothing to merge');
  });

  test.each([
    ['squash', 1],
    ['rebase', 2],
  ])('comes by %s where the rig wants that, and its worktree goes all the same', async (style, commits) => {
    await settings({ style });
    const head = await finish('toast', 'task-1', { 'door.txt': 'a\n' }, { 'wall.txt': 'a\n' });
    const before = rigGit('rev-parse', 'main');
    rigGit('commit', '-q', '--allow-empty', '-m', 'Meanwhile');
    await merge('task-1');
    await until('task-1', 'merged');
    expect(rigGit('rev-list', '--count', '--no-merges', `${before}..main`)).toBe(String(commits + 1));
    await expect
      .poll(() => rigGit('for-each-ref', '--format=%(objectname)', 'refs/gastown/merged'), { timeout: patience() })
      .toBe(head);
    await town.request('session.stop', { session: 'alpha-toast' });
    await expect.poll(() => existsSync(worktree('toast')), { timeout: patience() }).toBe(false);
  });
});

describe('a branch that is not what was approved', () => {
  test('goes to review again, at what it is now', async () => {
    await settings({ enabled: true });
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    git(worktree('toast'), 'commit', '-q', '--amend', '-m', 'Rewritten');
    const now = git(worktree('toast'), 'rev-parse', 'HEAD');
    await town.request('merge.approve', { id: 'task-1' });
    await until('task-1', 'review');
    expect(town.merges.get('task-1')).toMatchObject({
      head: now,
      detail: { why: expect.stringContaining('look at it again') },
    });
    expect(files()).not.toContain('door.txt');
  });

  test('or is gone, or whose target is gone, goes to review with that reason', async () => {
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    rigGit('update-ref', '-d', 'refs/heads/polecat/toast/task-1');
    await merge('task-1');
    await until('task-1', 'review');
    expect(town.merges.get('task-1').detail.why).toContain('polecat/toast/task-1 is gone');
    await finish('nux', 'task-2', { 'wall.txt': 'a wall\n' });
    rigGit('branch', '-m', 'main', 'trunk');
    await merge('task-2');
    await until('task-2', 'review');
    expect(town.merges.get('task-2').detail.why).toContain('no branch main');
  });
});

describe('a conflict', () => {
  test('goes back to the author’s session with the files and the other unit named, and the next round lands', async () => {
    await finish('toast', 'task-1', { 'README.md': '# Toast\n' });
    await finish('nux', 'task-2', { 'README.md': '# Nux\n' });
    await merge('task-1');
    await until('task-1', 'merged');
    await merge('task-2');
    await until('task-2', 'sent-back');
    expect((await town.request('merge.show', { id: 'task-2' })).conflicts).toEqual([
      { files: ['README.md'] },
      { work: 'task-1', files: ['README.md'] },
    ]);
    expect(town.work.get('task-2')).toMatchObject({ state: 'assigned', owner: 'alpha-nux' });
    await town.settled();
    const { text, id } = town.driver.deliveries.at(-1)!.delivery;
    for (const part of ['README.md', 'task-1 ("Do task-1")', 'git merge main', 'gt done --id task-2'])
      expect(text).toContain(part);
    town.manager.runs.delivered(town.registry.get('alpha-nux').runId, id);
    expect(() => git(worktree('nux'), 'merge', '-q', 'main')).toThrow();
    await report('nux', 'task-2', { 'README.md': '# Toast and Nux\n' });
    expect(town.merges.get('task-2')).toMatchObject({ state: 'review', round: 2 });
    await merge('task-2');
    await until('task-2', 'merged');
    expect(readFileSync(join(town.rig, 'README.md'), 'utf8')).toBe('# Toast and Nux\n');
  });

  test('that comes back too often is the user’s', async () => {
    await settings({ enabled: true, require_review: false, max_retry_count: 0 });
    await begin('nux', 'task-2');
    await finish('toast', 'task-1', { 'README.md': '# Toast\n' });
    await until('task-1', 'merged');
    await report('nux', 'task-2', { 'README.md': '# Nux\n' });
    await until('task-2', 'conflict');
    expect(town.work.get('task-2').state).toBe('done');
    expect(town.snapshot().escalations).toMatchObject([
      { work: 'task-2', message: expect.stringContaining('conflicts with main in README.md') },
    ]);
    await town.request('merge.discard', { id: 'task-2' });
    await expect.poll(() => town.snapshot().escalations, { timeout: patience() }).toEqual([]);
  });

  describe('is the refinery’s where the rig wants that', () => {
    const conflict = async (): Promise<void> => {
      await settings({ on_conflict: 'auto_rebase' });
      await finish('toast', 'task-1', { 'README.md': '# Toast\n' });
      await finish('nux', 'task-2', { 'README.md': '# Nux\n' });
      await merge('task-1');
      await until('task-1', 'merged');
      await merge('task-2');
      await until('task-2', 'sent-back');
    };
    /** The refinery works in the author's worktree, and reports. */
    const resolve = async (): Promise<void> => {
      expect(() => git(worktree('nux'), 'merge', '-q', 'main')).toThrow();
      writeFileSync(join(worktree('nux'), 'README.md'), '# Toast and Nux\n');
      git(worktree('nux'), 'commit', '-qam', 'Resolve it');
      await town.request('work.done', { message: 'Resolved.', id: 'task-2' }, 'alpha-refinery');
    };

    test('and it runs; the unit is its author’s again when it has resolved it', async () => {
      await town.request('session.spawn', { role: 'refinery', rig: 'alpha' });
      await conflict();
      expect(town.work.get('task-2').owner).toBe('alpha-refinery');
      await resolve();
      expect(town.work.get('task-2')).toMatchObject({ state: 'done', owner: 'alpha-nux' });
      await merge('task-2');
      await until('task-2', 'merged');
      expect(rigGit('log', '-1', '--format=%(trailers:key=Gastown-Session,valueonly)', 'main').trim()).toBe(
        'alpha-nux',
      );
      expect(readFileSync(join(town.rig, 'README.md'), 'utf8')).toBe('# Toast and Nux\n');
      const told = town.store.messages.latest(100, { session: 'alpha-nux' }).map(({ body }) => body);
      expect(told.filter((body) => body.includes('Stop working'))).toEqual([]);
    });

    test('which is started for it where it is on demand', async () => {
      await town.settings.update({ roles: { on_demand: ['refinery'] } });
      await conflict();
      await expect
        .poll(() => town.work.get('task-2'), { timeout: patience() })
        .toMatchObject({ state: 'assigned', owner: 'alpha-refinery', branch: 'polecat/nux/task-2' });
      town.idle('alpha-refinery');
      await town.settled();
      expect(town.driver.deliveries.at(-1)?.delivery.text).toContain('gt done --id task-2');
      await resolve();
      expect(town.work.get('task-2')).toMatchObject({ state: 'done', owner: 'alpha-nux' });
    });

    test('and its author’s where it can be neither asked nor started', async () => {
      await conflict();
      expect(town.work.get('task-2')).toMatchObject({ state: 'assigned', owner: 'alpha-nux' });
    });

    test('and its author’s where its start fails', async () => {
      await town.settings.update({ roles: { on_demand: ['refinery'] } });
      town.driver.onStart = async ({ role }) => {
        if (role === 'refinery') throw new Error('no more sessions');
      };
      await conflict();
      await expect
        .poll(() => town.work.get('task-2'), { timeout: patience() })
        .toMatchObject({ state: 'assigned', owner: 'alpha-nux' });
    });
  });
});

test('a host that died after the target had moved, or before, leaves nothing that the next one does not end', async () => {
  const heads = [
    await finish('toast', 'task-1', { 'door.txt': 'a\n' }),
    await finish('nux', 'task-2', { 'wall.txt': 'a\n' }),
  ];
  const onto = rigGit('rev-parse', 'main');
  const commits = heads.map((head, at) =>
    rigGit('commit-tree', `${head}^{tree}`, '-p', onto, '-p', head, '-m', `Merge task-${at + 1}`),
  );
  for (const [at, commit] of commits.entries()) {
    const workId = `task-${at + 1}`;
    const detail = { candidate: { commit, previous: onto, onto, tip: commit, batch: [workId] } };
    // Without its wake: as it was when the host died.
    town.store.merges.replace(
      town.merges.get(workId),
      { ...town.merges.get(workId), state: 'merging', approvedHead: heads[at]!, detail },
      'queue',
    );
  }
  rigGit('merge', '-q', '--ff-only', commits[0]!);
  town.mergeQueue.start();
  await until('task-1', 'merged');
  await until('task-2', 'merged');
  expect(town.merges.get('task-1').detail.landed).toMatchObject({ commit: commits[0], previous: onto });
  expect(files()).toEqual(['README.md', 'door.txt', 'wall.txt']);
});

describe('gates', () => {
  test('run on what is to land, in a worktree of the queue’s own, and what they write lands nowhere', async () => {
    await settings({
      test_command: 'test -f door.txt && test -f README.md && echo written > README.md && echo new > new.txt && pwd',
    });
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    await merge('task-1');
    await until('task-1', 'merged');
    const [gate] = town.merges.get('task-1').detail.gates ?? [];
    expect(gate).toMatchObject({ name: 'test_command', state: 'passed' });
    expect(readFileSync(gate?.log ?? '', 'utf8')).toContain(join('alpha', '.merge'));
    expect(readFileSync(join(town.rig, 'README.md'), 'utf8')).toBe('# Sample\n');
    expect(files()).toEqual(['README.md', 'door.txt']);
  });

  test.each<[string, Record<string, unknown>]>([
    ['gates', { test_command: 'true' }],
    ['merging without approval', { enabled: true, require_review: false }],
    ['pushing', { auto_push: true }],
  ])(
    '%s that the user has not agreed to stands the queue still; with their word it goes on [holds 7]',
    async (_what, rig) => {
      await settings(rig, false);
      await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
      if (!('require_review' in rig)) await merge('task-1');
      await expect
        .poll(() => town.merges.get('task-1').detail.why, { timeout: patience() })
        .toContain('gt rig trust alpha');
      expect([stateOf('task-1'), files()]).toEqual(['queued', ['README.md']]);
      const { hash } = await town.request('rig.review', { rig: 'alpha' });
      await town.request('rig.trust', { rig: 'alpha', hash });
      await until('task-1', 'merged');
    },
  );

  test('that fail for one of a batch give it back with what it printed, and land the others', async () => {
    await settings({
      gates: { 'no doors': { cmd: 'if test -f door.txt; then echo "a door!"; exit 1; fi' } },
      gates_parallel: false,
    });
    // All of them wait, and are one batch.
    await finish('toast', 'task-1', { 'wall.txt': 'a\n' });
    await finish('nux', 'task-2', { 'door.txt': 'a\n' });
    await finish('ace', 'task-3', { 'roof.txt': 'a\n' });
    town.store.transaction(() => {
      for (const id of ['task-1', 'task-2', 'task-3']) {
        const waiting = town.merges.get(id);
        town.merges.move(waiting, 'queued', { by: 'overseer' }, { approvedHead: waiting.head, queuedAt: 1 });
      }
    });
    await until('task-1', 'merged');
    await until('task-3', 'merged');
    await until('task-2', 'sent-back');
    expect(files()).toEqual(['README.md', 'roof.txt', 'wall.txt']);
    const { history } = await town.request('merge.show', { id: 'task-2' });
    expect(history.map(({ state }) => state)).toContain('gate-failed');
    await town.settled();
    expect(town.driver.deliveries.at(-1)?.delivery.text).toContain('a door!');
  });

  test('have the rig’s set-up before them, anew only where a lock file has changed, and not in the checkout', async () => {
    await settings({ setup_command: 'echo x >> set-up.txt', test_command: 'wc -l < set-up.txt' });
    writeFileSync(join(town.rig, '.git', 'info', 'exclude'), 'settings/\nset-up.txt\n');
    const printed = (id: string): string => {
      const lines = readFileSync(town.merges.get(id).detail.gates?.[0]?.log ?? '', 'utf8').split('\n');
      return lines[2]?.trim() ?? '';
    };
    const changes = [{ 'a.txt': 'a\n' }, { 'b.txt': 'b\n' }, { 'yarn.lock': 'c\n' }];
    const counts: string[] = [];
    for (const [at, change] of changes.entries()) {
      await finish(['toast', 'nux', 'ace'][at]!, `task-${at}`, change);
      await merge(`task-${at}`);
      await until(`task-${at}`, 'merged');
      counts.push(printed(`task-${at}`));
    }
    expect(counts).toEqual(['1', '1', '2']);
    expect(existsSync(join(town.rig, 'set-up.txt'))).toBe(false);
  });

  describe('that fail on the target itself', () => {
    /** Somebody has broken the target; a branch that brings `mended.txt` mends it. */
    const red = {
      test_command: 'if ! test -f mended.txt; then echo "the roof leaks"; exit 1; fi',
      retry_flaky_tests: 0,
    };
    const redCommit = (id: string): string | undefined => town.merges.get(id).detail.targetRed?.commit;
    const isHeld = (id: string) =>
      expect.poll(() => redCommit(id), { timeout: patience() }).toBe(rigGit('rev-parse', 'main'));
    const runsOf = (commit: string): number =>
      readFileSync(join(town.rig, '..', 'runs.txt'), 'utf8')
        .split('\n')
        .filter((line) => line === commit).length;

    test('send nobody back: all wait, with its output, and the user is told once', async () => {
      await settings({
        ...red,
        test_command: `git rev-parse HEAD >> ${join(town.rig, '..', 'runs.txt')}; ${red.test_command}`,
      });
      await finish('toast', 'task-1', { 'door.txt': 'a\n' });
      await finish('nux', 'task-2', { 'wall.txt': 'a\n' });
      await merge('task-1');
      await isHeld('task-1');
      await merge('task-2');
      await isHeld('task-2');
      await town.mergeQueue.settled();
      const main = rigGit('rev-parse', 'main');
      expect(runsOf(main)).toBe(1);
      expect([stateOf('task-1'), stateOf('task-2'), town.work.get('task-1').state]).toEqual([
        'queued',
        'queued',
        'done',
      ]);
      const { targetRed, why, gates } = town.merges.get('task-2').detail;
      expect([why, gates]).toEqual([`test_command fails on main itself, at ${main.slice(0, 10)}`, undefined]);
      expect(targetRed?.gates).toMatchObject([{ name: 'test_command', tail: 'the roof leaks' }]);
      expect(readFileSync(targetRed?.gates[0]?.log ?? '', 'utf8')).toContain('the roof leaks');
      expect(town.snapshot().escalations).toMatchObject([{ message: expect.stringContaining('the roof leaks') }]);
    });

    test('are passed by a branch that mends it, and then all others go on', async () => {
      await settings({ ...red, batch: { max_batch_size: 1 } });
      await finish('toast', 'task-1', { 'door.txt': 'a\n' });
      await finish('nux', 'task-2', { 'mended.txt': 'a\n' });
      await merge('task-1');
      await isHeld('task-1');
      await merge('task-2');
      await until('task-2', 'merged');
      await until('task-1', 'merged');
      expect(files()).toEqual(['README.md', 'door.txt', 'mended.txt']);
      await expect.poll(() => town.snapshot().escalations, { timeout: patience() }).toEqual([]);
    });

    test('let all go on when somebody mends it by hand, or the settings say something else', async () => {
      await settings(red);
      await finish('toast', 'task-1', { 'door.txt': 'a\n' });
      await merge('task-1');
      await isHeld('task-1');
      await town.mergeQueue.settled();
      writeFileSync(join(town.rig, 'mended.txt'), '');
      rigGit('add', 'mended.txt');
      rigGit('commit', '-qm', 'Mend it');
      await until('task-1', 'merged');
      rigGit('rm', '-q', 'mended.txt');
      rigGit('commit', '-qm', 'Break it');
      await finish('nux', 'task-2', { 'wall.txt': 'a\n' });
      await merge('task-2');
      await isHeld('task-2');
      await settings({ test_command: 'true' });
      await until('task-2', 'merged');
    });

    test('are tried anew by the user’s word, on the target, too', async () => {
      const service = join(town.rig, '..', 'service');
      await settings({ test_command: `test -f ${service}`, retry_flaky_tests: 0 });
      await finish('toast', 'task-1', { 'door.txt': 'a\n' });
      await merge('task-1');
      await isHeld('task-1');
      writeFileSync(service, '');
      await merge('task-1');
      await until('task-1', 'merged');
    });

    test('are the author’s where the branch fails others besides', async () => {
      await settings({
        retry_flaky_tests: 0,
        gates: { red: { cmd: 'exit 1' }, doors: { cmd: 'if test -f door.txt; then echo "a door!"; exit 1; fi' } },
      });
      await finish('toast', 'task-1', { 'door.txt': 'a\n' });
      await merge('task-1');
      await until('task-1', 'sent-back');
      expect(town.merges.get('task-1').detail.gates).toMatchObject([{ name: 'doors', state: 'failed' }]);
    });

    test('are told once to each who slung what waits there', async () => {
      await settings(red);
      await town.request('session.spawn', { role: 'mayor' });
      for (const [name, id] of [
        ['toast', 'task-1'],
        ['nux', 'task-2'],
      ] as const) {
        await begin(name, id, 'hq-mayor');
        await report(name, id, { [`${name}.txt`]: 'a\n' });
        await merge(id);
        await isHeld(id);
      }
      const told = town.store.messages
        .pending('hq-mayor')
        .filter(({ body }) => body.includes('fails on main of alpha itself'));
      expect(told.map(({ from, body }) => [from, body.includes('the roof leaks')])).toEqual([['host', true]]);
    });
  });

  test('that fail once are tried again', async () => {
    await settings({ test_command: 'test -f ../.flaky || { touch ../.flaky; exit 1; }' });
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    await merge('task-1');
    await until('task-1', 'merged');
    expect(town.merges.get('task-1').detail.gates).toMatchObject([{ state: 'passed', retried: true }]);
  });
});

test('two units on one branch land one after the other, each at what was approved of it', async () => {
  const first = await finish('toast', 'task-1', { 'door.txt': 'a\n' });
  await town.request('work.add', { id: 'task-2', title: 'Paint it', description: 'Paint it', rig: 'alpha' });
  await town.request('work.assign', { id: 'task-2', session: 'alpha-toast' });
  const second = await report('toast', 'task-2', { 'paint.txt': 'red\n' });
  expect(town.merges.get('task-2').branch).toBe(town.merges.get('task-1').branch);
  await merge('task-1');
  await until('task-1', 'merged');
  expect(rigGit('log', '-1', '--format=%P', 'main').split(' ')[1]).toBe(first);
  expect(files()).toEqual(['README.md', 'door.txt']);
  await merge('task-2');
  await until('task-2', 'merged');
  expect(rigGit('log', '-1', '--format=%P', 'main').split(' ')[1]).toBe(second);
});

test('a gate that hangs is ended in its time, with all that it has started, and one for the branch alone comes first', async () => {
  await settings({
    retry_flaky_tests: 0,
    gates: {
      alone: { cmd: 'if test -f door.txt; then sleep 600 & sleep 600; fi', timeout: '1s', phase: 'pre-merge' },
      together: { cmd: 'true' },
    },
  });
  await finish('toast', 'task-1', { 'door.txt': 'a\n' });
  await merge('task-1');
  await until('task-1', 'sent-back');
  expect(town.merges.get('task-1').detail.gates).toMatchObject([{ name: 'alone', state: 'timed-out' }]);
  expect(files()).toEqual(['README.md']);
});

test('what was approved goes into the queue when the user turns it on; the queue’s worktree goes with the town', async () => {
  await finish('toast', 'task-1', { 'door.txt': 'a\n' });
  await town.request('merge.approve', { id: 'task-1' });
  expect(stateOf('task-1')).toBe('review');
  await settings({ enabled: true, test_command: 'echo x > left.txt' });
  await until('task-1', 'merged');
  const standing = worktree('.merge');
  expect(existsSync(standing)).toBe(true);
  await noteLeftWorktrees(town);
  expect(town.worktrees.list().map(({ path }) => path)).not.toContain(standing);
  await town.removal.remove();
  expect(existsSync(standing)).toBe(false);
  expect(rigGit('worktree', 'list')).not.toContain('.merge');
});

test('where pull requests are wanted and cannot be made, nothing is merged instead', async () => {
  await settings({ merge_strategy: 'pr' });
  await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
  await merge('task-1');
  await until('task-1', 'ready');
  expect(town.merges.get('task-1').detail.why).toContain('no remote');
  expect(files()).toEqual(['README.md']);
});

test('auto_push sends the target to its remote, and a failure of that is told and undoes nothing', async () => {
  const remote = join(town.root, '..', 'remote.git');
  git(town.root, 'init', '-q', '--bare', remote);
  rigGit('remote', 'add', 'origin', remote);
  await settings({ auto_push: true });
  await finish('toast', 'task-1', { 'door.txt': 'a\n' });
  await merge('task-1');
  await until('task-1', 'merged');
  await expect
    .poll(() => git(remote, 'for-each-ref', '--format=%(objectname)'), { timeout: patience() })
    .toBe(rigGit('rev-parse', 'main'));
  rmSync(remote, { recursive: true });
  await finish('nux', 'task-2', { 'wall.txt': 'a\n' });
  await merge('task-2');
  await until('task-2', 'merged');
  await expect
    .poll(() => town.merges.get('task-2').detail.why, { timeout: patience() })
    .toContain('could not be pushed');
});
