import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { checkWorkId } from '../../../shared/work/work-id.ts';

function isAllowed(id: string): boolean {
  try {
    checkWorkId(id);
    return true;
  } catch {
    return false;
  }
}

test.each([
  ['a..b', /"a\.\.b" cannot be a work id: its branch would end with it, and no branch may have "\.\."/],
  ['x.lock', /no branch may end with "\.lock"/],
  ['X.LOCK', /no branch may end with "\.lock"/],
  ['end.', /no branch may begin or end with "\."/],
  ['nul', /Windows has no files of that name/],
  ['aux.c', /Windows has no files of that name/],
  ['', /use letters/],
  ['-x', /beginning with a letter or digit/],
  ['.x', /beginning with a letter or digit/],
  ['a/b', /use letters/],
  ['ü', /use letters/],
  ['x'.repeat(101), /at most 100/],
])('%j is refused with the reason', (id, reason) => {
  expect(() => checkWorkId(id)).toThrow(reason);
});

test('whatever is allowed is a branch to git', () => {
  const parts = ['a', 'B', '1', '.', '..', '-', '_', 'lock', '.lock', '@', ' '];
  const ids = parts.flatMap((a) => parts.flatMap((b) => parts.map((c) => `${a}${b}${c}`)));
  const allowed = ids.filter(isAllowed);
  expect(allowed.length).toBeGreaterThan(100);
  const input = allowed
    .map((id) => `create refs/heads/polecat/toast/${id} 0000000000000000000000000000000000000001`)
    .join('\n');
  const refused = execFileSync(
    'sh',
    ['-c', 'while read -r _ ref _; do git check-ref-format "$ref" || echo "$ref"; done'],
    { input: `${input}\n`, encoding: 'utf8' },
  );
  expect(refused).toBe('');
});
