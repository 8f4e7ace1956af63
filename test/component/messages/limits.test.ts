import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { messageLimits, messageSettings } from '../../../shared/config/message-settings.ts';
import { countedSince, expiryOf, refusalOf } from '../../../shared/messages/limits.ts';
import type { MessageKind, Priority } from '../../../shared/domain/message.ts';
import { makeCore, temporaryFolder } from '../../support/core.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { spawn } from './support.ts';

const limits = messageLimits(undefined);
const minute = 60_000;

describe('when a message that was not delivered expires', () => {
  test.each<[MessageKind, Priority, number | undefined]>([
    ['nudge', 'normal', 30],
    ['nudge', 'urgent', 120],
    ['broadcast', 'normal', 30],
    ['broadcast', 'urgent', 120],
    ['mail', 'normal', undefined],
    ['mail', 'urgent', undefined],
    ['work', 'normal', undefined],
    ['reminder', 'normal', undefined],
  ])('%s, %s: after %s minutes', (kind, priority, minutes) => {
    expect(expiryOf(kind, priority, 1000, limits)).toBe(minutes === undefined ? undefined : 1000 + minutes * minute);
  });

  test('the settings may say otherwise', () => {
    const chosen = messageLimits(messageSettings.parse({ nudge_expiry_minutes: 0.5 }));
    expect(expiryOf('nudge', 'normal', 0, chosen)).toBe(30_000);
    expect(expiryOf('nudge', 'urgent', 0, chosen)).toBe(120 * minute);
    expect(messageSettings.safeParse({ max_per_minute: 0 }).success).toBe(false);
  });
});

describe('what a session may send', () => {
  test.each([
    [29, 19, undefined],
    [30, 0, 'max_per_minute'],
    [0, 20, 'max_exchange'],
    [30, 20, 'max_per_minute'],
  ])('%s in the last minute, %s exchanged: %s', (inLastMinute, exchanged, key) => {
    const reason = refusalOf('a', 'b', { inLastMinute, exchanged }, limits);
    if (key === undefined) expect(reason).toBeUndefined();
    else expect(reason).toContain(key);
  });

  test('is counted over the last minute, and over the time of an exchange', () => {
    expect(countedSince(1_000_000, limits)).toEqual({ minute: 940_000, exchange: 400_000 });
  });
});

describe('how long a message may be', () => {
  const longest = { body: 'b'.repeat(100_000), subject: 's'.repeat(1_000) };
  const longer = [
    [
      'body',
      { ...longest, body: `${longest.body}b` },
      'The body of the message has 100001 characters; 100000 are allowed.',
    ],
    [
      'subject',
      { ...longest, subject: `${longest.subject}s` },
      'The subject of the message has 1001 characters; 1000 are allowed.',
    ],
  ] as const;
  let town: FakeTown;
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(async () => {
    town = await makeFakeTown();
    await town.request('session.spawn', { role: 'mayor' });
    folder = temporaryFolder('limits');
  });
  afterEach(() => {
    town.close();
    folder.remove();
  });

  test.each(longer)('is said where the %s is longer, over the channel', async (_part, message, said) => {
    for (const type of ['nudge', 'mail'] as const) {
      await expect(town.request('message.send', { to: 'hq-mayor', type, ...message })).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringContaining(said) as string,
      });
    }
    await expect(town.request('message.broadcast', message)).rejects.toMatchObject({ code: 'bad-input' });
    expect((await town.request('message.list', {})).messages).toEqual([]);
    expect(await town.request('message.send', { to: 'hq-mayor', type: 'mail', ...longest })).toMatchObject(longest);
  });

  test.each(longer)('is said where the %s is longer, at the orchestrator', async (_part, message, said) => {
    const core = makeCore(join(folder.path, 'town.db'));
    await spawn(core, 'alpha-toast');
    const orchestrator = core.orchestrators.get('opencode')!;
    const whole = { from: 'overseer', to: 'alpha-toast', type: 'nudge', sentAt: 0, ...message } as const;
    await expect(orchestrator.sendMessage('alpha-toast', whole)).rejects.toThrow(said);
    await expect(orchestrator.broadcastMessage(['alpha-toast'], whole)).rejects.toThrow(said);
    expect(core.store.messages.pending('alpha-toast')).toEqual([]);
    await orchestrator.sendMessage('alpha-toast', { ...whole, ...longest });
    core.store.close();
  });
});
