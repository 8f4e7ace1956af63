import * as z from 'zod/mini';

/** What is in force where the settings say nothing. */
const defaults = {
  max_per_minute: 30,
  max_exchange: 20,
  exchange_minutes: 10,
  nudge_expiry_minutes: 30,
  urgent_expiry_minutes: 120,
} as const;

const count = (does: string, value: number) =>
  z.optional(z.int().check(z.minimum(1), z.describe(`${does} ${value} when absent.`)));
const minutes = (does: string, value: number) =>
  z.optional(z.number().check(z.positive(), z.maximum(43_200), z.describe(`${does} ${value} when absent.`)));

/** `messages` in the town's settings. */
export const messageSettings = z.looseObject({
  max_per_minute: count(
    'How many messages a session may send in a minute; a broadcast counts once. What you send yourself is not counted.',
    defaults.max_per_minute,
  ),
  max_exchange: count(
    'How many messages two sessions may exchange, both ways together, within `exchange_minutes`.',
    defaults.max_exchange,
  ),
  exchange_minutes: minutes('The time over which `max_exchange` counts.', defaults.exchange_minutes),
  nudge_expiry_minutes: minutes(
    'After how long a nudge or broadcast that was not delivered expires.',
    defaults.nudge_expiry_minutes,
  ),
  urgent_expiry_minutes: minutes('The same for urgent ones.', defaults.urgent_expiry_minutes),
});

/** Pure. */
export function messageLimits(settings: z.output<typeof messageSettings> | undefined): MessageLimits {
  const value = { ...defaults, ...settings };
  return {
    maxPerMinute: value.max_per_minute ?? defaults.max_per_minute,
    maxExchange: value.max_exchange ?? defaults.max_exchange,
    exchangeMinutes: value.exchange_minutes ?? defaults.exchange_minutes,
    nudgeExpiryMinutes: value.nudge_expiry_minutes ?? defaults.nudge_expiry_minutes,
    urgentExpiryMinutes: value.urgent_expiry_minutes ?? defaults.urgent_expiry_minutes,
  };
}

/** What `messages` in the town's settings says, with what is in force where it says nothing. */
export interface MessageLimits {
  /** Messages that one session may send per minute; a broadcast counts once. */
  maxPerMinute: number;
  /** Messages that two sessions may exchange within `exchangeMinutes`, both ways together. */
  maxExchange: number;
  exchangeMinutes: number;
  nudgeExpiryMinutes: number;
  urgentExpiryMinutes: number;
}
