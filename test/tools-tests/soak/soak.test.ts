import { describe, expect, test } from 'vitest';
import { placesFor } from '../../soak/keeper.ts';
import { readOptions } from '../../soak/options.ts';
import { linesOf } from '../../soak/print.ts';
import { unrest } from '../../soak/rest.ts';
import type { OpenEntry } from '../../soak/rest.ts';
import type { SessionView, WorkView } from '../../../shared/channel/views.ts';
import { session, work } from '../../unit/extension/fixtures.ts';

describe('the options', () => {
  test('what is left out has a default; the seed is chosen', () => {
    expect(readOptions(['--seconds', '40'], 17)).toEqual({ seconds: 40, seed: 17, sessions: 4, keep: false });
    expect(
      readOptions(['--seconds', '40', '--seed', '5', '--sessions', '2', '--report', 'out.json', '--keep'], 17),
    ).toEqual({
      seconds: 40,
      seed: 5,
      sessions: 2,
      report: 'out.json',
      keep: true,
    });
    expect(readOptions(['--help'], 17)).toBe('help');
  });

  test.each([
    [[]],
    [['--seconds', '1']],
    [['--seconds', 'x']],
    [['--seconds', '10', '--seed', '1.5']],
    [['--seconds', '10', '--sessions', '0']],
    [['--seconds', '10', '--more']],
  ])('%j is refused', (argv) => {
    expect(() => readOptions(argv, 17)).toThrow(/--/);
  });
});

test('sessions are shared between the backends', () => {
  expect(placesFor(3)).toEqual([
    { backend: 'claude', name: 'claude-1' },
    { backend: 'opencode', name: 'opencode-1' },
    { backend: 'claude', name: 'claude-2' },
  ]);
});

describe('rest', () => {
  const idle = session({ id: 'a', runId: 'run_1' });
  const entry = (change: Partial<OpenEntry>): OpenEntry => ({
    id: 'msg_1',
    to: 'a',
    kind: 'nudge',
    state: 'accepted',
    ...change,
  });

  test.each<[string, SessionView[], WorkView[], OpenEntry[], number]>([
    ['idle sessions, and those that have ended', [idle, session({ id: 'b', state: 'failed' })], [], [], 0],
    ['a turn that is over since its run has ended', [idle], [], [entry({ state: 'delivered', runId: 'run_0' })], 0],
    ['what waits for a session that does not run', [], [], [entry({})], 0],
    [
      'units that have come to an end or are with a live session',
      [idle],
      [work({ state: 'done', owner: 'b' }), work({ state: 'stalled', owner: 'a' })],
      [],
      0,
    ],
    ['a session that starts', [session({ id: 'a', state: 'starting' })], [], [], 1],
    ['a busy session', [session({ id: 'a', activity: { kind: 'busy' } })], [], [], 1],
    ['deliveries that wait', [session({ id: 'a', queued: 2 })], [], [], 1],
    ['a message that waits for a session that runs', [idle], [], [entry({})], 1],
    ['a turn that is open', [idle], [], [entry({ state: 'delivered', runId: 'run_1' })], 1],
    ['a unit under way', [idle], [work({ state: 'running', owner: 'a' })], [], 1],
    ['a unit that is to be tried again', [idle], [work({ state: 'queued' })], [], 1],
    ['a unit that nobody works on', [idle], [work({ state: 'stalled', owner: 'b' })], [], 1],
  ])('%s', (_what, sessions, units, entries, restless) => {
    expect(unrest({ sessions, work: units }, entries)).toHaveLength(restless);
  });
});

test('the figures are told in words', () => {
  const report = {
    sessions: 4,
    seconds: 40,
    messages: {
      sent: 3,
      delivered: 2,
      lost: 0,
      doubled: 0,
      falseReceipts: 0,
      onTheWay: 1,
      markedRepeated: 1,
      refused: 1,
    },
    work: { units: 1, lost: 0, ownerless: 0, doubleOwned: 0 },
    orphans: 0,
    latencyMs: { idle: { p50: 12, p95: 80, max: 81 } },
    faults: { agentKilled: 1, serverKilled: 0, hostKilled: 2, hostReloaded: 0, sessionStopped: 0 },
  };
  expect(linesOf(report)).toEqual([
    'soak of 40 s with 4 sessions',
    'messages: 3 sent, 2 delivered, 0 lost, 0 doubled, 0 false receipts, 1 on the way, 1 marked repeated, 1 refused',
    'work:     1 units, 0 lost, 0 ownerless, 0 double owned',
    'faults:   1 agent killed, 0 server killed, 2 host killed, 0 host reloaded, 0 session stopped',
    'orphans:  0',
    'accepted to delivered, by the state of the target:',
    '  idle      p50     12 ms  p95     80 ms  max     81 ms',
  ]);
});
