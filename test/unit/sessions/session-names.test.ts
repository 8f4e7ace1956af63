import { expect, test } from 'vitest';
import { SessionNames } from '../../../shared/sessions/session-names.ts';

const toast = { role: 'polecat', rig: 'alpha', name: 'toast' } as const;

test("a name is one start's until that lets go of it, in whatever case it is written", () => {
  const names = new SessionNames(() => undefined);
  const first = names.reserve(toast);
  expect(first).toMatchObject({ ...toast, id: 'alpha-toast' });
  expect(() => names.reserve({ ...toast, name: 'Toast' })).toThrow('alpha-toast is being started already');
  expect(names.list().map(({ id }) => id)).toEqual(['alpha-toast']);
  names.reserve({ ...toast, rig: 'beta' });
  first.dispose();
  expect(names.has('alpha-toast')).toBe(false);
  const second = names.reserve({ ...toast, name: 'Toast' });
  // The end of an earlier start takes nothing from a later one.
  first.dispose();
  expect(names.has(second.id)).toBe(true);
});

test('a name whose session lives is not to be had', () => {
  const names = new SessionNames((id) => ({ id, state: 'running' }));
  expect(() => names.reserve(toast)).toThrow('There is a session named alpha-toast already (running)');
  expect(names.list()).toEqual([]);
});
