import { expect, test } from 'vitest';
import { namedFiles, textsIn, wordsOf } from '../../../shared/merge/named-paths.ts';

const files = ['src/a.ts', 'src/b c.ts', 'packages/web/src/x.ts', 'README.md'];
const named = (text: string, below = ''): string[] => namedFiles(files, wordsOf([text]), below);

test.each([
  'Mend src/a.ts.',
  '`src/a.ts:12-14`:',
  'See (src/a.ts:3:7), please',
  '[here](src/a.ts#L3-L9)',
  '"./src/a.ts"',
  '@src/a.ts!',
  String.raw`src\a.ts`,
])('a text names a file: %s', (text) => {
  expect(named(text)).toEqual(['src/a.ts']);
});

test.each(['a.ts', 'lib/src/a.ts', 'src/a.tsx', 'src/', 'src/A.ts', ''])('and does not name it: %s', (text) => {
  expect(named(text)).toEqual([]);
});

test('a text that is nothing else may have blanks; in a rig that is a folder names may begin there', () => {
  expect(named('src/b c.ts')).toEqual(['src/b c.ts']);
  expect(named('Mend src/x.ts', 'packages/web')).toEqual(['packages/web/src/x.ts']);
  expect(named('Mend packages/web/src/x.ts', 'packages/web')).toEqual(['packages/web/src/x.ts']);
  expect(named('Mend src/x.ts', 'packages/we')).toEqual([]);
});

test('texts are found at any depth of a payload', () => {
  expect([...textsIn({ a: ['x', { b: 'y', c: 1 }], d: null })]).toEqual(['x', 'y']);
});
