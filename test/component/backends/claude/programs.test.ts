// What an agent's program is, whatever its name: Claude Code, something that starts it, or neither.

import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ClaudePrograms } from '../../../../shared/backends/claude/version.ts';
import type { ClaudeProgram } from '../../../../shared/backends/claude/version.ts';

let folder: string;
let programs: ClaudePrograms;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'gt-programs-')));
  mkdirSync(join(folder, 'bin'));
  programs = new ClaudePrograms();
  // As Claude Code does, it takes the option at any place.
  put('claude', 'case " $* " in *" --version "*) echo "2.1.330 (Claude Code)";; *) echo "started: $*"; exit 1;; esac');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, body: string): string {
  const file = join(folder, 'bin', name);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

function find(command: string, args: string[] = []): Promise<ClaudeProgram> {
  const PATH = [join(folder, 'bin'), '/usr/bin', '/bin'].join(delimiter);
  return programs.find({ name: 'mine', command, args }, { PATH }, folder);
}

describe('taken', () => {
  test.each<[string, string, string[]]>([
    ['Claude Code itself', 'claude', ['--model', 'opus']],
    ['env with a variable', 'env', ['FOO=1', 'claude', '--dangerously-skip-permissions']],
    ['a shell that passes everything on', 'bash', ['-c', 'exec claude "$@"', 'claude', '--model', 'opus']],
    ['a program with options of its own', 'nice', ['-n', '1', '--', 'claude']],
  ])('%s', async (_what, command, args) => {
    expect((await find(command, args)).version).toBe('2.1.330');
  });

  test.each([
    ['that is only called', [], 'exec claude --model opus "$@"'],
    ['with arguments of its own', ['work', '--model', 'opus'], 'shift; exec claude "$@"'],
  ])('a wrapper script %s', async (_what, args, body) => {
    const path = put('mine', body);
    expect(await find('mine', args)).toEqual({ path, version: '2.1.330' });
  });
});

describe('refused with the true reason', () => {
  test.each<[string, string, string[], RegExp]>([
    ['another program', 'bash', [], /bash is not Claude Code, and does not start it .*bash --version" said: GNU bash/s],
    ['env without a program', 'env', ['FOO=1'], /env is not Claude Code, and does not start it/],
    ['env with one that is missing', 'env', ['FOO=1', 'no-claude'], /env is not Claude Code.*said: .*no-claude/s],
    [
      'a shell that keeps the arguments',
      'bash',
      ['-c', 'exec claude', 'claude'],
      /does not start it with the arguments that it is given.*said: started:.*pass all arguments on/s,
    ],
  ])('%s', async (_what, command, args, words) => {
    await expect(find(command, args)).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringMatching(words),
    });
  });

  test('a program that has a version, but is none of Claude Code', async () => {
    put('mine', 'echo 10.2.0');
    await expect(find('mine')).rejects.toMatchObject({ code: 'bad-config' });
  });

  test("an argument of Claude Code's that a session cannot have, behind a wrapper too", async () => {
    await expect(find('env', ['FOO=1', 'claude', '--print'])).rejects.toThrow('the argument --print cannot be used');
    await expect(find('claude', ['-c'])).rejects.toThrow('the argument -c cannot be used');
  });

  test('what is wrong with the Claude Code that a wrapper starts is said of that', async () => {
    put('claude', 'echo "1.0.33 (Claude Code)"');
    await expect(find('env', ['FOO=1', 'claude'])).rejects.toMatchObject({ code: 'agent-too-old' });
  });

  test('a program that fails by itself says why', async () => {
    put('claude', 'echo "no memory" >&2; exit 3');
    await expect(find('claude', ['--model', 'opus'])).rejects.toMatchObject({
      code: 'spawn-failed',
      message: expect.stringContaining('--version failed: no memory'),
    });
  });

  test('one that is not there', async () => {
    await expect(find('no-claude')).rejects.toMatchObject({ code: 'agent-missing' });
  });
});
