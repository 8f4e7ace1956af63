import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backends } from '../../../shared/host/backends.ts';
import { createTown } from '../../../shared/config/create-town.ts';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import { joinTown } from '../../../shared/host/membership.ts';
import { makeRepository } from '../../support/core.ts';
import { eventually } from '../../support/editor/eventually.ts';
import { processesWith } from '../../support/processes-with.ts';
import { sessionsBeginning, unitRows } from '../../support/questions.ts';
import { runs } from '../../support/scripted.ts';
import { TownFixture } from '../../support/town-fixture.ts';

let town: TownFixture;

beforeAll(async () => {
  town = await TownFixture.make();
});
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

const git = (cwd: string, ...args: string[]): string => execFileSync('git', args, { cwd, encoding: 'utf8' }).trim();
const branches = (): string[] =>
  git(town.rig, 'branch', '--format=%(refname:short)')
    .split('\n')
    .filter((name) => name !== 'main');
const worktree = (name: string): string => town.worktree(name);
const sling = (work: string, change: { agent?: string; name?: string; message?: string; rig?: string } = {}) =>
  town.host.api.request('sling', { work, rig: 'alpha', agent: 'opencode', message: 'Do it.', ...change });
const unit = async (id: string) => town.host.api.request('work.show', { id });

describe('a sling', () => {
  test('E21: of one unit by two at once: one has it, the other is told who', async () => {
    const both = await Promise.allSettled([sling('shared', { name: 'first' }), sling('shared', { name: 'second' })]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const lost = both.find((result) => result.status === 'rejected')!.reason as unknown;
    expect(lost).toMatchObject({
      code: 'work-conflict',
      message: expect.stringMatching(/alpha-(first|second) has it/),
    });
    expect(await town.host.orchestrators.get('opencode')!.listSessions()).toHaveLength(1);
    await town.until('done', ({ work }) => work.some(({ id, state }) => id === 'shared' && state === 'done'));
  });

  test('without a name gets one of its own, however many come at once', async () => {
    const slung = await Promise.all(['many-1', 'many-2', 'many-3'].map((id) => sling(id)));
    const names = slung.map(({ session }) => session.agentName);
    expect(new Set(names).size).toBe(3);
    await town.until('done', ({ work }) =>
      ['many-1', 'many-2', 'many-3'].every((id) => work.some((each) => each.id === id && each.state === 'done')),
    );
    expect(branches().sort()).toEqual(
      expect.arrayContaining(names.map((name, index) => `polecat/${name}/many-${index + 1}`)),
    );
    for (const { session } of slung) await town.host.api.request('session.stop', { session: session.id });
  });
});

describe('a worktree', () => {
  test('that cannot be made stops the spawn', async () => {
    mkdirSync(path.dirname(worktree('x')), { recursive: true });
    writeFileSync(worktree('blocked'), 'a file is in the way');
    await expect(sling('blocked', { name: 'blocked' })).rejects.toMatchObject({
      code: 'isolation-failed',
      message: expect.stringContaining('nothing was started'),
    });
    expect(await unit('blocked')).toMatchObject({
      state: 'failed',
      note: expect.stringContaining('No worktree could be made'),
    });
    expect(sessionsBeginning(town, 'alpha-blocked')).toEqual([]);
    expect(readFileSync(worktree('blocked'), 'utf8')).toBe('a file is in the way');
  });

  test('with commits that are nowhere else, or with changes, is never removed; an empty one is', async () => {
    const commit = runs('Commit.', 'echo 1 > kept.txt && git add -A && git commit -qm kept && gt done -m ok');
    const change = runs('Change.', 'echo 2 > dirty.txt && gt done -m ok --uncommitted');
    const nothing = runs('Look.', 'gt done -m ok');
    await Promise.all([
      sling('commits', { name: 'commits', message: commit }),
      sling('changes', { name: 'changes', message: change }),
      sling('empty', { name: 'empty', message: nothing }),
    ]);
    const ids = ['commits', 'changes', 'empty'];
    await town.until('done', ({ work }) =>
      ids.every((id) => work.some((each) => each.id === id && each.state === 'done')),
    );
    for (const id of ids) await town.host.api.request('session.stop', { session: `alpha-${id}` });
    await eventually(
      'the empty one is gone',
      async () => branches(),
      (names) => !names.includes('polecat/empty/empty'),
    );
    expect(existsSync(worktree('empty'))).toBe(false);
    expect(git(worktree('commits'), 'log', '-1', '--format=%s')).toBe('kept');
    expect(readFileSync(path.join(worktree('changes'), 'dirty.txt'), 'utf8')).toBe('2\n');
  });
});

describe('an agent program', () => {
  /** Puts a program of this name first on PATH, for the time of `act`. */
  const instead = async (program: string, script: string, act: () => Promise<unknown>): Promise<void> => {
    const folder = path.join(town.folder, `fake-${program}-${Date.now()}`);
    mkdirSync(folder);
    writeFileSync(path.join(folder, program), `#!/bin/sh\n${script}\n`);
    chmodSync(path.join(folder, program), 0o755);
    const { PATH } = town.environment;
    town.environment['PATH'] = `${folder}:${PATH ?? ''}`;
    try {
      await act();
    } finally {
      town.environment['PATH'] = PATH;
    }
  };
  const nothingOf = async (id: string): Promise<void> => {
    await town.until('it is no more', ({ sessions }) => sessions.every((session) => session.id !== `alpha-${id}`));
    expect(existsSync(worktree(id))).toBe(false);
    expect(branches()).not.toContain(`polecat/${id}/${id}`);
    expect(processesWith('GT_SESSION', `alpha-${id}`)).toEqual([]);
  };

  test.each([
    ['claude', 'echo "2.0.1 (Claude Code)"', '2.0.1'],
    ['opencode', 'case "$1" in --version) echo 1.2.3;; *) exit 2;; esac', '1.2.3'],
  ] as const)('%s that is too old is named with both versions', async (agent, script, version) => {
    await instead(agent, script, async () => {
      await expect(sling(`${agent}-old`, { agent, name: `${agent}-old` })).rejects.toMatchObject({
        code: 'agent-too-old',
        message: expect.stringMatching(new RegExp(`${version}.*or newer is needed`)),
      });
    });
    expect(await unit(`${agent}-old`)).toMatchObject({
      state: 'failed',
      note: expect.stringContaining('or newer is needed'),
    });
    await nothingOf(`${agent}-old`);
  });

  test.each([
    [
      'claude',
      'case "$1" in --version) echo "2.1.330 (Claude Code)";; *) echo "the disk is on fire" >&2; exit 3;; esac',
    ],
    ['opencode', 'case "$1" in --version) echo 1.18.33;; *) echo "the disk is on fire" >&2; exit 3;; esac'],
  ] as const)('%s that fails at its start is quoted', async (agent, script) => {
    await instead(agent, script, async () => {
      await expect(sling(`${agent}-fails`, { agent, name: `${agent}-fails` })).rejects.toMatchObject({
        code: 'spawn-failed',
        message: expect.stringContaining('the disk is on fire'),
      });
    });
    // It may pass, so it is tried again after a while.
    const { history } = await unit(`${agent}-fails`);
    expect(history.find(({ state }) => state === 'failed')?.note).toContain('the disk is on fire');
    const { work } = await town.until('it is queued', (snapshot) =>
      snapshot.work.some(({ id, state }) => id === `${agent}-fails` && state === 'queued'),
    );
    expect(work.find(({ id }) => id === `${agent}-fails`)).toMatchObject({
      attempts: 1,
      notBefore: expect.any(Number),
    });
    await town.host.api.request('work.cancel', { id: `${agent}-fails` });
    await nothingOf(`${agent}-fails`);
  });

  test.each(['claude', 'opencode'])('%s that is missing is named, with what to do', async (agent) => {
    const { PATH } = town.environment;
    town.environment['PATH'] = path.join(town.folder, 'no-programs');
    try {
      await expect(sling(`${agent}-missing`, { agent, name: `${agent}-missing` })).rejects.toMatchObject({
        code: 'agent-missing',
        message: expect.stringMatching(/not found on PATH.*npm install -g/s),
      });
    } finally {
      town.environment['PATH'] = PATH;
    }
    await nothingOf(`${agent}-missing`);
  });
});

describe('words that the town does not know', () => {
  test('are answered with the nearest ones, and change nothing', async () => {
    const before = unitRows(town).length;
    const { api } = town.host;
    await expect(api.request('sling', { work: 'unheard-of', rig: 'alpha' })).rejects.toMatchObject({
      code: 'unknown-work',
      message: expect.stringContaining('-m'),
    });
    await expect(sling('x', { rig: 'alhpa' })).rejects.toMatchObject({
      code: 'unknown-rig',
      message: expect.stringContaining('alpha'),
    });
    await expect(sling('x', { agent: 'opencod' })).rejects.toMatchObject({
      code: 'unknown-agent',
      message: expect.stringContaining('opencode'),
    });
    await expect(sling('x', { name: 'no/slash' })).rejects.toMatchObject({ code: 'bad-input' });
    await expect(api.request('work.show', { id: 'sharde' })).rejects.toMatchObject({
      code: 'unknown-work',
      message: expect.stringContaining('shared'),
    });
    await expect(api.request('message.send', { to: 'alpha-frist', type: 'nudge', body: 'x' })).rejects.toMatchObject({
      code: 'unknown-session',
    });
    expect(unitRows(town)).toHaveLength(before);
  });

  test('a second report of the same unit says when and by whom it was reported first', async () => {
    const second = town.host.api.request('work.done', { id: 'shared' });
    await expect(second).rejects.toMatchObject({
      code: 'work-conflict',
      message: expect.stringMatching(/shared is done already \(by alpha-\w+ at .*Nothing was changed/),
    });
    expect((await unit('shared')).history.filter(({ state }) => state === 'done')).toHaveLength(1);
  });
});

describe('a rig', () => {
  const add = (source: string, name: string) => town.host.api.request('rig.add', { source, name });
  const folder = (name: string): string => path.join(town.folder, name);

  test('is a repository with a branch and a commit', async () => {
    mkdirSync(folder('plain'));
    await expect(add(folder('plain'), 'plain')).rejects.toMatchObject({
      code: 'not-a-repository',
      message: expect.stringContaining('not a git repository'),
    });
    git(town.folder, 'init', '-q', '--bare', 'bare.git');
    await expect(add(folder('bare.git'), 'bare')).rejects.toMatchObject({
      code: 'not-a-repository',
      message: expect.stringContaining('no commit yet'),
    });
    git(town.folder, 'init', '-q', '-b', 'main', 'empty');
    await expect(add(folder('empty'), 'empty')).rejects.toMatchObject({
      code: 'not-a-repository',
      message: expect.stringContaining('no commit yet'),
    });
    git(makeRepository(folder('detached')), 'checkout', '-q', '--detach');
    git(folder('detached'), 'branch', '-m', 'main', 'trunk');
    await expect(add(folder('detached'), 'detached')).rejects.toMatchObject({
      code: 'not-a-repository',
      message: expect.stringContaining('detached HEAD'),
    });
    await expect(add(folder('nowhere'), 'nowhere')).rejects.toMatchObject({
      code: 'not-a-repository',
      message: expect.stringContaining('does not exist'),
    });
    await expect(add(town.rig, 'again')).rejects.toMatchObject({ code: 'name-taken' });
    await expect(add(makeRepository(folder('other')), 'alpha')).rejects.toMatchObject({ code: 'name-taken' });
    expect(town.host.snapshot.rigs.map(({ name }) => name)).toEqual(['alpha']);
  });

  test('that was a good one and is no more refuses slings, and keeps the unit as it was', async () => {
    const rig = makeRepository(folder('beta'));
    await add(rig, 'beta');
    await town.host.api.request('work.add', { id: 'on-beta', description: 'x', rig: 'beta' });
    git(rig, 'checkout', '-q', '--detach');
    git(rig, 'branch', '-m', 'main', 'trunk');
    await expect(sling('on-beta', { rig: 'beta' })).rejects.toMatchObject({
      code: 'not-a-repository',
      message: expect.stringContaining('git switch'),
    });
    expect(await unit('on-beta')).toMatchObject({ state: 'open' });
  });
});

describe('settings that are not allowed', () => {
  test('are shown with file, line and field, and the last good ones stay in force', async () => {
    const file = settingsPath(town.root);
    const good = readFileSync(file, 'utf8');
    const settings = (change: object): string =>
      JSON.stringify({ ...(JSON.parse(good) as object), ...change }, null, 2);
    writeFileSync(file, settings({ agents: { robot: { provider: 'opencode' } }, role_agents: { polecat: 'robot' } }));
    const bad = settings({ agents: { robot: { provider: 'opencode', command: 7 } } });
    await eventually('robot is known', slingWith, (agent) => agent === 'robot');
    writeFileSync(file, bad);
    const { problems } = await town.until('the problem is shown', ({ problems: shown }) => shown.length > 0);
    const line = bad.split('\n').findIndex((text) => text.includes('"command"')) + 1;
    expect(problems).toMatchObject([
      { file, line, message: expect.stringMatching(/agents\.robot\.command.*must be a string/) },
    ]);
    expect(await slingWith()).toBe('robot');
    writeFileSync(file, good);
    await town.until('the problem is gone', ({ problems: shown }) => shown.length === 0);
  });

  let robots = 0;
  /** The agent that a polecat would get now. Each has a name of its own: the worktree of the one before goes in its own time. */
  async function slingWith(): Promise<string> {
    const work = `robot-${(robots += 1)}`;
    const { session } = await town.host.api.request('sling', { work, rig: 'alpha', message: 'Do it.', name: work });
    await town.host.api.request('session.stop', { session: session.id });
    return session.agent;
  }
});

describe('a town that cannot be written', () => {
  const join = (root: string) => joinTown({ ...town.options, root });

  test('below a file', async () => {
    writeFileSync(path.join(town.folder, 'file'), '');
    await expect(join(path.join(town.folder, 'file', 'town'))).rejects.toMatchObject({ code: 'read-only' });
  });

  test('on a read-only disk', async (context) => {
    const root = path.join(town.folder, 'frozen');
    mkdirSync(root);
    await createTown(root, backends);
    const system = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });
    try {
      system('mount', '--bind', root, root);
    } catch (error) {
      await context.annotate(
        `No file system can be mounted here, so only the case of a file in the way was tested: ${String(error)}`,
      );
      return;
    }
    try {
      system('mount', '-o', 'remount,ro,bind', root);
      await expect(join(root)).rejects.toMatchObject({
        code: 'read-only',
        message: expect.stringMatching(/cannot be (written|opened)/),
      });
    } finally {
      system('umount', root);
    }
  });
});
