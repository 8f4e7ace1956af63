import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { joinTown } from '../../../shared/host/membership.ts';
import type { TownHost } from '../../../shared/host/host.ts';
import { Store } from '../../../shared/store/store.ts';
import { HostLock } from '../../../shared/host/host-lock.ts';
import { makeBareTown } from '../../support/bare-host.ts';
import type { BareTown } from '../../support/bare-host.ts';
import { makeRepository, temporaryFolder } from '../../support/core.ts';
import { patience } from '../../support/patience.ts';
import { booksOf, giveBranch } from '../../support/questions.ts';

let town: BareTown;
let temporary: ReturnType<typeof temporaryFolder>;
let host: TownHost | undefined;

beforeEach(async () => {
  temporary = temporaryFolder('h');
  vi.stubEnv('TMPDIR', temporary.path);
  town = await makeBareTown();
});
afterEach(async () => {
  await host?.dispose();
  host = undefined;
  town.remove();
  vi.unstubAllEnvs();
  temporary.remove();
});

describe('a unit whose commits are to be counted', () => {
  let rig: string;
  /** An earlier host has left a unit on a branch with one commit. */
  beforeEach(async () => {
    rig = makeRepository(join(temporary.path, 'alpha'));
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: rig, encoding: 'utf8' }).trim();
    const base = git('rev-parse', 'HEAD');
    git('switch', '-q', '-c', 'polecat/nux/issue-1');
    git('commit', '-q', '--allow-empty', '-m', 'Work');
    git('switch', '-q', 'main');
    const first = await town.host();
    await first.api.request('rig.add', { source: rig, name: 'alpha' });
    await first.api.request('work.add', { id: 'issue-1', description: 'Do it', rig: 'alpha' });
    await first.dispose();
    giveBranch(booksOf(town.paths.database), 'issue-1', 'polecat/nux/issue-1', base);
  });
  const commits = (): number | undefined => host?.snapshot.work[0]?.commits;

  test('does not keep the town shut where the folder of its rig is gone, and can be reported and looked at', async () => {
    rmSync(rig, { recursive: true });
    host = await town.host();
    expect(host.snapshot.problems.map(({ message }) => message).join('\n')).toContain('Rig alpha');
    await expect(host.api.request('work.show', { id: 'issue-1' })).resolves.toMatchObject({ id: 'issue-1' });
    await vi.waitFor(() => expect(town.logged.join('\n')).toMatch(/the commits of issue-1 could not be counted/), {
      timeout: patience(),
    });
  });

  test('keeps nobody waiting where git hangs, and shows the number when it has it', async () => {
    const bin = join(temporary.path, 'bin');
    const go = join(temporary.path, 'go');
    mkdirSync(bin);
    const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    const hanging = `#!/bin/sh\nif [ "$1" = rev-list ]; then while [ ! -e '${go}' ]; do sleep 0.05; done; fi\nexec '${real}' "$@"\n`;
    writeFileSync(join(bin, 'git'), hanging, { mode: 0o755 });
    vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`);
    host = await town.host();
    expect(commits()).toBeUndefined();
    writeFileSync(go, '');
    await vi.waitFor(() => expect(commits()).toBe(1), { timeout: patience() });
  });
});

test('a host that cannot open its town lets go of all of it, and the next one can', async () => {
  mkdirSync(town.paths.hostFile, { recursive: true });
  await expect(town.host()).rejects.toThrow();
  expect(existsSync(town.paths.socket)).toBe(false);
  const lock = HostLock.tryAcquire(town.paths.hostLock);
  expect(lock).toBeDefined();
  lock?.release();
  // Nothing has the database open any more: its log goes with the last connection.
  expect(existsSync(`${town.paths.database}-wal`)).toBe(false);
  rmSync(town.paths.hostFile, { recursive: true });
  host = await town.host();
  await expect(host.api.request('work.add', { description: 'Goes on' })).resolves.toMatchObject({ state: 'open' });
});

test('a call that finds the town taken over is not carried out any more', async () => {
  host = await town.host();
  town.deleteRuntime();
  // The host may be making it again at this moment.
  mkdirSync(town.paths.runtime, { mode: 0o700, recursive: true });
  const theirs = HostLock.tryAcquire(town.paths.hostLock);
  await expect(host.api.request('work.add', { id: 'too-late', description: 'Too late' })).rejects.toMatchObject({
    code: 'no-host',
  });
  await host.ended;
  theirs?.release();
});

test('what waits for the user is tried once more by the next host, which tells anew for what', async () => {
  host = await town.host();
  await host.api.request('work.add', { id: 'issue-1', description: 'Do it' });
  await host.dispose();
  const store = new Store(town.paths.database);
  const open = store.work.get('issue-1')!;
  const blocked = {
    ...open,
    state: 'queued' as const,
    notBefore: Date.now() + 1e8,
    dispatch: { blocked: true as const },
  };
  store.work.replace(open, blocked, { at: 1, state: 'queued', by: 'host' });
  store.close();
  host = await town.host();
  const [unit] = host.snapshot.work;
  expect(unit).toMatchObject({ id: 'issue-1', state: 'queued' });
  expect(unit).not.toHaveProperty('notBefore');
});

test("what somebody wants to see is shown in the window that is named, else in the host's own", async () => {
  const rig = makeRepository(join(temporary.path, 'alpha'));
  const head = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: rig, encoding: 'utf8' }).trim();
  host = await town.host();
  await host.api.request('rig.add', { source: rig, name: 'alpha' });
  await host.api.request('work.add', { id: 'issue-1', rig: 'alpha', description: 'Do it' });
  await host.dispose();
  host = undefined;
  const store = new Store(town.paths.database);
  const place = { workId: 'issue-1', rig: 'alpha', branch: 'main', target: 'main', base: head, head };
  const merge = { ...place, state: 'merged' as const, round: 1, conflictRounds: 0, detail: {} };
  store.merges.insert({ ...merge, createdAt: 1, changedAt: 1 }, 'test');
  store.close();
  const shown: string[] = [];
  const windows = [];
  for (const window of ['first', 'second']) {
    const member = await joinTown({ ...town.options, window });
    member.onDidAskToShow(({ work }) => void shown.push(`${window} ${member.role} ${work}`));
    windows.push(member);
  }
  try {
    for (const window of [undefined, 'second', 'none', 'first'])
      await windows[1]!.api.request('review.open', { id: 'issue-1', ...(window === undefined ? {} : { window }) });
    await vi.waitFor(() => expect(shown).toHaveLength(3), { timeout: patience(), interval: 10 });
    expect(shown.sort()).toEqual(['first host issue-1', 'first host issue-1', 'second client issue-1']);
  } finally {
    for (const member of windows.reverse()) await member.dispose();
  }
});
