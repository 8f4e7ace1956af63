import fc from 'fast-check';
import { expect, test } from 'vitest';
import { moveLine, parseHunks } from '../../../shared/merge/move-line.ts';
import type { Hunk } from '../../../shared/merge/move-line.ts';

test.each([
  ['@@ -3 +3 @@', [{ from: 3, removed: 1, to: 3, added: 1 }]],
  [
    'diff --git a/x b/x\n@@ -2,0 +3,2 @@ function\n+one\n+two\n@@ -9,2 +11,0 @@',
    [
      { from: 2, removed: 0, to: 3, added: 2 },
      { from: 9, removed: 2, to: 11, added: 0 },
    ],
  ],
  ['', []],
])('reads the heads of hunks: %j', (diff, hunks) => {
  expect(parseHunks(diff)).toEqual(hunks);
});

test('a line goes along with what is put in or taken away before it, and is gone with its own change', () => {
  const hunks = parseHunks('@@ -2,0 +3,2 @@\n@@ -9,2 +11,0 @@\n@@ -20 +20,3 @@');
  const moved = [1, 2, 3, 8, 9, 10, 11, 19, 20, 21].map((line) => moveLine(hunks, line));
  expect(moved).toEqual([1, 2, 5, 10, undefined, undefined, 11, 19, undefined, 23]);
});

test('a line that was not changed has the same text afterwards, whatever was changed around it', () => {
  const edit = fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(4)), { maxLength: 8 });
  fc.assert(
    fc.property(edit, (edits) => {
      // From the edits: the lines before, and after, each line with a name of its own.
      const before: string[] = [];
      const after: string[] = [];
      const hunks: Hunk[] = [];
      for (const [kept, removed, added] of edits) {
        for (let n = 0; n <= kept; n += 1) {
          after.push(`line ${before.length}`);
          before.push(`line ${before.length}`);
        }
        if (removed === 0 && added === 0) continue;
        const from = removed === 0 ? before.length : before.length + 1;
        hunks.push({ from, removed, to: added === 0 ? after.length : after.length + 1, added });
        for (let n = 0; n < removed; n += 1) before.push(`line ${before.length}`);
        for (let n = 0; n < added; n += 1) after.push(`new ${after.length}`);
      }
      before.forEach((text, index) => {
        const line = moveLine(hunks, index + 1);
        expect(line === undefined ? undefined : after[line - 1]).toBe(after.includes(text) ? text : undefined);
      });
    }),
  );
});
