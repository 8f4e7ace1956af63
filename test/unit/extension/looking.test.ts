import { expect, test } from 'vitest';
import { glance } from '../../../extension/terminals/hands.ts';
import { Looking } from '../../../extension/views/looking.ts';

test('a session is looked at for a moment after its row was selected, not for as long as the row stays selected', () => {
  const looking = new Looking();
  expect(looking.at(0)).toBeUndefined();
  looking.select('a', 1_000);
  expect([looking.at(1_000), looking.at(1_000 + glance - 1), looking.at(1_000 + glance)]).toEqual([
    'a',
    'a',
    undefined,
  ]);
  expect(looking.last).toBe('a');
  looking.select('b', 2_000);
  expect([looking.at(2_000), looking.last]).toEqual(['b', 'b']);
  looking.select(undefined, 3_000);
  expect([looking.at(3_000), looking.last]).toEqual([undefined, undefined]);
});
