import { GasTownError } from '../platform/errors.ts';
import type { MessageKind, Priority } from '../domain/message.ts';
import type { MessageLimits } from '../config/message-settings.ts';

const minute = 60_000;

/** What is longer belongs into a file: a model has to read it at once, every window gets it. In characters. */
const maxLengths = { subject: 1_000, body: 100_000 } as const;

/** Throws `bad-input` where a text of a message is longer than one may be. */
export function requireBounded(message: { subject: string; body: string }): void {
  for (const part of ['subject', 'body'] as const) {
    const { length } = message[part];
    if (length <= maxLengths[part]) continue;
    throw new GasTownError(
      'bad-input',
      `The ${part} of the message has ${length} characters; ${maxLengths[part]} are allowed. Write it into a file, and name that in the message.`,
    );
  }
}

/** Pure. When an entry that has not been delivered is given up; undefined: never. Gas Town's times for nudges (gastown.md §2.9). */
export function expiryOf(
  kind: MessageKind,
  priority: Priority,
  sentAt: number,
  limits: MessageLimits,
): number | undefined {
  if (kind !== 'nudge' && kind !== 'broadcast') return undefined;
  return sentAt + (priority === 'urgent' ? limits.urgentExpiryMinutes : limits.nudgeExpiryMinutes) * minute;
}

/** What a session has sent lately; refused messages do not count. */
export interface SentLately {
  /** In the last minute, to anybody. */
  inLastMinute: number;
  /** Between the two, both ways, in the last `exchangeMinutes`. */
  exchanged: number;
}

/** Since when `SentLately` counts, in epoch milliseconds. */
export function countedSince(now: number, limits: MessageLimits): { minute: number; exchange: number } {
  return { minute: now - minute, exchange: now - limits.exchangeMinutes * minute };
}

/**
 * Pure. Why a session may not send this now, with what it should do instead; undefined where it may. Two models that
 * answer each other's every message would go on for ever, at the user's cost.
 */
export function refusalOf(from: string, to: string, lately: SentLately, limits: MessageLimits): string | undefined {
  if (lately.inLastMinute >= limits.maxPerMinute) {
    return (
      `${from} has sent ${lately.inLastMinute} messages in the last minute, and ${limits.maxPerMinute} are allowed ` +
      "(messages.max_per_minute in the town's settings). Wait a minute, and say more in one message instead of many."
    );
  }
  if (lately.exchanged >= limits.maxExchange) {
    return (
      `${from} and ${to} have exchanged ${lately.exchanged} messages in ${limits.exchangeMinutes} minutes; ` +
      `${limits.maxExchange} are allowed (messages.max_exchange in the town's settings), so that no two agents talk in circles. ` +
      'Go on with your work without an answer, or ask the user: gt mail send overseer.'
    );
  }
  return undefined;
}
