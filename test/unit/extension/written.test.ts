import { describe, expect, test } from 'vitest';
import { written } from '../../../extension/views/written.ts';

/** A document that the editor answers so, one save after the other; `true` has written it. */
function document(...answers: readonly boolean[]) {
  const left = [...answers];
  const it = { isDirty: true, saves: 0, save: async () => false };
  it.save = async () => {
    it.saves += 1;
    const saved = left.shift() ?? false;
    if (saved) it.isDirty = false;
    return saved;
  };
  return it;
}

describe('the user saves', () => {
  test('while the editor has just begun to do so by itself: it is asked again until that is through', async () => {
    const first = document(false, true);
    expect([await written(first), first.saves]).toEqual([true, 2]);
    const done = document();
    done.save = async () => {
      done.isDirty = false;
      return false;
    };
    expect(await written(done)).toBe(true);
  });

  test('what the editor has written already: nothing is saved again', async () => {
    const clean = document();
    clean.isDirty = false;
    expect([await written(clean), clean.saves]).toEqual([true, 0]);
  });

  test('over what somebody else has changed: the editor says no, and is not asked for ever', async () => {
    const conflict = document();
    expect([await written(conflict), conflict.saves < 10]).toEqual([false, true]);
  });
});
