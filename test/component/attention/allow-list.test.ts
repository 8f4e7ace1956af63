import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowedBy, matches } from '../../../shared/attention/allow-list.ts';
import type { ToolCall } from '../../../shared/domain/activity.ts';
import { isPattern } from '../../../shared/domain/allow-pattern.ts';

const shell = (argument: string, tool = 'Bash'): ToolCall => ({ tool, argument, kind: 'shell' });
const path = (argument: string, tool = 'Edit'): ToolCall => ({ tool, argument, kind: 'path' });
const workDir = '/town/rig';
const isAllowed = (call: ToolCall, ...patterns: string[]): boolean =>
  allowedBy([call], patterns, workDir) !== undefined;

describe('a pattern', () => {
  test.each(['Bash(git status*)', 'bash(git *)', 'Read(*)', 'mcp__git__log(*)', 'Bash()', 'Bash(echo (a))'])(
    'is %s',
    (text) => {
      expect(isPattern(text)).toBe(true);
    },
  );

  test.each(['', 'Bash', 'Bash(', '(x)', 'B*(x)', '*(x)', 'Bash(x) ', ' Bash(x)'])('is not %j', (text) => {
    expect(isPattern(text)).toBe(false);
  });

  test.each([
    ['git status', 'git status', true],
    ['git status', 'git status*', true],
    ['git status -s', 'git status*', true],
    ['git push', 'git status*', false],
    ['agit status', 'git status*', false],
    ['a.b', 'a?b', false],
    ['axb', 'a.b', false],
    ['ab', 'a*b', true],
    ['aba', 'a*b', false],
    ['abcab', '*ab', true],
    ['a', 'a*a', false],
    ['a/b/c', 'a*c', true],
    ['docs/x', 'docs/**', true],
    ['', '', true],
    ['', '*', true],
    ['x', '', false],
  ])('%j has the shape %j: %s', (text, shape, expected) => {
    expect(matches(text, shape)).toBe(expected);
  });

  test('says the same as the expression in which * is .*', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.', '\\', '\n'), maxLength: 12 });
    fc.assert(
      fc.property(letters, letters, (text, shape) => {
        const pieces = shape.split('*').map((piece) => piece.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
        expect(matches(text, shape)).toBe(new RegExp(`^${pieces.join('.*')}$`, 's').test(text));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the allow-list', () => {
  test('names the patterns that were used', () => {
    const patterns = ['Bash(ls*)', 'Bash(git status*)', 'Bash(head *)'];
    expect(allowedBy([shell('git status | head -3 && git status')], patterns, workDir)).toEqual([
      'Bash(git status*)',
      'Bash(head *)',
    ]);
  });

  test('needs a pattern for everything', () => {
    expect(isAllowed(shell('git status'), 'Bash(git status*)')).toBe(true);
    expect(isAllowed(shell('git status', 'bash'), 'Bash(git status*)')).toBe(false);
    expect(isAllowed(shell('git status && rm -rf x'), 'Bash(git status*)')).toBe(false);
    expect(isAllowed(shell('git status && rm -rf x'), 'Bash(git status*)', 'Bash(rm -rf x)')).toBe(true);
    expect(allowedBy([shell('git status'), shell('rm x')], ['Bash(git status*)'], workDir)).toBeUndefined();
    expect(allowedBy([], ['Bash(*)'], workDir)).toBeUndefined();
    expect(isAllowed(shell('ls'))).toBe(false);
  });

  test('leaves what it cannot see through to the person, even where everything is allowed', () => {
    for (const line of ['a $(b)', 'a > b', 'a &', "a 'b", 'a # b', `echo ${'x'.repeat(4_000)}`])
      expect(isAllowed(shell(line), 'Bash(*)')).toBe(false);
  });

  test('knows a file by its path, also from the work dir, and follows no way upwards', () => {
    expect(isAllowed(path('/town/rig/docs/a.md'), 'Edit(docs/*)')).toBe(true);
    expect(isAllowed(path('/town/rig/docs/a.md'), 'Edit(/town/rig/docs/*)')).toBe(true);
    expect(isAllowed(path('docs/a.md', 'edit'), 'edit(docs/**)')).toBe(true);
    expect(isAllowed(path('/elsewhere/docs/a.md'), 'Edit(docs/*)')).toBe(false);
    expect(isAllowed(path('/town/rig-2/docs/a.md'), 'Edit(docs/*)')).toBe(false);
    expect(isAllowed(path('docs/../.git/config', 'edit'), 'edit(docs/**)')).toBe(false);
    expect(isAllowed(path('/town/rig/docs/../x'), 'Edit(*)')).toBe(false);
    expect(isAllowed(path('docs\\..\\x'), 'Edit(*)')).toBe(false);
  });

  test('whatever is added to an allowed command by an operator needs a pattern of its own', () => {
    const operators = fc.constantFrom(
      ' && ',
      ' || ',
      ' ; ',
      ';',
      ' | ',
      '|',
      ' & ',
      '&',
      '\n',
      ' $(',
      ' `',
      ' > ',
      ' >> ',
      ' < ',
      ' <(',
      ' |& ',
      ' # x\n',
      '\r\n',
    );
    const allowed = fc.constantFrom(
      'git status',
      'git status -s',
      "git status 'a b'",
      'git status "$HOME"',
      'git status \\;',
    );
    const other = fc.constantFrom('rm -rf /', 'x', "it's", '"', 'git push', ')', '`');
    fc.assert(
      fc.property(
        allowed,
        operators,
        other,
        fc.constantFrom('', ')', '`', "'", '"'),
        (command, operator, more, end) => {
          expect(isAllowed(shell(`${command}${operator}${more}${end}`), 'Bash(git status*)')).toBe(false);
        },
      ),
      { numRuns: 1000 },
    );
  });

  // The real judge: what bash runs of a line that was allowed.
  test('bash runs nothing of an allowed line but what a pattern allows', () => {
    const token = fc.constantFrom(
      ...[
        'run 1',
        'run 2',
        'run',
        '1',
        '2',
        ' ',
        ' ',
        "'",
        '"',
        '\\',
        '&&',
        '||',
        ';',
        '|',
        '&',
        '#',
        ' #',
        '$(',
        ')',
        '`',
        '$x',
        '${x}',
        "$'",
        '(',
        '{',
        '}',
        '!',
        '\n',
        '<<<',
        '>/dev/null',
        'if',
        'then',
        'fi',
      ],
    );
    const line = fc.array(token, { minLength: 1, maxLength: 14 }).map((tokens) => `run 1 ${tokens.join('')}`);
    fc.assert(
      fc.property(fc.array(line, { minLength: 300, maxLength: 300 }), (lines) => {
        const allowed = lines.filter((each) => isAllowed(shell(each), 'Bash(run 1*)'));
        const program =
          'run() { printf "%s\\0" "$1" >&3; }; x=2; exec 3>&1 >/dev/null 2>&1 </dev/null; for line; do (eval "$line"); done';
        const ran = execFileSync('bash', ['-c', program, 'bash', ...allowed], { encoding: 'utf8' })
          .split('\0')
          .slice(0, -1);
        expect(ran.filter((argument) => !argument.startsWith('1'))).toEqual([]);
        expect(ran.length).toBeGreaterThan(0);
      }),
      { numRuns: 5 },
    );
  });
});
