import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;
const toast = 'alpha-toast';

beforeEach(async () => {
  town = await makeFakeTown({ stalled: 'leave' });
});
afterEach(() => town.close());

const git = (cwd: string, ...args: string[]): string => execFileSync('git', args, { cwd, encoding: 'utf8' }).trim();
const worktree = (name = 'toast'): string => join(town.paths.worktrees, 'alpha', name);
const commit = (text: string, file = 'door.txt'): string => {
  writeFileSync(join(worktree(), file), text);
  git(worktree(), 'add', '-A');
  git(worktree(), 'commit', '-q', '-m', `Write ${file}`);
  return git(worktree(), 'rev-parse', 'HEAD');
};
/** A polecat gets the unit, and its model has it. */
const sling = async (): Promise<void> => {
  await town.request('sling', { work: 'issue-1', rig: 'alpha', name: 'toast', message: 'Make a door' });
  const prompt = town.driver.started.at(-1)?.firstPrompt;
  if (prompt) town.manager.runs.delivered(town.registry.get(toast).runId, prompt.id);
};
/** Another session is started; what it begins with. */
const started = async () => {
  await expect.poll(() => town.driver.started.length).toBe(2);
  return town.driver.started[1];
};
const done = (message = 'The door is made.') => town.request('work.done', { message }, toast);
const merge = () => town.request('merge.show', { id: 'issue-1' });
/** The model of the session has what waits for it. */
const deliver = async (): Promise<string> => {
  town.idle(toast);
  await town.settled();
  const last = town.driver.deliveries.at(-1);
  if (!last) throw new Error('nothing was delivered');
  town.manager.runs.delivered(last.runId, last.delivery.id);
  await town.settled();
  return last.delivery.text;
};
const poll = <T>(read: () => T | Promise<T>) => expect.poll(read);

describe('a unit that is done with commits', () => {
  test('waits for review: its branch for the default branch, at its head, with what it changes', async () => {
    await sling();
    const head = commit('one\ntwo\nthree\n');
    await done();
    expect(await merge()).toMatchObject({
      work: 'issue-1',
      rig: 'alpha',
      branch: 'polecat/toast/issue-1',
      target: 'main',
      base: git(town.rig, 'rev-parse', 'main'),
      head,
      state: 'review',
      round: 1,
      reviewed: false,
      openThreads: 0,
      history: [{ state: 'review', by: toast, round: 1, head }],
    });
    await poll(async () => (await merge()).size).toEqual({ commits: 1, files: 1, additions: 3, deletions: 0 });
    expect(town.snapshot().merges.map(({ work, state }) => `${work} ${state}`)).toEqual(['issue-1 review']);
    expect(await town.request('review.changes', { id: 'issue-1' })).toMatchObject({
      files: [{ path: 'door.txt', status: 'added', additions: 3, deletions: 0 }],
      commits: [{ commit: head, subject: 'Write door.txt' }],
    });
    const file = { id: 'issue-1', commit: head, path: 'door.txt' };
    expect(await town.request('review.file', file)).toEqual({ kind: 'text', text: 'one\ntwo\nthree\n' });
    expect(await town.request('review.file', { ...file, path: 'gone.txt' })).toEqual({ kind: 'missing' });
  });

  test('and is without any there is nothing to merge, and that is said', async () => {
    await sling();
    await done('There was a door already.');
    await expect(merge()).rejects.toThrow('issue-1 is done and has no finished branch');
    expect(town.snapshot().merges).toEqual([]);
  });

  test('is not taken as done while something is not committed, unless the worker leaves it out', async () => {
    await sling();
    commit('one\n');
    for (const file of ['door.txt', 'frame.txt']) writeFileSync(join(worktree(), file), 'more');
    await expect(done()).rejects.toThrow(/door\.txt, frame\.txt in .* are not committed.*gt done --uncommitted/);
    expect(town.work.get('issue-1').state).not.toBe('done');
    await town.request('work.done', { message: 'The door alone.', uncommitted: true }, toast);
    expect(await merge()).toMatchObject({ state: 'review', head: git(worktree(), 'rev-parse', 'HEAD') });
    // What is left out is no matter of a second report.
    await expect(done()).rejects.toThrow(/issue-1 is done already .*The door alone.*Nothing was changed/);
  });

  test('can be looked at before that, as far as it is', async () => {
    await sling();
    await expect(town.request('review.changes', { id: 'issue-1' })).rejects.toThrow('nothing has been committed');
    const head = commit('one\n');
    expect(await town.request('review.changes', { id: 'issue-1' })).toMatchObject({
      to: head,
      files: [{ path: 'door.txt' }],
    });
    await expect(merge()).rejects.toThrow('has no finished branch yet');
  });
});

describe('a review', () => {
  beforeEach(async () => {
    await sling();
    commit('one\ntwo\nthree\n');
    await done();
  });
  const comment = (line: number, body: string, by?: string) =>
    town.request('review.comment', { id: 'issue-1', path: 'door.txt', side: 'new', line, body }, by);

  test('that asks for changes reaches the author as one message, whose receipt stands at each comment', async () => {
    await comment(2, 'Why two?');
    expect(await comment(3, 'And why three?')).toMatchObject({
      id: 'C-2',
      quote: 'three',
      state: 'open',
      comments: [{ by: 'overseer', body: 'And why three?' }],
    });
    const { merge: back, session } = await town.request('merge.return', { id: 'issue-1', message: 'Nearly there.' });
    expect([back.state, session]).toEqual(['sent-back', toast]);
    expect(town.work.get('issue-1')).toMatchObject({
      state: 'assigned',
      owner: toast,
      branch: 'polecat/toast/issue-1',
    });
    expect((await merge()).threads.map(({ comments }) => comments[0]?.receipt)).toEqual(['accepted', 'accepted']);
    const text = await deliver();
    for (const part of [
      'Nearly there.',
      'C-1, door.txt:2: two',
      'Why two?',
      'C-2, door.txt:3: three',
      'gt review reply',
    ])
      expect(text).toContain(part);
    expect((await merge()).threads.map(({ comments }) => comments[0]?.receipt)).toEqual(['delivered', 'delivered']);
    expect(town.work.get('issue-1').state).toBe('running');
  });

  test('goes on in the next round: answers, and lines that have moved or were changed', async () => {
    await comment(2, 'Why two?');
    await comment(3, 'And why three?');
    await town.request('merge.return', { id: 'issue-1' });
    await deliver();
    await town.request('review.reply', { thread: 'C-2', body: 'It is four now.' }, toast);
    const head = commit('zero\none\ntwo\nfour\n');
    await done('Mended.');
    await poll(async () => (await merge()).threads.map(({ id, line, state }) => `${id} ${line} ${state}`)).toEqual([
      'C-1 3 open',
      'C-2 3 outdated',
    ]);
    expect(await merge()).toMatchObject({ state: 'review', round: 2, head, openThreads: 1 });
    expect((await merge()).threads[1]?.comments.map(({ by, body }) => `${by}: ${body}`)).toEqual([
      'overseer: And why three?',
      `${toast}: It is four now.`,
    ]);
    expect((await merge()).history.map(({ state, round, by }) => `${round} ${state} ${by}`)).toEqual([
      `1 review ${toast}`,
      '1 sent-back overseer',
      `2 review ${toast}`,
    ]);
    // Only what was not sent yet goes with the next one.
    await comment(4, 'Four is fine; say so.');
    await town.request('merge.return', { id: 'issue-1' });
    const text = await deliver();
    expect(text).toContain('Four is fine');
    expect(text).not.toContain('Why two?');
  });

  test('can be looked at as it was since the last one', async () => {
    const first = (await merge()).head;
    await expect(town.request('review.changes', { id: 'issue-1', since: 'reviewed' })).rejects.toThrow(
      'Nobody has reviewed',
    );
    expect(await town.request('merge.reviewed', { id: 'issue-1', head: first })).toMatchObject({ reviewed: true });
    await town.request('merge.return', { id: 'issue-1', message: 'More.' });
    await deliver();
    commit('frame', 'frame.txt');
    await done();
    expect((await merge()).reviewed).toBe(false);
    expect(await town.request('review.changes', { id: 'issue-1', since: 'reviewed' })).toMatchObject({
      from: first,
      files: [{ path: 'frame.txt' }],
    });
    // To look at the new one as a whole does not hide what is new in it.
    await town.request('merge.reviewed', { id: 'issue-1', head: (await merge()).head });
    expect((await town.request('review.changes', { id: 'issue-1', since: 'reviewed' })).from).toBe(first);
  });

  test('takes no comment on what is not there any more: the same line is another one', async () => {
    const { head: first, base } = await merge();
    const comment = { id: 'issue-1', path: 'door.txt', line: 2, body: 'Why two?' } as const;
    expect(await town.request('review.comment', { ...comment, commit: first, side: 'new' })).toMatchObject({
      quote: 'two',
    });
    await town.request('merge.return', { id: 'issue-1' });
    await deliver();
    commit('zero\none\ntwo\n');
    await done();
    const late = town.request('review.comment', { ...comment, commit: first, side: 'new' });
    await expect(late).rejects.toMatchObject({ code: 'work-conflict' });
    await expect(late).rejects.toThrow(/issue-1 has changed since you looked at it/);
    // What was before is still there.
    const onBase = { id: 'issue-1', path: 'README.md', line: 1, body: 'Hm.', commit: base, side: 'old' } as const;
    expect(await town.request('review.comment', onBase)).toMatchObject({ side: 'old', head: base });
  });

  test('keeps what is resolved to itself, counts its comments, and knows the messages about its unit', async () => {
    await comment(1, 'Never mind.');
    await comment(2, 'Why two?');
    await town.request('review.resolve', { thread: 'C-1', resolved: true });
    expect(await merge()).toMatchObject({ openThreads: 1, comments: 2 });
    await town.request('merge.return', { id: 'issue-1' });
    const text = await deliver();
    expect([text.includes('Why two?'), text.includes('Never mind.')]).toEqual([true, false]);
    await town.request('review.reply', { thread: 'C-2', body: 'Because.' }, toast);
    expect((await merge()).comments).toBe(3);
    await town.request('message.send', { to: toast, type: 'nudge', body: 'Something else' });
    const { messages } = await town.request('message.list', { work: 'issue-1' });
    expect(messages.map(({ id }) => id)).toContain('review_issue-1_1');
    expect(messages.some(({ body }) => body === 'Something else')).toBe(false);
  });

  test('needs something to say', async () => {
    await expect(town.request('merge.return', { id: 'issue-1' })).rejects.toThrow(
      'Say what is to be changed about issue-1',
    );
    await expect(comment(1, ' ')).rejects.toThrow('Say something');
    await expect(comment(9, 'Where?')).rejects.toThrow(/door\.txt:9 cannot be commented on.*no such line/);
    expect((await merge()).state).toBe('review');
    expect(town.work.get('issue-1').state).toBe('done');
  });

  test('whose author has ended gets a new session of its name, in the same worktree and on the same branch', async () => {
    writeFileSync(join(worktree(), 'notes.txt'), 'not committed');
    await town.manager.stop(toast);
    await town.endings.settled(toast);
    await comment(2, 'Why two?');
    expect(await town.request('merge.return', { id: 'issue-1' })).not.toHaveProperty('session');
    const order = await started();
    expect(order).toMatchObject({ sessionId: toast, cwd: worktree() });
    expect(order?.firstPrompt?.text).toContain('Why two?');
    expect(town.work.get('issue-1')).toMatchObject({ branch: 'polecat/toast/issue-1', owner: toast });
    expect(readFileSync(join(worktree(), 'notes.txt'), 'utf8')).toBe('not committed');
    expect(git(worktree(), 'branch', '--show-current')).toBe('polecat/toast/issue-1');
  });

  test('that wants another agent stops nobody where something is wrong with that', async () => {
    const back = (message: string, agent: string) => town.request('merge.return', { id: 'issue-1', message, agent });
    await expect(back('Try with another.', 'nobody')).rejects.toThrow('nobody');
    await expect(back('', 'opencode')).rejects.toThrow('Say what is to be changed');
    expect(town.registry.get(toast).state).toBe('running');
  });

  test('that wants another agent stops the author, and lets a new worker go on with its branch', async () => {
    const head = (await merge()).head;
    await town.request('merge.return', { id: 'issue-1', message: 'Try with another.', agent: 'opencode' });
    const order = await started();
    expect(town.work.get('issue-1').branch).toBe('polecat/toast/issue-1');
    expect(git(order?.cwd ?? '', 'rev-parse', 'HEAD')).toBe(head);
    expect(order?.firstPrompt?.text).toContain('Try with another.');
  });
});

describe('an approval', () => {
  beforeEach(async () => {
    await sling();
    commit('one\n');
    await done();
  });

  test("is the user's only, and holds for what they have seen", async () => {
    const { head } = await merge();
    await expect(town.request('merge.approve', { id: 'issue-1' }, toast)).rejects.toMatchObject({ code: 'denied' });
    await expect(town.request('merge.queue', { id: 'issue-1' }, toast)).rejects.toMatchObject({ code: 'denied' });
    await expect(town.request('merge.approve', { id: 'issue-1', head: 'a'.repeat(40) })).rejects.toThrow(
      'has changed since',
    );
    expect(await town.request('merge.approve', { id: 'issue-1', head })).toMatchObject({
      state: 'review',
      approvedBy: 'overseer',
    });
    expect(await town.request('merge.approve', { id: 'issue-1', merge: true })).toMatchObject({ state: 'queued' });
  });

  test('is gone with the next round', async () => {
    await town.request('merge.approve', { id: 'issue-1' });
    await town.request('merge.return', { id: 'issue-1', message: 'One more thing.' });
    await deliver();
    commit('two\n');
    await done();
    expect(await merge()).not.toHaveProperty('approvedBy');
  });

  test('is not to be had for what nobody wants any more, until it is looked at again', async () => {
    expect(await town.request('merge.discard', { id: 'issue-1', message: 'Not needed.' })).toMatchObject({
      state: 'discarded',
      why: 'Not needed.',
    });
    expect((await town.request('merge.list', {})).merges).toEqual([]);
    expect((await town.request('merge.list', { all: true })).merges).toMatchObject([{ work: 'issue-1' }]);
    await expect(town.request('merge.discard', { id: 'issue-1' })).rejects.toMatchObject({ code: 'work-conflict' });
  });
});

test('what is done stays done for everybody but a review', async () => {
  await sling();
  commit('one\n');
  await done();
  const again = { work: 'issue-1', rig: 'alpha', name: 'nux' };
  await expect(town.request('sling', again)).rejects.toMatchObject({ code: 'work-conflict' });
  await expect(town.request('work.requeue', { id: 'issue-1' })).rejects.toThrow('it cannot become queued');
  expect(town.work.get('issue-1').state).toBe('done');
});
