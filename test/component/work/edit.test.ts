import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { atWork, sling, toast } from '../reconcile/support.ts';

let town: FakeTown;
beforeEach(async () => {
  town = await makeFakeTown();
});
afterEach(() => town.close());

const show = (id: string) => town.request('work.show', { id });
const nudges = () => town.store.messages.pending(toast).filter(({ kind }) => kind === 'nudge');

describe('a unit that is changed', () => {
  test('says so in its history, and is what it was otherwise', async () => {
    await town.request('work.add', { id: 'a', description: 'Mend it', payload: { issue: 7 } });
    const before = town.work.get('a');
    await town.request('work.edit', { id: 'a', title: 'Mend the roof', priority: 0, rig: 'alpha', batch: 'Roofs' });
    expect(await show('a')).toMatchObject({
      title: 'Mend the roof',
      description: 'Mend it',
      priority: 0,
      rig: 'alpha',
      batch: 'batch-1',
      payload: { issue: 7 },
      state: 'open',
      changedAt: before.changedAt,
    });
    expect((await show('a')).history).toMatchObject([
      { state: 'open' },
      { state: 'edited', by: 'overseer', note: 'changed: title, priority, rig' },
      { state: 'edited', by: 'overseer', note: 'belongs to batch-1' },
    ]);
  });

  test('to what it says already has no entry', async () => {
    await town.request('work.add', { id: 'a', description: 'Mend it' });
    await town.request('work.edit', { id: 'a', title: 'Mend it', payload: {}, after: [] });
    expect((await show('a')).history).toHaveLength(1);
  });

  test('is put before the session that works on it, once', async () => {
    await atWork(town);
    await town.request('work.edit', { id: 'issue-1', description: 'Mend the roof.\nAll of it.' });
    await town.request('work.edit', { id: 'issue-1', priority: 1 });
    expect(nudges()).toMatchObject([
      {
        from: 'host',
        body: 'issue-1, which you work on, was changed by the user. This is what is to be done now:\nDo issue-1\n\nMend the roof.\nAll of it.',
      },
    ]);
  });

  test('is not told beside the unit itself, where the session has not had that yet', async () => {
    await town.request('session.spawn', { role: 'polecat', rig: 'alpha', name: 'toast' });
    town.busy(toast);
    await town.request('work.add', { id: 'b', description: 'Mend it' });
    await town.request('work.assign', { id: 'b', session: toast });
    await town.request('work.edit', { id: 'b', description: 'Mend the roof' });
    expect(nudges()).toEqual([]);
  });

  test('stays where it has been begun, and as it is when it is over', async () => {
    await sling(town);
    await expect(town.request('work.edit', { id: 'issue-1', rig: '' })).rejects.toThrow(/has been begun in alpha/);
    await town.request('work.cancel', { id: 'issue-1' });
    await expect(town.request('work.edit', { id: 'issue-1', title: 'x' })).rejects.toMatchObject({ code: 'refused' });
  });

  test('is changed by those who dispatch, and by who has added it', async () => {
    await atWork(town);
    await town.request('work.add', { id: 'mine', description: 'x' }, toast);
    await town.request('work.edit', { id: 'mine', title: 'Better' }, toast);
    await expect(town.request('work.edit', { id: 'issue-1', title: 'Easy' }, toast)).rejects.toMatchObject({
      code: 'denied',
    });
    await expect(town.request('work.depend', { id: 'issue-1', on: ['mine'] }, toast)).rejects.toMatchObject({
      code: 'denied',
    });
    expect(town.work.get('issue-1').title).toBe('Do issue-1');
  });

  test('that its session has reported as failed is still failed by it', async () => {
    town.settings.value.failure_policy = { work_failure: 'escalate' };
    await atWork(town);
    town.reconciler.dispose();
    await town.request('work.done', { status: 'failed', message: 'no' }, toast);
    await town.request('work.edit', { id: 'issue-1', priority: 0 });
    expect(town.store.work.lastMove('issue-1')).toMatchObject({ state: 'failed', by: toast });
  });
});

describe('a document', () => {
  const add = (text: string, by?: string) =>
    town.request('work.import', { documents: [{ name: 'wish.md', text }] }, by);

  test('adds its units, with what they wait for and belong to', async () => {
    const { work } = await add(
      '---\nid: door\nrig: alpha\nafter: [frame]\nbatch: House\npayload: {"issue": 7}\n---\n# Hang the door\n\nWith three hinges.\n' +
        '---\nid: frame\npriority: 0\nbatch: House\n---\nBuild the frame\n',
    );
    expect(work).toMatchObject([
      {
        id: 'door',
        title: 'Hang the door',
        description: 'With three hinges.',
        rig: 'alpha',
        after: ['frame'],
        batch: 'batch-1',
      },
      { id: 'frame', title: 'Build the frame', priority: 0, batch: 'batch-1' },
    ]);
    expect((await show('door')).payload).toEqual({ issue: 7 });
  });

  test.each([
    ['---\nid: a\n---\nA\n---\nid: a\n---\nB', /^wish\.md:5: There is a work unit a already/],
    ['---\nid: a\nbatch: X\n---\nA\n---\nid: b\nafter: [c]\n---\nB', /^wish\.md:6: There is no work unit "c"/],
    ['---\nid: a\nafter: [b]\n---\nA\n---\nid: b\nafter: [a]\n---\nB', /^wish\.md:6: .*\(b -> a -> b\)/],
    ['---\nid: a\nrig: alhpa\n---\nA', /^wish\.md:1: There is no rig "alhpa".*Did you mean "alpha"/],
    ['---\nid: a\n---\nA\n---\nrig: alpha\n---\n', /^wish\.md:5: this unit says nothing/],
  ])('adds nothing where one of them cannot be added: %j', async (text, message) => {
    await expect(add(text)).rejects.toThrow(message);
    expect(town.store.work.all()).toEqual([]);
    expect(town.store.batches.all()).toEqual([]);
  });

  test('changes a unit: what it does not say stays, what is empty goes', async () => {
    await add('---\nid: a\n---\nA\n---\nid: b\nrig: alpha\nafter: [a]\nbatch: X\npriority: 1\n---\nB');
    const edit = (text: string) => town.request('work.edit', { id: 'b', document: { name: 'b.md', text } });
    expect(await edit('---\nid: b\nafter:\nbatch:\n---\n\nMore of B\n')).toMatchObject({
      title: 'B',
      description: 'More of B',
      rig: 'alpha',
      priority: 1,
    });
    expect(await show('b')).not.toHaveProperty('after');
    expect(await show('b')).not.toHaveProperty('batch');
    await expect(edit('---\nid: a\n---\nx')).rejects.toThrow('b.md:1: this is a, not b');
    await expect(edit('x\n---\nid: b\n---\ny')).rejects.toThrow('b.md:2: a second unit begins here');
  });
});
