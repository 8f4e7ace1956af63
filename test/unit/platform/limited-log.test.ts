import { expect, test } from 'vitest';
import { LimitedLog } from '../../../shared/platform/limited-log.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';

test('of each kind one line a minute is written, with how many there were', () => {
  const lines: string[] = [];
  let now = 0;
  const log = new LimitedLog({ ...silentLogger, warn: (line) => void lines.push(line) }, () => now);
  for (let count = 0; count < 100; count += 1) log.warn('form', `malformed ${count}`);
  log.warn('size', 'too large');
  now = 60_000;
  log.warn('form', 'malformed again');
  log.warn('form', 'and again');
  expect(lines).toEqual(['malformed 0', 'too large', 'malformed again (and 99 times since the last such line)']);
});
