import { describe, expect, test } from 'vitest';
import { judgeMessages } from '../../soak/judge-messages.ts';
import type { MessageBooks, OutboxEntry } from '../../soak/judge-messages.ts';

const entry = (change: Partial<OutboxEntry> = {}): OutboxEntry => ({
  id: 'msg_1',
  from: 'overseer',
  to: 'alpha-one',
  kind: 'nudge',
  state: 'acted',
  repeated: false,
  sentAt: 0,
  ...change,
});
const books = (
  entries: OutboxEntry[],
  times: Record<string, number>,
  more: Partial<MessageBooks> = {},
): MessageBooks => ({
  entries,
  seen: new Map(Object.entries(times).map(([id, count]) => [id, { times: count, mostInOne: count }])),
  read: new Set(),
  claimed: new Set(),
  refusedAtOnce: 0,
  stopped: new Set(['run_stopped']),
  runs: new Map([['alpha-one', 2]]),
  asked: new Map(),
  ...more,
});

describe('as it has to be', () => {
  test.each<[string, OutboxEntry, number]>([
    ['delivered, and seen once', entry(), 1],
    ['closed with a reason, and not seen', entry({ state: 'expired', reason: 'it ended' }), 0],
    ['seen twice, and marked so', entry({ repeated: true }), 2],
    ['given up in doubt, and marked so', entry({ state: 'dead', reason: 'no receipt', repeated: true }), 1],
    ['put before a session that was stopped in this moment', entry({ state: 'delivered', runId: 'run_stopped' }), 0],
    [
      'work that was put before a session which then died',
      entry({ kind: 'work', state: 'delivered', runId: 'run_failed' }),
      0,
    ],
    ['mail that waits', entry({ kind: 'mail', state: 'accepted' }), 0],
    ['mail that was announced once in each run', entry({ kind: 'mail', state: 'accepted' }), 2],
    ['mail to the user', entry({ kind: 'mail', state: 'accepted', to: 'overseer' }), 0],
  ])('%s', (_what, message, times) => {
    const { figures, problems } = judgeMessages(books([message], times === 0 ? {} : { msg_1: times }));
    expect(problems).toEqual([]);
    expect(figures).toMatchObject({ sent: 1, lost: 0, doubled: 0 });
  });

  test('a broadcast that was read with the mail', () => {
    expect(judgeMessages(books([entry({ kind: 'broadcast' })], {}, { read: new Set(['msg_1']) })).problems).toEqual([]);
  });

  test('everything is counted', () => {
    const entries = [
      entry(),
      entry({ id: 'msg_2', state: 'refused', reason: 'too many' }),
      entry({ id: 'msg_3', kind: 'mail', state: 'acted' }),
      entry({ id: 'msg_4', repeated: true }),
    ];
    const { figures } = judgeMessages(
      books(
        entries,
        { msg_1: 1, msg_4: 2 },
        { read: new Set(['msg_3']), refusedAtOnce: 2, claimed: new Set(['msg_1']) },
      ),
    );
    expect(figures).toEqual({
      sent: 6,
      delivered: 3,
      lost: 0,
      doubled: 0,
      falseReceipts: 0,
      onTheWay: 0,
      markedRepeated: 1,
      refused: 3,
    });
  });
});

describe('not as it has to be', () => {
  test.each<[string, OutboxEntry, number, string]>([
    ['delivered, says the store, but the model never saw it', entry(), 0, 'the model never saw it'],
    [
      'put before a session that was stopped later',
      entry({ state: 'acted', runId: 'run_stopped' }),
      0,
      'the model never saw it',
    ],
    ['mail that was read by nobody', entry({ kind: 'mail' }), 1, 'the model never saw it'],
    [
      'accepted for ever',
      entry({ state: 'accepted', reason: 'no receipt' }),
      0,
      'neither delivered nor closed in the end (no receipt)',
    ],
    ['closed without a reason', entry({ state: 'expired' }), 0, 'closed without a reason'],
    [
      'closed, though the model has it',
      entry({ state: 'expired', reason: 'it ended' }),
      1,
      'the model has it, but the receipt says it ended',
    ],
  ])('%s', (_what, message, times, words) => {
    const { figures, problems } = judgeMessages(books([message], times === 0 ? {} : { msg_1: times }));
    expect(problems).toEqual([expect.stringMatching(/^lost: (nudge|mail) msg_1 from overseer to alpha-one/)]);
    expect(problems[0]).toContain(words);
    expect(figures).toMatchObject({ lost: 1, doubled: 0 });
  });

  test('an accepted message that the store does not know', () => {
    const { figures, problems } = judgeMessages(books([], {}, { claimed: new Set(['msg_9']) }));
    expect(figures.lost).toBe(1);
    expect(problems[0]).toContain('msg_9');
  });

  test.each<[OutboxEntry, number]>([
    [entry(), 2],
    [entry({ kind: 'mail', state: 'accepted' }), 1],
  ])('seen three times without being marked', (message, doubled) => {
    const { figures, problems } = judgeMessages(books([message], { msg_1: 3 }));
    expect(figures).toMatchObject({ lost: 0, doubled });
    expect(problems).toEqual([expect.stringMatching(/^doubled: /)]);
  });
});

describe('receipts that came too early', () => {
  const asked = new Map([['msg_1', { first: 1_000, last: 3_000 }]]);
  const judged = (change: Partial<OutboxEntry>) =>
    judgeMessages(books([entry(change)], { msg_1: 1 }, { asked, read: new Set(['msg_1']) }));

  test('acted while the turn goes on', () => {
    const { figures, problems } = judged({ deliveredAt: 1_000, actedAt: 2_999 });
    expect(problems).toEqual([expect.stringMatching(/^false receipt: nudge msg_1 .* 1 ms before its turn was over$/)]);
    expect(figures).toMatchObject({ lost: 0, falseReceipts: 1 });
  });

  test('delivered before the model was asked', () => {
    const { figures, problems } = judged({ deliveredAt: 899, actedAt: 3_000 });
    expect(problems).toEqual([
      expect.stringMatching(/^false receipt: nudge msg_1 .* 101 ms before the model was asked$/),
    ]);
    expect(figures).toMatchObject({ lost: 0, falseReceipts: 1 });
  });

  test('delivered while the request is on its way, which is told', () => {
    const { figures, problems } = judged({ deliveredAt: 900, actedAt: 3_000 });
    expect([problems, figures]).toMatchObject([[], { falseReceipts: 0, onTheWay: 1 }]);
  });

  test.each<[string, Partial<OutboxEntry>]>([
    ['with the request, and after the last one', { deliveredAt: 1_000, actedAt: 3_000 }],
    ['of what may have come twice', { repeated: true, deliveredAt: 90, actedAt: 90 }],
    ['of mail, which is delivered by being read', { kind: 'mail', deliveredAt: 90, actedAt: 90 }],
  ])('none: %s', (_what, change) => {
    const { figures, problems } = judged(change);
    expect([problems, figures]).toMatchObject([[], { falseReceipts: 0 }]);
  });
});
