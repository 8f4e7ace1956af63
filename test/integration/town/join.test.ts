import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { joinTown } from '../../../shared/host/membership.ts';
import type { TownConnection } from '../../../shared/host/membership.ts';
import type { TownSnapshot } from '../../../shared/channel/views.ts';
import { patience } from '../../support/patience.ts';
import { TownFixture } from '../../support/town-fixture.ts';

let town: TownFixture;
const joined: TownConnection[] = [];

beforeAll(async () => {
  town = await TownFixture.make();
});
afterEach(async () => {
  for (const member of joined.splice(0)) await member.dispose();
});
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

async function join(): Promise<TownConnection> {
  const member = await joinTown(town.options);
  joined.push(member);
  return member;
}

/** Resolves with the member's first snapshot that satisfies `check`; rejects when none comes. */
function until(
  member: TownConnection,
  what: string,
  check: (snapshot: TownSnapshot) => boolean,
): Promise<TownSnapshot> {
  return new Promise((resolve, reject) => {
    const look = (snapshot: TownSnapshot): void => {
      if (!check(snapshot)) return;
      clearTimeout(bound);
      listening.dispose();
      resolve(snapshot);
    };
    const bound = setTimeout(() => reject(new Error(`Waited for ${what}.\n${town.logged.join('\n')}`)), patience());
    const listening = member.onDidChange(look);
    look(member.snapshot);
  });
}

describe('two windows on one town', () => {
  test('the second is a client: it sees the same, may do the same, and hears of every change', async () => {
    const second = await join();
    expect(second.role).toBe('client');
    expect(second.snapshot).toEqual({ ...town.host.snapshot, revision: second.snapshot.revision });
    await second.api.request('work.add', { id: 'from-second', description: 'Look around.' });
    await town.until('the host has it', ({ work }) => work.some(({ id }) => id === 'from-second'));
    await town.host.api.request('work.add', { id: 'from-first', description: 'Look around.' });
    const seen = await until(second, 'the change', ({ work }) => work.some(({ id }) => id === 'from-first'));
    expect(seen.work.map(({ id }) => id).sort()).toEqual(['from-first', 'from-second']);
    await expect(second.api.request('work.show', { id: 'from-frist' })).rejects.toMatchObject({ code: 'unknown-work' });
  });

  test('a client that is given work cancels it as the host does', async () => {
    const second = await join();
    const cancel = new AbortController();
    const sling = second.api.request(
      'sling',
      { work: 'from-second', rig: 'alpha', backend: 'opencode', name: 'cancelled' },
      cancel.signal,
    );
    const failed = expect(sling).rejects.toThrow(/cancel/i);
    await until(second, 'it starts', ({ sessions }) => sessions.some(({ state }) => state === 'starting'));
    cancel.abort();
    await failed;
    await until(
      second,
      'it is no more',
      ({ sessions, work }) =>
        sessions.length === 0 && work.some(({ id, state }) => id === 'from-second' && state === 'failed'),
    );
  });

  test('the client takes over when the host lets go, with the sessions that live', async () => {
    const second = await join();
    await second.api.request('sling', { work: 'from-first', rig: 'alpha', backend: 'opencode', name: 'heir' });
    const before = await until(second, 'done', ({ work }) =>
      work.some(({ id, state }) => id === 'from-first' && state === 'done'),
    );
    await town.letGo();
    const after = await until(
      second,
      'it hosts',
      ({ sessions }) =>
        second.role === 'host' && sessions.some(({ id, state }) => id === 'alpha-heir' && state === 'running'),
    );
    expect(after.sessions.map(({ id, runId }) => [id, runId])).toEqual(
      before.sessions.map(({ id, runId }) => [id, runId]),
    );
    const third = await join();
    expect(third.role).toBe('client');
    const { id } = await third.api.request('message.send', { to: 'alpha-heir', type: 'nudge', body: 'Still there?' });
    await town.model.waitFor(({ text }) => text.includes(`[gt ${id}]`));
    joined.splice(joined.indexOf(third), 1);
    await third.dispose();
    await second.dispose();
    joined.splice(joined.indexOf(second), 1);
    await town.open();
    expect(town.session('alpha-heir')).toMatchObject({ state: 'running', runId: before.sessions[0]!.runId });
  });
});

describe('two windows in two processes', () => {
  test('only one is the host; when it is killed, the other one is', async () => {
    await town.letGo();
    const first = await town.hostElsewhere();
    const second = await join();
    expect(second.role).toBe('client');
    const { sessions } = await until(second, 'what was there', ({ sessions: all }) =>
      all.some(({ state }) => state === 'running'),
    );
    await first.kill();
    await until(second, 'it hosts', () => second.role === 'host');
    const after = await until(second, 'it is taken up', ({ sessions: all }) =>
      all.some(({ id, state }) => id === 'alpha-heir' && state === 'running'),
    );
    expect(after.sessions.map(({ runId }) => runId)).toEqual(sessions.map(({ runId }) => runId));
    // The other way round: a process that comes later is a client of this one, until it goes.
    const third = await town.hostElsewhere('member');
    expect(second.role).toBe('host');
    await second.dispose();
    joined.splice(joined.indexOf(second), 1);
    const fourth = await join();
    await until(fourth, 'the session', ({ sessions: all }) =>
      all.some(({ id, state }) => id === 'alpha-heir' && state === 'running'),
    );
    if (fourth.role === 'client') await third.close();
    await until(fourth, 'it hosts', () => fourth.role === 'host');
    await fourth.api.request('session.stop', { session: 'alpha-heir' });
  });

  test('many that come at once agree on one host [holds 2]', async () => {
    await town.letGo();
    const members = await Promise.all([join(), join(), join(), town.hostElsewhere('member')]);
    const here = members.filter((member): member is TownConnection => 'role' in member);
    const hosts = here.filter(({ role }) => role === 'host');
    expect(hosts.length).toBeLessThanOrEqual(1);
    const added = await here[0]!.api.request('work.add', { description: 'Count to one.' });
    for (const member of here) await until(member, 'the same', ({ work }) => work.some(({ id }) => id === added.id));
  });
});
