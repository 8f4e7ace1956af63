import { expect, test } from 'vitest';
import { rigTree } from '../../../extension/views/rig-tree.ts';
import { sessionTree } from '../../../extension/views/session-tree.ts';
import { context, rig, session, town } from './fixtures.ts';

test('a rig says first what there is to review, by shape and words, and nothing of it where there is nothing', () => {
  const [row] = rigTree(town({ rigs: [{ ...rig, toReview: 'a'.repeat(64) }] }), context);
  expect(row).toMatchObject({
    description: expect.stringMatching(/^settings to review · main/) as string,
    icon: { icon: 'warning' },
  });
  expect(row?.aria).toContain('settings to review');
  const [calm] = rigTree(town({ rigs: [rig] }), context);
  expect(calm).toMatchObject({ description: expect.stringMatching(/^main/) as string, icon: { icon: 'repo' } });
});

test('the main view says so, too, before how many sessions there are', () => {
  const rowOf = (changes: object) => {
    const [top] = sessionTree(town({ rigs: [{ ...rig, ...changes }], sessions: [session()] }), context);
    return top?.children.find(({ target }) => target.kind === 'rig');
  };
  expect(rowOf({ toReview: 'a'.repeat(64) })).toMatchObject({
    description: 'settings to review · 1 idle',
    icon: { icon: 'warning', color: 'list.warningForeground' },
    aria: 'rig myproject, settings to review, 1 idle',
  });
  expect(rowOf({})).toMatchObject({ description: '1 idle', icon: { icon: 'repo' }, aria: 'rig myproject, 1 idle' });
  expect(rowOf({ toReview: 'x', problem: 'it is gone' })).toMatchObject({
    description: 'it is gone',
    icon: { icon: 'warning' },
  });
});
