import { expect, test } from 'vitest';
import { rigTree } from '../../../extension/views/rig-tree.ts';
import { context, rig, town } from './fixtures.ts';

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
