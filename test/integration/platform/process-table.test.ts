import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { findProgram } from '../../../shared/platform/find-program.ts';
import {
  descendants,
  identify,
  isAlive,
  killAll,
  killTree,
  startedWith,
} from '../../../shared/platform/process-table.ts';

/** A shell that ignores TERM, with a child in a group of its own. Resolves when both run. */
async function stubbornFamily(mark: string) {
  const child = spawn(
    '/bin/sh',
    ['-c', "trap '' TERM; setsid sh -c 'echo up; while :; do sleep 1000; done' & while :; do wait; done"],
    {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'] ?? '', GT_TEST_MARK: mark },
    },
  );
  await once(child.stdout, 'data');
  const identity = await identify(child.pid!);
  if (!identity) throw new Error('the shell ended at once');
  return { child, identity };
}

describe('the process table', () => {
  it('knows a process by pid and start time', async () => {
    const self = await identify(process.pid);
    expect(self).toMatchObject({ pid: process.pid });
    expect(await isAlive(self!)).toBe(true);
    expect(await isAlive({ ...self!, startTime: 'another' })).toBe(false);
  });

  it('kills a tree that ignores TERM, children in other groups included', async () => {
    const { identity } = await stubbornFamily(`tree-${process.pid}`);
    const below = await descendants(identity.pid);
    expect(below.length).toBeGreaterThan(0);
    expect(await killTree(identity, { graceMs: 100 })).toEqual([]);
    expect(await Promise.all([identity, ...below].map(isAlive))).toEqual([false, ...below.map(() => false)]);
  });

  it('finds what was started with a mark, after its parent was killed', async () => {
    const mark = `orphan-${process.pid}`;
    const { child } = await stubbornFamily(mark);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    const orphans = await startedWith('GT_TEST_MARK', mark);
    expect(orphans.length).toBeGreaterThan(0);
    expect(await killAll(orphans, 500)).toEqual([]);
    expect(await startedWith('GT_TEST_MARK', mark)).toEqual([]);
  });

  it('does not touch a process that only has the same pid', async () => {
    const { identity } = await stubbornFamily(`reuse-${process.pid}`);
    await killTree({ pid: identity.pid, startTime: 'an earlier one' }, { graceMs: 100 });
    expect(await isAlive(identity)).toBe(true);
    await killTree(identity, { graceMs: 100 });
  });

  it('finds programs on a given PATH only', async () => {
    expect(await findProgram('sh', { PATH: '/nowhere:/bin' })).toBe('/bin/sh');
    expect(await findProgram('sh', { PATH: '/nowhere' })).toBeUndefined();
    expect(await findProgram('bin', { PATH: '/' })).toBeUndefined();
  });
});
