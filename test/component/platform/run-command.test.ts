import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runCommand } from '../../../shared/platform/run-command.ts';
import type { CommandOrder } from '../../../shared/platform/run-command.ts';
import { startedWith } from '../../../shared/platform/process-table.ts';
import { temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let log: string;

beforeEach(() => {
  folder = temporaryFolder('run-command');
  log = join(folder.path, 'logs', 'one.log');
});
afterEach(() => {
  vi.unstubAllEnvs();
  folder.remove();
});

const run = (command: string, over: Partial<CommandOrder> = {}) =>
  runCommand({ command, cwd: folder.path, env: { SAID: folder.path }, boundMs: 20_000, log, ...over });
const left = () => startedWith('SAID', folder.path);

describe.runIf(process.platform !== 'win32')('a command of a rig', () => {
  test('passes, with all that it prints in a log that is the user’s alone', async () => {
    const result = await run('echo out; echo err >&2; pwd');
    expect(result).toMatchObject({ state: 'passed', code: 0, tail: expect.stringContaining('err') as string });
    const text = readFileSync(log, 'utf8');
    expect(text).toContain('$ echo out; echo err >&2; pwd\n');
    expect(text).toContain(`${folder.path}\n`);
    expect(text).toMatch(/# passed after \d/);
    expect(statSync(log).mode & 0o777).toBe(0o600);
  });

  test('fails with its code and its last lines, without colours, painted-over progress and passwords', async () => {
    const result = await run(
      String.raw`for i in $(seq 1 50); do echo line $i; done; printf '10%%\r99%%\n\033[31mred\033[0m\nhttps://me:secret@host/x\n'; exit 3`,
    );
    expect(result).toMatchObject({ state: 'failed', code: 3 });
    const lines = result.tail.split('\n');
    expect(lines.slice(-3)).toEqual(['99%', 'red', 'https://***@host/x']);
    expect(lines).toHaveLength(20);
  });

  test('one that hangs is ended with all that it has started, also what has left its group', async () => {
    const result = await run('setsid sleep 100 & (sleep 100 &) ; echo waiting; sleep 100', { boundMs: 300 });
    expect(result).toMatchObject({ state: 'timed-out', tail: 'waiting' });
    expect(result).not.toHaveProperty('code');
    expect(await left()).toEqual([]);
    expect(readFileSync(log, 'utf8')).toContain('did not end within 0.3 s');
  });

  test('what it leaves in the background is ended, and does not hold up the result', async () => {
    expect(await run('sleep 100 & echo done')).toMatchObject({ state: 'passed', tail: 'done' });
    expect(await left()).toEqual([]);
  });

  test('is ended when it is cancelled, and not begun when it was before', async () => {
    const controller = new AbortController();
    const running = run('echo on; sleep 100', { signal: controller.signal });
    await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toMatch(/^on$/m));
    controller.abort();
    expect(await running).toMatchObject({ state: 'cancelled', tail: 'on' });
    expect(await left()).toEqual([]);
    const never = join(folder.path, 'never.log');
    expect(await run('touch made', { signal: controller.signal, log: never })).toMatchObject({ state: 'cancelled' });
    expect(existsSync(never)).toBe(false);
  });

  test('gets no token and no identity of a session, but the user’s own variables', async () => {
    for (const name of ['GT_TOKEN', 'GT_SESSION', 'GIT_DIR', 'NODE_OPTIONS']) vi.stubEnv(name, `leaked-${name}`);
    vi.stubEnv('MY_REGISTRY', 'mine');
    const { tail } = await run('env', { env: { GT_PORT: '20010' } });
    expect(tail).not.toContain('leaked-');
    await run('echo "$MY_REGISTRY $GT_PORT"', { env: { GT_PORT: '20010' } });
    expect(readFileSync(log, 'utf8')).toContain('mine 20010\n');
  });

  test('one that cannot be started has failed, and says why', async () => {
    const result = await run('true', { cwd: join(folder.path, 'nowhere') });
    expect(result).toMatchObject({ state: 'failed', tail: expect.stringContaining('ENOENT') as string });
    expect(result).not.toHaveProperty('code');
  });

  test('prints without end: the log is bounded, the end of it is known', async () => {
    const result = await run('yes 0123456789abcdef0123456789abcdef | head -c 40000000; echo; echo last');
    expect(result.tail.split('\n').at(-1)).toBe('last');
    expect(statSync(log).size).toBeLessThan(17 * 1024 * 1024);
    expect(readFileSync(log, 'utf8')).toContain('the rest is left out');
  });
});
