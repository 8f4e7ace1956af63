import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Step } from '../../support/model/steps.ts';
import { TownFixture } from '../../support/town-fixture.ts';

let town: TownFixture;

beforeAll(async () => {
  town = await TownFixture.make((options) => {
    options.rules = [];
  });
});
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

const git = (cwd: string, ...args: string[]): string => execFileSync('git', args, { cwd, encoding: 'utf8' }).trim();
const worktree = (name: string): string => town.worktree(name);
const unit = (id: string) => town.host.api.request('work.show', { id });
const session = (name: string) => town.host.snapshot.sessions.find(({ id }) => id === `alpha-${name}`);
const bash = (command: string): Step => ({ tool: 'bash', args: { command } });
/**
 * The first session commits one file, leaves another uncommitted, says something, and is then in the middle of its turn;
 * the second one, which is told to finish it, does that by `finish`.
 */
function scripts(
  work: string,
  finish = 'cat open.txt && git add -A && git commit -qm "the rest" && gt done -m ok',
): void {
  town.model.on({
    name: `finish ${work}`,
    match: new RegExp(`Finish ${work}\\.`),
    steps: [bash(finish), { text: 'Done.' }],
  });
  const half = [
    bash('echo 1 > done.txt && git add -A && git commit -qm "half of it" && echo 2 > open.txt'),
    { text: 'The second half is the hard one.' },
    bash(`echo halfway with ${work}`),
    { hold: 'for ever' },
  ];
  town.model.on({ name: `half of ${work}`, match: new RegExp(`Your work: ${work} `), steps: half });
}
const halfDone = (work: string) =>
  town.model.waitFor(({ results }) => results.some((result) => result.includes(`halfway with ${work}`)), 60_000);
const hand = (work: string, from: string, to: string, more: { agent?: string } = {}) =>
  town.host.api.request('work.handoff', { from: `alpha-${from}`, to, work, context: `Finish ${work}.`, ...more });
const sling = (work: string, name: string, agent: string) =>
  town.host.api.request('sling', { work, rig: 'alpha', name, agent, message: 'Do it.' });
const isDone = (work: string) =>
  town.until(`${work} is done`, ({ work: units }) => units.some(({ id, state }) => id === work && state === 'done'));

describe.each([
  ['opencode', 'claude'],
  ['claude', 'opencode'],
  ['opencode', 'opencode'],
])('a handoff from %s to %s', (before, after) => {
  test('goes on in the same worktree, on the same branch, and the new model knows what is there', async () => {
    const work = `${before}-to-${after}`;
    const [from, to] = [`${work}-1`, `${work}-2`];
    scripts(work);
    await sling(work, from, before);
    await halfDone(work);
    const { session: next } = await hand(work, from, to, { agent: after });
    expect(next).toMatchObject({
      id: `alpha-${to}`,
      backend: after,
      workDir: worktree(from),
      branch: `polecat/${from}/${work}`,
    });
    expect(session(from)?.state).toBe('stopped');
    await isDone(work);
    expect(git(worktree(from), 'log', '--format=%s', '-2').split('\n')).toEqual(['the rest', 'half of it']);
    for (const words of [
      'The second half is the hard one.',
      'half of it',
      '- open.txt',
      `alpha-${from} (${before}) had it before you`,
    ]) {
      expect(town.model.seen(words).length).toBeGreaterThan(0);
    }
    const owners = (await unit(work)).history.map(({ note }) => note ?? '');
    expect(owners.filter((note) => note.startsWith('handed over'))).toEqual([
      `handed over from alpha-${from} to alpha-${to}`,
    ]);
    await town.host.api.request('session.stop', { session: `alpha-${to}` });
    expect(existsSync(path.join(worktree(from), 'done.txt'))).toBe(true);
  });
});

test('a session that runs already gets the unit, with the path of its worktree', async () => {
  scripts('moved', `cd ${worktree('giver')} && git add -A && git commit -qm "the rest" && gt done -m ok`);
  await sling('moved', 'giver', 'opencode');
  await halfDone('moved');
  await town.host.api.request('session.spawn', { role: 'polecat', rig: 'alpha', name: 'taker', agent: 'claude' });
  const { session: next } = await hand('moved', 'giver', 'taker');
  expect(next.id).toBe('alpha-taker');
  await isDone('moved');
  expect(await unit('moved')).toMatchObject({ owner: 'alpha-taker', branch: 'polecat/giver/moved', commits: 2 });
  expect(session('giver')?.state).toBe('stopped');
  await town.host.api.request('session.stop', { session: 'alpha-taker' });
});

test('a session hands off its own unit by gt, and ends with it', async () => {
  town.model.on({ name: 'heir', match: /The rest is yours/, steps: [bash('gt done -m ok'), { text: 'Done.' }] });
  town.model.on({
    name: 'self',
    match: /Your work: own /,
    steps: [bash('gt handoff alpha-self alpha-heir -m "The rest is yours."'), { text: 'It is handed off.' }],
  });
  await sling('own', 'self', 'opencode');
  await isDone('own');
  expect(await unit('own')).toMatchObject({ owner: 'alpha-heir' });
  expect(session('self')?.state).toBe('stopped');
  await town.host.api.request('session.stop', { session: 'alpha-heir' });
});

test('an agent that does not start leaves the unit open, with the reason; nothing of the work is lost', async () => {
  scripts('stuck');
  await sling('stuck', 'stuck-1', 'opencode');
  await halfDone('stuck');
  const folder = path.join(town.folder, 'burning');
  mkdirSync(folder);
  writeFileSync(
    path.join(folder, 'claude'),
    '#!/bin/sh\ncase "$1" in --version) echo "2.1.330 (Claude Code)";; *) echo "the disk is on fire" >&2; exit 3;; esac\n',
  );
  chmodSync(path.join(folder, 'claude'), 0o755);
  const { PATH } = town.environment;
  town.environment['PATH'] = `${folder}:${PATH ?? ''}`;
  try {
    await expect(hand('stuck', 'stuck-1', 'stuck-2', { agent: 'claude' })).rejects.toMatchObject({
      message: expect.stringContaining('the disk is on fire'),
    });
  } finally {
    town.environment['PATH'] = PATH;
  }
  await town.until('nothing of the new session is left', ({ sessions }) =>
    sessions.every(({ id }) => id !== 'alpha-stuck-2'),
  );
  const left = await unit('stuck');
  expect(left).toMatchObject({
    state: 'open',
    note: expect.stringMatching(/handing over to alpha-stuck-2 failed: .*the disk is on fire/s),
  });
  expect(left.owner).toBeUndefined();
  expect(git(worktree('stuck-1'), 'log', '--format=%s', '-1')).toBe('half of it');
  expect(existsSync(path.join(worktree('stuck-1'), 'open.txt'))).toBe(true);
});
