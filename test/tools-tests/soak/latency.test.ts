import { expect, test } from 'vitest';
import { latencies, percentile } from '../../soak/latency.ts';

test('percentiles by the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  expect([
    percentile(hundred, 50),
    percentile(hundred, 95),
    percentile([7], 50),
    percentile([7], 95),
    percentile([], 50),
  ]).toEqual([50, 95, 7, 7, 0]);
});

test('delays are told apart by what the target was doing when the message was sent', () => {
  const changes = [
    { session: 'a', at: 100, state: 'idle' },
    { session: 'a', at: 0, state: 'starting' },
    { session: 'a', at: 200, state: 'busy' },
    { session: 'b', at: 0, state: 'busy' },
  ];
  const sent = (to: string, sentAt: number, took: number, behind = false) => ({
    to,
    sentAt,
    deliveredAt: sentAt + took,
    behind,
  });
  expect(
    latencies(
      [
        sent('a', 50, 9),
        sent('a', 100, 1),
        sent('a', 199, 3),
        sent('a', 199, 6, true),
        sent('a', 300, 5),
        sent('b', 100, 7),
        sent('c', 1, 2),
      ],
      changes,
    ),
  ).toEqual({
    busy: { p50: 6, p95: 7, max: 7 },
    idle: { p50: 1, p95: 3, max: 3 },
    starting: { p50: 9, p95: 9, max: 9 },
    unknown: { p50: 2, p95: 2, max: 2 },
  });
});
