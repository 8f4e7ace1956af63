import { expect, test } from 'vitest';
import { excessOf } from '../../../shared/channel/frame-bounds.ts';

const excess = (json: string) => excessOf(Buffer.from(json));

test.each([
  ['deep lists', '['.repeat(65)],
  ['deep objects', '{"a":'.repeat(65)],
])('%s are too much before anything is made of them', (_what, json) => {
  expect(excess(json)).toBe('more than 64 levels deep');
});

test.each([
  ['numbers', `[${'1,'.repeat(100_001)}1]`],
  ['lists', `[${'[]'.repeat(100_001)}]`],
])('many %s are too much', (_what, json) => {
  expect(excess(json)).toBe('more than 100000 values');
});

test.each([
  ['what stands in a text', JSON.stringify({ text: '[{,'.repeat(200_000) })],
  ['a text with quotes and backslashes', JSON.stringify({ text: '"[\\"'.repeat(1000), more: '\\' })],
  ['lists beside each other', `[${Array.from({ length: 1000 }, () => '[[]]').join(',')}]`],
])('%s does not count', (_what, json) => {
  expect(excess(json)).toBeUndefined();
});
