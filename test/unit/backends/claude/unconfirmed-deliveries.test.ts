import { describe, expect, test } from 'vitest';
import { UnconfirmedDeliveries } from '../../../../shared/backends/claude/unconfirmed-deliveries.ts';

/** Whether it resolves before anything else happens. */
const settledAtOnce = async (settling: Promise<void>): Promise<boolean> =>
  Promise.race([settling.then(() => true), new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);

describe('what an earlier host may have given to a session', () => {
  test('is known by its mark when it is submitted, each entry once', () => {
    const handedOver = new UnconfirmedDeliveries(['msg_1', 'msg_2', 'msg_3'], undefined);
    expect(handedOver.match('[gt msg_1] Nudge from the user: a\n\n[gt msg_3] Nudge from b: c')).toEqual([
      'msg_1',
      'msg_3',
    ]);
    expect(handedOver.match('[gt msg_1] Nudge from the user: a')).toEqual([]);
    expect(handedOver.match('typed by the user')).toEqual([]);
  });

  test('what is in the conversation already is not told again', () => {
    const handedOver = new UnconfirmedDeliveries(['msg_1'], 'msg_1');
    handedOver.found('msg_1');
    expect(handedOver.match('[gt msg_1] Your work: x')).toEqual([]);
  });

  test('a first prompt is waited for until it is submitted', async () => {
    const handedOver = new UnconfirmedDeliveries(['msg_1'], 'msg_1');
    const settling = handedOver.firstSettled(60_000);
    expect(await settledAtOnce(settling)).toBe(false);
    handedOver.match('[gt msg_1] Your work: x');
    await settling;
    expect(await settledAtOnce(handedOver.firstSettled(60_000))).toBe(true);
  });

  test('one that does not come is not waited for twice', async () => {
    const handedOver = new UnconfirmedDeliveries(['msg_1'], 'msg_1');
    await handedOver.firstSettled(1);
    expect(await settledAtOnce(handedOver.firstSettled(60_000))).toBe(true);
    expect(handedOver.match('[gt msg_1] Your work: x')).toEqual(['msg_1']);
  });

  test('nothing is waited for where the first prompt had its receipt', async () => {
    expect(await settledAtOnce(new UnconfirmedDeliveries(['msg_2'], 'msg_1').firstSettled(60_000))).toBe(true);
    expect(await settledAtOnce(new UnconfirmedDeliveries([], undefined).firstSettled(60_000))).toBe(true);
  });
});
