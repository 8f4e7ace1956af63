import { describe, expect, test } from 'vitest';
import { allWaits, waitsOf } from '../../../shared/attention/waits.ts';
import { waitChanges } from '../../../shared/attention/wait-changes.ts';
import type { OpenWait } from '../../../shared/attention/wait-changes.ts';
import { ask, asking, session } from '../extension/fixtures.ts';

const open = (id: string): OpenWait => ({ id, title: id, since: 1 });
const none: ReadonlySet<string> = new Set();
const dialog = asking([], { cause: 'Claude asks whether to trust /x' });

describe('waits', () => {
  test('each ask is one, with all there is to know; a dialog is one that only the terminal explains', () => {
    expect(waitsOf(asking([ask(), ask({ id: 'ask-2', kind: 'question', options: ['Red'] })]))).toEqual([
      {
        session: 'myproject-worker-1',
        runId: 'run-1',
        ask: 'ask-1',
        kind: 'permission',
        title: 'Bash: npm test',
        detail: 'npm test',
        options: [],
        resolvable: true,
        atAGlance: true,
        since: ask().since,
      },
      expect.objectContaining({ ask: 'ask-2', kind: 'question', options: ['Red'] }),
    ]);
    expect(waitsOf(dialog)).toEqual([
      expect.objectContaining({ kind: 'dialog', title: 'Claude asks whether to trust /x', resolvable: false }),
    ]);
    expect(waitsOf({ ...dialog, state: 'starting' })).toHaveLength(1);
    expect(waitsOf(asking([ask()], { state: 'failed' }))).toEqual([]);
    expect(waitsOf(session())).toEqual([]);
  });

  test('of all sessions, the oldest first', () => {
    const sessions = [
      asking([ask({ since: 5 })], { id: 'b' }),
      asking([ask({ since: 3 })], { id: 'c' }),
      asking([ask({ since: 5 })], { id: 'a' }),
    ];
    expect(allWaits(sessions).map((wait) => wait.session)).toEqual(['c', 'a', 'b']);
  });
});

describe('what has begun and ended', () => {
  const changes = (...given: Parameters<typeof waitChanges>): string[] => {
    const { opened, closed } = waitChanges(...given);
    return [...opened.map((wait) => `+${wait.ask ?? 'dialog'}`), ...closed.map(({ id }) => `-${id}`)];
  };

  test.each([
    ['a new ask', [], asking([ask()]), none, ['+ask-1']],
    ['the same ask', [open('ask-1')], asking([ask()]), none, []],
    ['another ask', [open('ask-1')], asking([ask({ id: 'ask-2' })]), none, ['+ask-2', '-ask-1']],
    ['nothing asked', [open('ask-1')], session({ activity: { kind: 'busy' } }), none, ['-ask-1']],
    ['not known what it does', [open('ask-1')], session({ activity: { kind: 'unknown' } }), none, []],
    [
      'a new host that has not taken it up',
      [open('ask-1')],
      session({ state: 'starting', activity: { kind: 'unknown' } }),
      none,
      [],
    ],
    [
      'answered, and what then is not known',
      [open('ask-1')],
      session({ activity: { kind: 'unknown' } }),
      new Set(['ask-1']),
      ['-ask-1'],
    ],
    ['ended', [open('ask-1')], session({ state: 'failed' }), none, ['-ask-1']],
    ['a dialog', [], dialog, none, ['+dialog']],
    ['a dialog that is recorded', [open('dialog')], dialog, none, []],
    ['an ask whose hook was lost with the host', [open('ask-1')], dialog, none, []],
    ['a dialog after an answer', [open('ask-1')], dialog, new Set(['ask-1']), ['+dialog', '-ask-1']],
    ['no dialog any more', [open('dialog')], session(), none, ['-dialog']],
  ] as const)('%s', (_what, before, now, answered, expected) => {
    expect(changes(before, now, answered)).toEqual(expected);
  });
});
