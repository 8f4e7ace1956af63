import { expect, test } from 'vitest';
import { simpleCommands } from '../../../shared/attention/shell.ts';

test.each([
  ['git status', ['git status']],
  ['  git   status ', ['git   status']],
  ['a && b || c | d ; e', ['a', 'b', 'c', 'd', 'e']],
  ['a&&b', ['a', 'b']],
  ["echo 'a && b' | cat", ["echo 'a && b'", 'cat']],
  ['echo "a; b" c', ['echo "a; b" c']],
  ['echo "it\'s" \'"\' \\"', ['echo "it\'s" \'"\' \\"']],
  ['find . -name x \\; ls', ['find . -name x \\; ls']],
  ['echo $HOME "$HOME" 5$', ['echo $HOME "$HOME" 5$']],
  ['git log --format=%h#1', ['git log --format=%h#1']],
  ["gt add 'a\nb' | cat", ["gt add 'a\nb'", 'cat']],
  ['gt add "a\\\nb\n; c"', ['gt add "a\\\nb\n; c"']],
])('%s', (line, commands) => {
  expect(simpleCommands(line)).toEqual(commands);
});

test.each([
  '',
  '   ',
  'a &&',
  '; a',
  'a ;; b',
  'a & b',
  'a &',
  'a |& b',
  'a $(b)',
  'a "$(b)"',
  'a `b`',
  'a "`b`"',
  'a ${b}',
  'a "${b@P}"',
  'a $((1))',
  "a $'\\'' ; b",
  'a > b',
  'a 2>&1',
  'a < b',
  'a <<EOF',
  'a <(b)',
  '(a)',
  '{ a; }',
  'a() { b; }',
  'a # b',
  '# a',
  'a;#b',
  "a 'b",
  'a "b',
  'a \\',
  'a\nb',
  "a 'b'\nc",
  "a 'b\\'\nc",
  'a \\\nb',
  "a 'b\rc'",
  'a\tb',
  'a\rb',
  'a\0b',
])('cannot be taken apart: %j', (line) => {
  expect(simpleCommands(line)).toBeUndefined();
});
