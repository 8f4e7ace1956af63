// Whose state file a run follows: its process's, or that of Claude Code below a wrapper that waits for it.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SessionsFolder } from '../../../../shared/backends/claude/sessions-folder.ts';
import { StateFile } from '../../../../shared/backends/claude/state-file.ts';
import { silentLogger } from '../../../../shared/platform/logger.ts';
import { descendants } from '../../../../shared/platform/process-table.ts';

let configDir: string;
let folder: SessionsFolder;
let wrapper: ChildProcess;
let said: (string | undefined)[];
let file: StateFile;
beforeEach(() => {
  configDir = realpathSync(mkdtempSync(join(tmpdir(), 'gt-state-')));
  mkdirSync(join(configDir, 'sessions'));
  folder = new SessionsFolder(configDir, silentLogger);
  wrapper = spawn('sh', ['-c', 'sleep 100; exit 0'], { stdio: 'ignore', detached: true });
  said = [];
  const says = ({ status }: { status?: string | undefined }): unknown => said.push(status);
  file = new StateFile(() => 'ours', { says, gone: () => said.push('gone') });
});
afterEach(() => {
  file.dispose();
  folder.dispose();
  process.kill(-wrapper.pid!, 'SIGKILL');
  rmSync(configDir, { recursive: true, force: true });
});

const pathOf = (pid: number): string => join(configDir, 'sessions', `${pid}.json`);
function put(pid: number, status: string, sessionId = 'ours'): void {
  writeFileSync(pathOf(pid), JSON.stringify({ pid, sessionId, status, procStart: `${pid}` }));
}
async function below(): Promise<number> {
  await expect.poll(async () => (await descendants(wrapper.pid!)).length).toBe(1);
  return (await descendants(wrapper.pid!))[0]!.pid;
}

test("the process's own", async () => {
  put(wrapper.pid!, 'busy');
  await file.follow(folder, wrapper.pid!);
  expect(said).toEqual(['busy']);
  put(wrapper.pid!, 'idle');
  await expect.poll(() => said.at(-1)).toBe('idle');
});

test('that of Claude Code below a wrapper, from its first word to its end', async () => {
  const pid = await below();
  await file.follow(folder, wrapper.pid!);
  expect([said, file.exists]).toEqual([[], false]);
  put(pid, 'busy');
  await expect.poll(() => said).toContain('busy');
  put(pid, 'idle');
  await expect.poll(() => said.at(-1)).toBe('idle');
  await file.refresh();
  expect(file.exists).toBe(true);
  rmSync(pathOf(pid));
  await expect.poll(() => said.at(-1)).toBe('gone');
});

test('that one also where it is there already, as for the next host', async () => {
  put(await below(), 'idle');
  await file.follow(folder, wrapper.pid!);
  expect(said).toEqual(['idle']);
});

test('not one of the same conversation that another process has left, nor one of another conversation', async () => {
  put(process.pid, 'idle');
  put(await below(), 'idle', 'of somebody else');
  await file.follow(folder, wrapper.pid!);
  put(process.pid, 'busy');
  await file.refresh();
  expect([said, file.exists]).toEqual([[], false]);
});
