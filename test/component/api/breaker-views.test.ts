import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BreakerOf } from '../../../shared/backends/breakers.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;
beforeEach(async () => {
  town = await makeFakeTown();
});
afterEach(() => {
  town.breakers.dispose();
  town.close();
});

const fail = (of: BreakerOf): void => town.breakers.take(of, { kind: 'failed', reason: 'it is broken', final: true });

test('what is open of a rig and of an agent is shown as theirs, and says nothing against the backend', async () => {
  fail({ backend: 'opencode', rig: 'alpha' });
  fail({ backend: 'opencode', rig: '' });
  fail({ backend: 'opencode', program: 'wrapped/x@y' });
  const breaker = { state: 'open', reason: 'it is broken', until: expect.any(Number) as number };
  const { backends } = await town.request('town.snapshot', {});
  expect(backends).toEqual([
    { name: 'claude', health: 'unknown' },
    {
      name: 'opencode',
      health: 'unknown',
      parts: [
        { rig: 'alpha', breaker },
        { rig: '', breaker },
        { program: 'wrapped/x@y', breaker },
      ],
    },
  ]);
  const { checks } = await town.request('town.doctor', {});
  const told = checks.filter(({ name }) => name.startsWith('starts'));
  expect(told.map(({ name, state }) => [name, state])).toEqual([
    ['starts on opencode in rig alpha', 'warning'],
    ["starts on opencode in the town's folder", 'warning'],
    ['starts of agent wrapped/x@y', 'warning'],
  ]);
  expect(told[0]?.detail).toMatch(/^stopped: it is broken \(not before /);
});

test('what is open of the backend is told once', async () => {
  fail({ backend: 'claude' });
  town.breakers.take(
    { backend: 'claude', agent: 'opus' },
    { kind: 'limited', until: town.manager.now() + 60_000, reason: 'its limit' },
  );
  const { backends } = await town.request('town.snapshot', {});
  expect(backends[0]).toMatchObject({ health: 'failing', detail: 'it is broken', breaker: { state: 'open' } });
  expect(backends[0]).not.toHaveProperty('parts');
  expect((await town.request('town.doctor', {})).checks.filter(({ name }) => name.startsWith('starts'))).toHaveLength(
    1,
  );
  expect(town.breakers.open().map(({ of }) => of)).toEqual([
    { backend: 'claude' },
    { backend: 'claude', agent: 'opus' },
  ]);
});
