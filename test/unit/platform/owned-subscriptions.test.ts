import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');
/** A listener is given to an event of ours, or of the editor's. */
const subscription = /^\s*(?:[\w$.!?]+\.)?(?:onDid[A-Z]\w*|(?:events|asks)\.on[A-Z]\w*)\((?!\))/;
/** Its result goes to whatever the line before has begun. */
const isTaken = (before: string): boolean => /[([,=]$|\breturn$|=>$/.test(before.trimEnd());

test('every subscription has an owner, on the line that makes it [holds 10]', () => {
  const files = ['shared', 'extension'].flatMap((room) => globSync(`${room}/**/*.ts`, { cwd: root }));
  const alone = files.flatMap((file) => {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    return lines.flatMap((line, index) =>
      subscription.test(line) && !isDeclaration(line) && !isTaken(lines[index - 1] ?? '')
        ? [`${file}:${index + 1}: ${line.trim()}`]
        : [],
    );
  });
  expect(files.length).toBeGreaterThan(200);
  expect(alone).toEqual([]);
});

/** The event itself, as a method: `onDidChange(listener: …): Disposable`. */
const isDeclaration = (line: string): boolean => /\): Disposable( \{|;)$/.test(line.trimEnd());
