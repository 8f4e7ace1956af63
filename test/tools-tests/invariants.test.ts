import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const text = (file: string): string => readFileSync(join(root, file), 'utf8');
const numbersIn = (of: string, pattern: RegExp): number[] =>
  [...of.matchAll(pattern)].map(([, number]) => Number(number));

/** The numbers of 'What always holds' in the architecture. */
const [, section = ''] = /^## What always holds\n(.*?)^## /ms.exec(text('docs/developer/architecture.md')) ?? [];
const held = numbersIn(section, /^(\d+)\. \*\*/gm);

const titles = globSync('test/**/*.test.ts', { cwd: root })
  .flatMap((file) => text(file).split('\n'))
  .filter((line) => /^\s*(?:describe|test|it)\b.*\(/.test(line));
const named = titles.flatMap((title) => numbersIn(title, /\[holds (\d+)\]/g));

test('the architecture numbers what always holds without a gap', () => {
  expect(held.length).toBeGreaterThan(0);
  expect(held).toEqual(held.map((_, index) => index + 1));
});

test.each(held)('a test proves what always holds by number %i', (number) => {
  expect(named).toContain(number);
});

test('every number that a test names is one of those', () => {
  expect(named.filter((number) => !held.includes(number))).toEqual([]);
});
