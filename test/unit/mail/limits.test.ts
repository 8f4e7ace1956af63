import { describe, expect, test } from 'vitest';
import { messageLimits, messageSettings } from '../../../shared/config/message-settings.ts';
import { countedSince, expiryOf, refusalOf } from '../../../shared/mail/limits.ts';
import type { MessageKind, Priority } from '../../../shared/mail/message.ts';

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
