import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { strayRuns, strayWorktrees } from '../../../shared/host/store-problems.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;
const children: ChildProcess[] = [];

beforeEach(async () => {
  town = await makeFakeTown();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    const ended = once(child, 'exit');
    process.kill(-child.pid!, 'SIGKILL');
    await ended;
  }
  town.close();
});

describe('worktrees that the store does not know', () => {
  const stray = () => strayWorktrees({ ...town, paths: { ...town.paths, worktrees: join(town.root, '..', 'link') } });
  beforeEach(() => symlinkSync(town.paths.worktrees, join(town.root, '..', 'link')));

  test('are not those of sessions in a folder of them, and not those that stayed, also behind a link', async () => {
    mkdirSync(join(town.rig, 'packages', 'web'), { recursive: true });
    writeFileSync(join(town.rig, 'packages', 'web', 'index.js'), '');
    for (const args of [
      ['add', '.'],
      ['commit', '-q', '-m', 'Web'],
    ])
      execFileSync('git', args, { cwd: town.rig });
    await town.rigs.add(join(town.rig, 'packages', 'web'), 'web', 'folder');
    await town.request('session.spawn', { role: 'polecat', rig: 'web', name: 'toast' });
    await town.request('session.spawn', { role: 'polecat', rig: 'alpha', name: 'nux' });
    const kept = join(town.paths.worktrees, 'alpha', 'nux');
    writeFileSync(join(kept, 'notes'), 'not committed');
    await town.request('session.stop', { session: 'alpha-nux' });
    expect(town.store.worktrees.kept().size).toBe(1);
    await town.request('session.dismiss', { session: 'alpha-nux' });
    expect(await stray()).toBe('');
  });

  test('are named', async () => {
    mkdirSync(join(town.paths.worktrees, 'alpha', 'dag'), { recursive: true });
    expect(await stray()).toContain(join('link', 'alpha', 'dag'));
  });
});

describe.skipIf(process.platform === 'win32')('sessions that the store does not know', () => {
  /** A program with a child, as a session has it. */
  async function program(run: string, session: string): Promise<number> {
    const env = { PATH: process.env['PATH'], GT_TOWN_ROOT: town.root, GT_RUN: run, GT_SESSION: session };
    const child = spawn('/bin/sh', ['-c', 'tail -f /dev/null & echo up; wait'], {
      cwd: town.rig,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    children.push(child);
    await once(child.stdout, 'data');
    return child.pid!;
  }

  test('are named, once each, with where they are; those that it knows are not', async () => {
    const { id, runId } = town.registry.get(
      (await town.request('session.spawn', { role: 'crew', rig: 'alpha', name: 'amy' })).id,
    );
    await program(runId, id);
    const pid = await program('run_lost', 'alpha-toast');
    expect(await strayRuns(town)).toBe(
      ` alpha-toast (run run_lost, pid ${pid}, in ${town.rig}) goes on and the town does not know it: end it, or let it finish.`,
    );
  });

  test('and where there are none, nothing is said', async () => {
    expect(await strayRuns(town)).toBe('');
  });
});
