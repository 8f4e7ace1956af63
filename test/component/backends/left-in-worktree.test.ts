import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { killProcessesOf } from '../../../shared/backends/run-processes.ts';
import { isMarked, markDescent } from '../../../shared/platform/descent-mark.ts';
import type { Logger } from '../../../shared/platform/logger.ts';
import { identify, isAlive, killAll } from '../../../shared/platform/process-table.ts';
import type { ProcessIdentity } from '../../../shared/platform/process-table.ts';
import { temporaryFolder } from '../../support/core.ts';

/** Other systems have no mark; nor does it prove anything where this process has it, below an agent. */
const told = (await isMarked(process.pid)) === false;

let folder: ReturnType<typeof temporaryFolder>;
let worktree: string;
let logged: string[];
let begun: ProcessIdentity[];
const log: Logger = { debug: () => {}, info: () => {}, warn: (line) => void logged.push(line), error: () => {} };

beforeEach(() => {
  folder = temporaryFolder('left');
  worktree = join(folder.path, 'alpha', 'toast');
  mkdirSync(join(worktree, 'src'), { recursive: true });
  [logged, begun] = [[], []];
});
afterEach(async () => {
  await killAll(begun, 0);
  folder.remove();
});

interface Leaving {
  /** Shell words, with SERVER or STAYS for what they begin. */
  how: string;
  cwd?: string;
  env?: Record<string, string>;
  /** Whether the shell is an agent's program, which the host marks as soon as it is there. */
  agents?: boolean;
  /** What the shell goes on with. */
  then?: string;
}

/** A program that goes on, and one that is left by what began it. */
const stays = `sh -c 'echo $$ > "$0"; exec sleep 600'`;
const server = `sh -c 'sleep 600 & echo $! > "$0"'`;

/** Lets a shell leave a server behind. */
async function leave({ how, cwd = worktree, env = {}, agents = true, then = 'exit' }: Leaving) {
  const file = join(folder.path, `pid-${begun.length}`);
  const script = `read go; ${how.replace(/SERVER|STAYS/, (which) => `${which === 'STAYS' ? stays : server} ${file}`)}; ${then}`;
  const { PATH = '' } = process.env;
  const shell = spawn('bash', ['-c', script], {
    cwd,
    detached: true,
    env: { PATH, HOME: folder.path, ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  begun.push((await identify(shell.pid!))!);
  if (agents) await markDescent(shell.pid!);
  shell.stdin.write('go\n');
  await expect.poll(() => readFileSync(file, 'utf8')).toMatch(/\n$/);
  const left = (await identify(Number(readFileSync(file, 'utf8'))))!;
  begun.push(left);
  if (then === 'exit') await expect.poll(() => isAlive(begun.at(-2)!)).toBe(false);
  return left;
}

const end = () => killProcessesOf({ runId: 'run-1', worktree }, log);
const run = { GT_RUN: 'run-1' };

describe('what an agent leaves behind', () => {
  test.each([
    ['with nohup', 'nohup SERVER'],
    ['in a session of its own', 'setsid SERVER'],
    ['by two forks', '( ( SERVER & ) & ) & wait'],
  ])('ends with its run, by its environment: %s', async (_what, how) => {
    const left = await leave({ how, env: run, cwd: folder.path, agents: false });
    await end();
    expect(await isAlive(left)).toBe(false);
  });

  test('ends with what it was begun beside, by the process group', async () => {
    const left = await leave({
      how: 'env -i SERVER',
      env: run,
      cwd: folder.path,
      agents: false,
      then: 'sleep 600; :',
    });
    await end();
    expect(await isAlive(left)).toBe(false);
  });

  test.runIf(told).each([
    ['emptied', 'env -i SERVER', undefined],
    ['emptied, in a session of its own', 'setsid env -i SERVER', undefined],
    ['emptied, by two forks, in a folder below', '( ( cd src; env -i setsid SERVER & ) & ) & wait', undefined],
    ['without what names the run', 'env -u GT_RUN SERVER', { GT_RUN: 'run-1' }],
  ])('ends with its run, by descent and folder, where its environment is %s', async (_what, how, env = run) => {
    const left = await leave({ how, env });
    await end();
    expect([await isAlive(left), logged]).toEqual([false, []]);
  });
});

describe('what stays', () => {
  test.runIf(told).each<[string, Leaving]>([
    ["the user's shell in the worktree", { how: 'SERVER', agents: false, then: 'sleep 600' }],
    ['what the user has left in the worktree', { how: 'setsid SERVER', agents: false }],
    ['what hangs below a server that lives', { how: '{ env -i STAYS & }', env: { GT_SERVER: 's' }, then: 'wait' }],
    ['what belongs to another run', { how: 'setsid SERVER', env: { GT_RUN: 'run-2' } }],
  ])('%s', async (_what, leaving) => {
    const left = await leave(leaving);
    await end();
    expect([await isAlive(left), logged]).toEqual([true, []]);
  });

  test('an emptied one in another folder', async () => {
    const left = await leave({ how: 'env -i setsid SERVER', cwd: folder.path });
    await end();
    expect([await isAlive(left), logged]).toEqual([true, []]);
  });

  test.runIf(told)('an emptied one of which nothing proves that it is an agent’s, but it is named', async () => {
    const left = await leave({ how: 'env -i setsid SERVER', agents: false });
    await end();
    expect(await isAlive(left)).toBe(true);
    expect(logged).toEqual([expect.stringContaining(`pid ${left.pid} in ${worktree} may be left of a session`)]);
  });
});
