import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MergeDetailView } from '../../../shared/channel/views.ts';
import { MergeQueue } from '../../../shared/merge/merge-queue.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { Forge } from '../../support/forge/forge.ts';
import { patience } from '../../support/patience.ts';

let town: FakeTown;
let forge: Forge;
beforeEach(async () => {
  town = await makeFakeTown({ stalled: 'leave' });
  forge = new Forge(join(town.root, '..'), town.rig);
  await settings({ merge_strategy: 'pr' });
});
afterEach(() => {
  town.close();
  forge.dispose();
});

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const rigGit = (...args: string[]): string => git(town.rig, ...args);
const worktree = (name: string): string => join(town.paths.worktrees, 'alpha', name);
const branch = 'polecat/toast/task-1';

async function settings(merge_queue: Record<string, unknown>): Promise<void> {
  mkdirSync(join(town.rig, 'settings'), { recursive: true });
  writeFileSync(join(town.rig, '.git', 'info', 'exclude'), 'settings/\n');
  const file = join(town.rig, 'settings', 'config.json');
  writeFileSync(file, JSON.stringify({ type: 'rig-settings', version: 1, merge_queue }));
  await expect.poll(() => town.rigs.get('alpha').settings.merge_queue, { timeout: patience() }).toEqual(merge_queue);
  const { hash } = await town.request('rig.review', { rig: 'alpha' });
  await town.request('rig.trust', { rig: 'alpha', hash });
}

/** A polecat that has done its unit with one commit. */
async function finish(name: string, work: string, files: Record<string, string>, by?: string): Promise<string> {
  await town.request('sling', { work, rig: 'alpha', name, message: `Do ${work}` }, by);
  const prompt = town.driver.started.at(-1)?.firstPrompt;
  if (prompt) town.manager.runs.delivered(town.registry.get(`alpha-${name}`).runId, prompt.id);
  return report(name, work, files, 'Done.');
}

async function report(name: string, work: string, files: Record<string, string>, message: string): Promise<string> {
  for (const [file, text] of Object.entries(files)) writeFileSync(join(worktree(name), file), text);
  git(worktree(name), 'add', '-A');
  git(worktree(name), 'commit', '-qm', `Change ${Object.keys(files).join(', ')}`);
  await town.request('work.done', { message, id: work }, `alpha-${name}`);
  town.idle(`alpha-${name}`);
  return git(worktree(name), 'rev-parse', 'HEAD');
}

const merge = (id = 'task-1') => town.request('merge.queue', { id });
const show = (id = 'task-1'): Promise<MergeDetailView> => town.request('merge.show', { id });
const until = (state: string, id = 'task-1') =>
  expect
    .poll(() => town.merges.get(id).state, {
      timeout: patience(),
      message: `${id}: ${town.merges.get(id).detail.why}`,
    })
    .toBe(state);
/** The forge has been asked after it was made. */
const seen = (id = 'task-1') =>
  expect.poll(() => town.merges.get(id).detail.pull?.seenAt, { timeout: patience() }).toBeDefined();

async function propose(by?: string): Promise<string> {
  const head = await finish('toast', 'task-1', { 'door.txt': 'a door\n' }, by);
  await merge();
  await until('proposed');
  await seen();
  return head;
}

const check = (name: string, conclusion: string | null) => ({
  __typename: 'CheckRun',
  name,
  workflowName: 'CI',
  status: conclusion === null ? 'IN_PROGRESS' : 'COMPLETED',
  conclusion: conclusion ?? '',
  startedAt: '2026-01-01T00:00:00Z',
});

describe('a unit that is approved in a rig that wants pull requests', () => {
  test('is pushed and gets one, with its title, description and report; the target here does not move', async () => {
    await town.request('work.add', {
      id: 'task-1',
      rig: 'alpha',
      title: 'A door',
      description: 'Make a door. @somebody wants `npm i @types/door`.',
    });
    const before = rigGit('rev-parse', 'main');
    const head = await propose();
    expect(forge.tip(branch)).toBe(head);
    const made = forge.pull(1);
    expect(made).toMatchObject({ title: 'A door', base: 'main', branch, owner: 'acme' });
    for (const part of ['Make a door.', 'Report of the agent', 'Done.', 'task-1', '`npm i @types/door`'])
      expect(made.body).toContain(part);
    // Nobody is called by what agents write.
    expect(made.body).not.toContain('@somebody');
    expect([rigGit('rev-parse', 'main'), forge.tip('main')]).toEqual([before, before]);
    const shown = await show();
    expect(shown.pull).toMatchObject({ number: 1, state: 'open', pushed: head, into: 'origin/main' });
    expect(shown.pull?.url).toBe('https://forge.example/acme/alpha/pull/1');
    expect(shown.history.map(({ state, by }) => `${state} ${by}`)).toEqual([
      'review alpha-toast',
      'queued overseer',
      'merging queue',
      'proposed queue',
    ]);
  });

  test('needs no approval here where none is wanted', async () => {
    await settings({ merge_strategy: 'pr', enabled: true, require_review: false });
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    await until('proposed');
  });

  test('has to pass its gates first, and conflicts with what the remote has go back to the author', async () => {
    await settings({ merge_strategy: 'pr', test_command: 'test ! -e bad.txt', retry_flaky_tests: 0 });
    await finish('toast', 'task-1', { 'bad.txt': 'bad\n' });
    await merge();
    await until('sent-back');
    await finish('nux', 'task-2', { 'README.md': '# Nux\n' });
    const other = join(town.root, '..', 'other');
    git(town.root, 'clone', '-q', forge.repository, other);
    writeFileSync(join(other, 'README.md'), '# Other\n');
    git(other, '-c', 'user.name=O', '-c', 'user.email=o@example.com', 'commit', '-qam', 'Other');
    git(other, 'push', '-q', 'origin', 'main');
    rigGit('fetch', '-q');
    await merge('task-2');
    await until('sent-back', 'task-2');
    await town.settled();
    expect(town.driver.deliveries.at(-1)?.delivery.text).toContain('git merge origin/main');
    expect([forge.state.pulls, forge.tip('polecat/nux/task-2'), forge.tip(branch)]).toEqual([[], undefined, undefined]);
  });

  test('from a fork gets it in the repository that the target is in', async () => {
    rigGit('remote', 'add', 'mine', forge.fork('me'));
    rigGit('config', 'remote.pushDefault', 'mine');
    await propose();
    expect(forge.tip(branch)).toBeUndefined();
    expect(forge.pull(1)).toMatchObject({ owner: 'me', base: 'main' });
  });

  test('does not take a stranger’s of the same branch name for its own', async () => {
    forge.fork('stranger');
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    forge.change(({ pulls }) =>
      pulls.push({
        ...{ number: 1, title: 'Mine', body: '', base: 'main', branch, owner: 'stranger', state: 'OPEN' },
        ...{ isDraft: false, mergeable: 'UNKNOWN', reviewDecision: '', checks: [] },
      }),
    );
    await merge();
    await until('proposed');
    expect(town.merges.get('task-1').detail.pull?.number).toBe(2);
  });
});

describe('what becomes of it', () => {
  test('is shown when somebody wants to know: checks, reviews, drafts, conflicts', async () => {
    await propose();
    forge.changePull(1, {
      reviewDecision: 'REVIEW_REQUIRED',
      checks: [check('test', null), check('lint', 'SUCCESS'), check('size', 'SKIPPED')],
    });
    const asked = forge.calls('pr view');
    expect((await show()).pull?.checks).toBeUndefined();
    const { merges } = await town.request('merge.refresh', { rig: 'alpha' });
    expect(merges[0]?.pull).toMatchObject({ checks: { state: 'pending', failed: [], count: 3 }, review: 'required' });
    forge.changePull(1, {
      reviewDecision: 'APPROVED',
      mergeable: 'CONFLICTING',
      isDraft: true,
      checks: [{ __typename: 'StatusContext', context: 'ci/old', state: 'SUCCESS', startedAt: '2026-01-01T00:00:00Z' }],
    });
    await town.request('merge.refresh', { id: 'task-1' });
    expect((await show()).pull).toMatchObject({
      checks: { state: 'passed' },
      review: 'approved',
      conflicts: true,
      isDraft: true,
    });
    expect((await show()).history.at(-1)?.note).toBe(
      'pull request #1: draft, conflicts with its target, checks passed, approved',
    );
    expect(forge.calls('pr view')).toBe(asked + 2);
  });

  test('is told to who slung it once when checks fail, and it stays where it is', async () => {
    await town.request('session.spawn', { role: 'mayor' });
    await propose('hq-mayor');
    const told = async (): Promise<string[]> => {
      const { messages } = await town.request('message.list', {}, 'hq-mayor');
      return messages.filter(({ body }) => body.includes('checks failed')).map(({ body }) => body);
    };
    for (const checks of [[check('lint', 'FAILURE')], [check('lint', null)], [check('lint', 'FAILURE')]]) {
      forge.changePull(1, { checks });
      await town.request('merge.refresh', {});
    }
    expect(await told()).toEqual([expect.stringContaining('pull request #1: checks failed (lint)')]);
    expect(town.merges.get('task-1').state).toBe('proposed');
  });

  test('is seen by a fetch: squashed there, the unit is merged, its dependants begin with it, and its branch goes', async () => {
    await propose();
    await town.request('work.add', { id: 'task-2', rig: 'alpha', description: 'Then', after: ['task-1'] });
    await town.request('work.queue', { work: 'task-2', rig: 'alpha', name: 'nux' });
    const landed = forge.squash(1);
    rigGit('fetch', '-q', '--prune');
    await until('merged');
    expect((await show()).landed).toMatchObject({ commit: landed, strategy: 'pull-request' });
    await expect.poll(() => town.registry.find('alpha-nux')?.state, { timeout: patience() }).toBe('running');
    expect(git(worktree('nux'), 'rev-parse', 'HEAD')).toBe(landed);
    await town.request('session.stop', { session: 'alpha-toast' });
    await expect.poll(() => existsSync(worktree('toast')), { timeout: patience() }).toBe(false);
    expect(rigGit('branch', '--list', branch)).toBe('');
  });

  test('is looked at by nobody while nothing happens', async () => {
    await propose();
    const { length } = forge.state.calls;
    await town.pass(3_600_000);
    await town.mergeQueue.settled();
    expect(forge.state.calls).toHaveLength(length);
  });

  test('closed without being merged, it comes back to the user, who may want another one', async () => {
    await propose();
    forge.changePull(1, { state: 'CLOSED' });
    await town.request('merge.refresh', { id: 'task-1' });
    const shown = await show();
    expect(shown).toMatchObject({ state: 'review', pull: { state: 'closed' } });
    expect(shown.approvedBy).toBeUndefined();
    expect(shown.why).toContain('closed without being merged');
    await merge();
    await until('proposed');
    expect(town.merges.get('task-1').detail.pull).toMatchObject({ number: 2, state: 'open' });
  });

  test('goes on in the next round: pushed anew, and what others have written around its text stays', async () => {
    const first = await propose();
    const { body } = forge.pull(1);
    forge.changePull(1, {
      title: 'Mine',
      body: `See #7.\r\n\r\n${body}\r\n\r\nThanks!`,
      checks: [check('lint', 'FAILURE')],
    });
    await town.request('merge.refresh', {});
    await town.request('merge.return', { id: 'task-1', message: 'Lint it.' });
    git(worktree('toast'), 'commit', '-q', '--amend', '-m', 'A door');
    const head = await report('toast', 'task-1', { 'door.txt': 'an oak door\n' }, 'Linted.');
    expect(head).not.toBe(first);
    await until('review');
    expect(forge.tip(branch)).toBe(first);
    await merge();
    await until('proposed');
    expect(forge.tip(branch)).toBe(head);
    expect(forge.state.pulls).toHaveLength(1);
    const now = forge.pull(1);
    expect(now.title).toBe('Mine');
    expect(now.body).toMatch(/^See #7\.[^]*Linted\.[^]*Thanks!$/);
    expect(now.body).not.toContain('Done.');
  });
});

describe('nothing is done twice', () => {
  test('where the forge’s answer is lost, the next attempt finds what was made', async () => {
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    forge.change((state) => {
      state.afterCreate = 'cut';
    });
    await merge();
    await until('ready');
    expect((await show()).pull?.problem?.kind).toBe('unreachable');
    await merge();
    await until('proposed');
    expect(forge.state.pulls).toHaveLength(1);
    expect((await show()).pull?.problem).toBeUndefined();
  });

  test('where the host ends in between, the next one finds what was made', async () => {
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    forge.change((state) => {
      state.afterCreate = 'hang';
    });
    await merge();
    await expect.poll(() => forge.state.pulls.length, { timeout: patience() }).toBe(1);
    await town.mergeQueue.dispose();
    expect(town.merges.get('task-1').state).toBe('merging');
    const next = new MergeQueue(town, town.consents);
    next.start();
    await until('proposed');
    expect(forge.state.pulls).toHaveLength(1);
    await next.dispose();
  });

  test('where it was merged while nobody looked, it is merged', async () => {
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    forge.change((state) => {
      state.afterCreate = 'cut';
    });
    await merge();
    await until('ready');
    const landed = forge.squash(1);
    await merge();
    await until('merged');
    expect((await show()).landed?.commit).toBe(landed);
    expect(forge.tip(branch)).toBeUndefined();
  });
});

describe('what is in the way is said, with what to do; nothing is lost, and it is tried again', () => {
  /** With this wrong, and then right again. */
  async function stuck(kind: string, words: string | RegExp): Promise<void> {
    await finish('toast', 'task-1', { 'door.txt': 'a door\n' });
    await merge();
    await until('ready');
    const { pull, why } = await show();
    expect(pull?.problem?.kind).toBe(kind);
    expect(why).toBe(pull?.problem?.words);
    expect(why).toMatch(words);
    expect(why).toContain('gt merge task-1');
    expect(forge.state.pulls).toEqual([]);
  }

  async function mended(): Promise<void> {
    await merge();
    await until('proposed');
    expect(forge.state.pulls).toHaveLength(1);
  }

  test('there is no gh', async () => {
    forge.uninstall();
    await stuck('no-gh', /none on PATH.*cli\.github\.com.*gh auth login/);
    expect(forge.tip(branch)).toBeUndefined();
    forge.install();
    // Other settings are a reason to try it again, too.
    await settings({ merge_strategy: 'pr', auto_push: false });
    await until('proposed');
  });

  test('gh is not signed in', async () => {
    forge.change((state) => {
      state.signedIn = false;
    });
    await stuck('signed-out', 'gh auth login');
    expect(forge.tip(branch)).toBeUndefined();
    forge.change((state) => {
      state.signedIn = true;
    });
    await mended();
  });

  test('there is no remote', async () => {
    rigGit('remote', 'remove', 'origin');
    await stuck('no-remote', 'git remote add origin');
    rigGit('remote', 'add', 'origin', forge.repository);
    await mended();
  });

  test('gh does not know the host', async () => {
    forge.change((state) => {
      state.known = false;
    });
    await stuck('unknown-forge', 'merge_strategy to "direct"');
    await settings({ merge_strategy: 'direct' });
    await until('merged');
  });

  test('the machine is offline; the next fetch is a reason to try it again', async () => {
    forge.change((state) => {
      state.online = false;
    });
    await stuck('unreachable', 'error connecting to');
    await town.mergeQueue.settled();
    const { length } = forge.state.calls;
    await town.pass(3_600_000);
    expect(forge.state.calls).toHaveLength(length);
    forge.change((state) => {
      state.online = true;
    });
    const other = join(town.root, '..', 'other');
    git(town.root, 'clone', '-q', forge.repository, other);
    git(other, '-c', 'user.name=O', '-c', 'user.email=o@example.com', 'commit', '-q', '--allow-empty', '-m', 'Other');
    git(other, 'push', '-q', 'origin', 'main');
    rigGit('fetch', '-q');
    await until('proposed');
  });

  test('the user’s pre-push hook refuses', async () => {
    const hook = join(town.rig, '.git', 'hooks', 'pre-push');
    writeFileSync(hook, '#!/bin/sh\necho "not on a Friday" >&2\nexit 1\n');
    chmodSync(hook, 0o755);
    await stuck('push-refused', 'not on a Friday');
    writeFileSync(hook, '#!/bin/sh\nexit 0\n');
    await mended();
  });

  test('the branch has somebody else’s commits there: they stay', async () => {
    await propose();
    const theirs = join(town.root, '..', 'theirs');
    git(town.root, 'clone', '-q', '-b', branch, forge.repository, theirs);
    git(theirs, '-c', 'user.name=O', '-c', 'user.email=o@example.com', 'commit', '-q', '--allow-empty', '-m', 'Theirs');
    git(theirs, 'push', '-q', 'origin', branch);
    const tip = forge.tip(branch);
    await town.request('merge.return', { id: 'task-1', message: 'Once more.' });
    await report('toast', 'task-1', { 'door.txt': 'an oak door\n' }, 'Done again.');
    await merge();
    await until('ready');
    expect((await show()).pull?.problem?.kind).toBe('foreign-commits');
    expect(forge.tip(branch)).toBe(tip);
    git(worktree('toast'), 'fetch', '-q', 'origin', branch);
    git(worktree('toast'), 'merge', '-q', '--no-edit', 'FETCH_HEAD');
    await town.request('merge.return', { id: 'task-1', message: 'Take theirs.' });
    await town.request('work.done', { id: 'task-1', message: 'Merged.' }, 'alpha-toast');
    town.idle('alpha-toast');
    await mended();
  });

  test('a look that fails leaves what is known, and says so', async () => {
    await propose();
    forge.change((state) => {
      state.online = false;
    });
    await town.request('merge.refresh', { id: 'task-1' });
    const { state, pull } = await show();
    expect([state, pull?.state, pull?.problem?.kind]).toEqual(['proposed', 'open', 'unreachable']);
    expect(pull?.problem?.words).toMatch(/could not be asked: .* Look at the connection\.$/);
    forge.change((known) => {
      known.online = true;
    });
    await town.request('merge.refresh', { id: 'task-1' });
    expect((await show()).pull?.problem).toBeUndefined();
  });
});
