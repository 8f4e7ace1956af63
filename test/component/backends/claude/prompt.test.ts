import { readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { firstPromptOf, promptOf } from '../../../../shared/backends/claude/prompt.ts';
import { temporaryFolder } from '../../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder('prompt');
});
afterEach(() => folder.remove());

const delivery = (text: string) => ({ id: 'msg_1', text, heading: '[gt msg_1] A unit of work from overseer.' });
const fileIn = (prompt: string): string => /Read all of (\S+) now/.exec(prompt)?.[1] ?? '';

describe('the prompt that is an argument of the program, which everybody on the machine can see', () => {
  it('is the text where it is short', async () => {
    expect(await firstPromptOf({ runDir: folder.path }, delivery('Fix issue-1'))).toBe('Fix issue-1');
  });

  it.each([2_001, 29_000])(
    'of %i bytes is a file of the run that only the user can read, named in its place',
    async (length) => {
      const text = 'secret '.repeat(length).slice(0, length - 1) + '.';
      const prompt = await firstPromptOf({ runDir: folder.path }, delivery(text));
      expect(prompt).not.toContain('secret');
      expect(prompt).toContain('[gt msg_1] A unit of work from overseer.');
      expect(readFileSync(fileIn(prompt), 'utf8')).toBe(text);
      expect(statSync(fileIn(prompt)).mode & 0o777).toBe(0o600);
    },
  );

  it('has the marks and the file alone where what it is and whose is long, too', async () => {
    const long = {
      ...delivery('secret '.repeat(5_000)),
      heading: `[gt msg_1] ${'secret '.repeat(5_000)}`,
      carries: ['msg_1', 'msg_2'],
    };
    const prompt = await firstPromptOf({ runDir: folder.path }, long);
    expect(Buffer.byteLength(prompt)).toBeLessThan(2_000);
    expect(prompt).toMatch(/^\[gt msg_1\]\n\[gt msg_2\]\nIt is long/);
    expect(readFileSync(fileIn(prompt), 'utf8')).toBe(long.text);
  });

  it('counts what is said of a text that cannot be typed as it is, too', async () => {
    const text = `\t${'secret '.repeat(280)}`;
    expect(Buffer.byteLength(text)).toBeLessThan(2_000);
    const prompt = await firstPromptOf({ runDir: folder.path }, delivery(text));
    expect(prompt).not.toContain('secret');
    expect(readFileSync(fileIn(prompt), 'utf8')).toBe(text);
  });

  it('is no rule for what is typed, which nobody else sees', async () => {
    const text = 'x'.repeat(29_000);
    expect(await promptOf({ runDir: folder.path }, delivery(text))).toBe(text);
  });
});
