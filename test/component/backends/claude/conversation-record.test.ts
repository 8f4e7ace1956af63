import { execFileSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import type * as Fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConversationRecord } from '../../../../shared/backends/claude/conversation-record.ts';
import { FolderWatch } from '../../../../shared/backends/claude/folder-watch.ts';
import { silentLogger } from '../../../../shared/platform/logger.ts';
import { temporaryFolder } from '../../../support/core.ts';
import { patience } from '../../../support/patience.ts';

/** Why the system lets nobody watch. */
let refusal: Error | undefined;
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof Fs>();
  const watch = (...args: Parameters<typeof fs.watch>) => {
    if (refusal) throw refusal;
    return fs.watch(...args);
  };
  return { ...fs, watch };
});

let folder: ReturnType<typeof temporaryFolder>;
let warnings: string[];
const log = { ...silentLogger, warn: (line: string) => void warnings.push(line) };
beforeEach(() => {
  folder = temporaryFolder('record');
  refusal = undefined;
  warnings = [];
});
afterEach(() => {
  vi.useRealTimers();
  folder.remove();
});

const lineOf = (text: string): string =>
  `${JSON.stringify({ type: 'user', timestamp: '2026-11-23T09:55:19.901Z', message: { content: text } })}\n`;

function recordAt(file: string | undefined, find = async (): Promise<string | undefined> => undefined) {
  const told: string[] = [];
  const record = new ConversationRecord({ find, tell: ({ text }) => void told.push(text), log });
  if (file !== undefined) record.isAt(file);
  return { record, told };
}

describe('where nothing can be watched', () => {
  beforeEach(() => {
    refusal = Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), { code: 'ENOSPC' });
  });

  test('the record is still read at each look, and that is told once', async () => {
    const file = join(folder.path, 'one.jsonl');
    writeFileSync(file, lineOf('first'));
    const { record, told } = recordAt(file);
    await record.follow();
    appendFileSync(file, lineOf('second'));
    await record.follow();
    expect(told).toEqual(['first', 'second']);
    expect(warnings).toEqual([expect.stringContaining(`${folder.path} cannot be watched`)]);
    record.rest();
  });

  test('the folder is looked at every second, and watched as soon as that can be', async () => {
    vi.useFakeTimers();
    const looks: (string | undefined)[] = [];
    const watch = new FolderWatch(folder.path, log, (name) => void looks.push(name));
    await watch.begin();
    vi.advanceTimersByTime(1000);
    await vi.waitFor(() => expect(looks).toEqual([undefined]), { timeout: patience() });
    expect(warnings).toHaveLength(1);
    refusal = undefined;
    vi.advanceTimersByTime(1000);
    await vi.waitFor(() => expect(looks).toEqual([undefined, undefined]), { timeout: patience() });
    expect(vi.getTimerCount()).toBe(0);
    writeFileSync(join(folder.path, 'x'), '');
    await vi.waitFor(() => expect(looks).toContain('x'), { timeout: patience() });
    watch.dispose();
  });
});

test('a record that cannot be looked for is a warning, and no unhandled rejection', async () => {
  const { record, told } = recordAt(undefined, async () => Promise.reject(new Error('EACCES: projects')));
  await record.follow();
  expect(told).toEqual([]);
  expect(warnings).toEqual([expect.stringContaining('EACCES: projects')]);
});

test('a line that does not end is passed over, and what follows is told', async () => {
  const file = join(folder.path, 'one.jsonl');
  writeFileSync(file, `${lineOf('first')}{"type":"user","message":"${'x'.repeat(17 * 1024 * 1024)}`);
  const { record, told } = recordAt(file);
  await record.look();
  appendFileSync(file, `still the same"}\n${lineOf('second')}`);
  await record.look();
  expect(told).toEqual(['first', 'second']);
  expect(warnings).toEqual([expect.stringContaining('longer than 16777216 characters')]);
});

test('a line may come in pieces, and a character in two', async () => {
  const file = join(folder.path, 'one.jsonl');
  const bytes = Buffer.from(lineOf('für'));
  const { record, told } = recordAt(file);
  for (let at = 0; at < bytes.length; at += 3) {
    appendFileSync(file, bytes.subarray(at, at + 3));
    await record.look();
  }
  expect(told).toEqual(['für']);
});

test('what is no file is not read, nor waited for', async () => {
  const pipe = join(folder.path, 'one.jsonl');
  execFileSync('mkfifo', [pipe]);
  for (const file of [pipe, '/dev/zero']) {
    const { record, told } = recordAt(file);
    await record.look();
    expect(told).toEqual([]);
    expect(warnings.pop()).toContain('is no regular file');
  }
});
