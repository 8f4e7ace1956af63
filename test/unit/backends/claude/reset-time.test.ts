import { expect, test } from 'vitest';
import { resetTime } from '../../../../shared/backends/claude/reset-time.ts';

const at = (text: string): number => Date.parse(text);

test.each([
  ['resets 3pm (UTC)', '2026-11-23T10:00:00Z', '2026-11-23T15:00:00Z'],
  ['resets 3:45pm (Europe/Berlin)', '2026-11-23T10:00:00Z', '2026-11-23T14:45:00Z'],
  ['resets 9am (UTC)', '2026-11-23T10:00:30Z', '2026-11-24T09:00:00Z'],
  ['resets at 12am (UTC)', '2026-11-23T10:00:00Z', '2026-11-24T00:00:00Z'],
  ['resets Nov 26, 3pm (UTC)', '2026-11-23T10:00:00Z', '2026-11-26T15:00:00Z'],
  ['resets Jan 2 at 3pm (UTC)', '2026-12-30T10:00:00Z', '2027-01-02T15:00:00Z'],
])('%s, said at %s, is %s', (text, now, end) => {
  const found = resetTime(`You have hit your limit · ${text}`, at(now));
  expect(found === undefined ? undefined : new Date(found).toISOString()).toBe(new Date(end).toISOString());
});

test.each(['Request rejected (429)', 'resets soon', 'resets 3pm (Nowhere/Land)', 'resets Foo 3, 3pm'])(
  '%s has no time',
  (text) => {
    expect(resetTime(text, at('2026-11-23T10:00:00Z'))).toBeUndefined();
  },
);
