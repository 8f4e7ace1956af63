import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { OpencodeDriver } from '../../../shared/backends/opencode/driver.ts';
import { protocolVersion } from '../../../shared/channel/protocol.ts';
import { joinTown } from '../../../shared/host/membership.ts';
import type { TownConnection } from '../../../shared/host/membership.ts';
import { townPaths } from '../../../shared/config/town-paths.ts';
import { eventually } from '../../support/editor/eventually.ts';
import { processesWith } from '../../support/processes-with.ts';
import { tokensOf } from '../../support/questions.ts';
import { RawChannel } from '../../support/raw-channel.ts';
import { scripted } from '../../support/scripted.ts';
import { TownFixture } from '../../support/town-fixture.ts';

let town: TownFixture;
const joined: TownConnection[] = [];

beforeAll(async () => {
  town = await TownFixture.make();
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const member of joined.splice(0)) await member.dispose();
});
afterAll(async () => {
  await town.open();
  expect(await town.stop()).toEqual([]);
});

async function join(): Promise<TownConnection> {
  const member = await joinTown(town.options);
  joined.push(member);
  return member;
}

/** Resolves when this window hears that the town is removed. */
const untilRemoved = (member: TownConnection): Promise<void> =>
  new Promise((resolve) => void member.onDidRemove(resolve));

const runtime = (): string => townPaths(town.root).runtime;
const worktree = (name: string): string => town.worktree(name);
/** Agents, their servers and whatever they have started. */
const processes = () => [
  ...processesWith('GT_ROOT', town.root),
  ...processesWith('GT_SOCKET', townPaths(town.root).socket),
];
/** A window that just joins, or is about to take over, would have made it again by then. */
const stays = async (names: string[]): Promise<void> => {
  await eventually(
    '.runtime to be as it is to stay',
    async () => (existsSync(runtime()) ? readdirSync(runtime()).sort() : []),
    (found) => String(found) === String(names),
  );
};

describe('removing a town', () => {
  test('ends what runs, keeps work that is nowhere else, and leaves nothing that another window would bring back', async () => {
    const { api } = town.host;
    await api.request('session.spawn', { role: 'mayor' });
    await api.request('session.spawn', { role: 'polecat', backend: 'opencode', name: 'idle' });
    await api.request('work.add', {
      id: 'door',
      rig: 'alpha',
      description: scripted(
        'Mend it.',
        { tool: 'write', args: { filePath: 'half.txt', content: 'half' } },
        { hold: 'door' },
        { text: 'Mended.' },
      ),
    });
    await api.request('sling', { work: 'door', rig: 'alpha', backend: 'opencode', name: 'busy' });
    await eventually('the file', async () => existsSync(path.join(worktree('busy'), 'half.txt')), Boolean);
    expect(processes()).not.toEqual([]);

    const other = await join();
    expect(other.role).toBe('client');
    const plan = await other.api.request('town.removal', {});
    expect(plan.sessions.sort()).toEqual(['alpha-busy', 'alpha-idle', 'hq-mayor']);
    expect(plan.goes.map((each) => each.path)).toEqual([runtime(), worktree('idle')]);
    expect(plan.stays[0]).toEqual({ path: worktree('busy'), what: 'uncommitted: half.txt' });
    expect(town.host.snapshot.sessions.every(({ state }) => state === 'running')).toBe(true);

    const [token] = tokensOf(town, 'hq-mayor');
    const session = await RawChannel.connect(townPaths(town.root).socket);
    await session.call('hello', { protocol: protocolVersion, token, client: 'test' });
    for (const method of ['town.removal', 'town.remove']) {
      expect((await session.call(method, {})).error?.message).toMatch(/it is for the user only/);
    }
    session.close();

    const removed = untilRemoved(other);
    const done = await other.api.request('town.remove', {});
    expect({ ...done, sessions: done.sessions.sort() }).toEqual(plan);
    await Promise.all([town.host.ended, removed]);
    town.model.release('door');
    expect(processes()).toEqual([]);
    expect(existsSync(worktree('idle'))).toBe(false);
    expect(existsSync(path.join(worktree('busy'), 'half.txt'))).toBe(true);
    expect(existsSync(townPaths(town.root).socket)).toBe(false);
    await stays([]);
    await expect(other.api.request('town.snapshot', {})).rejects.toMatchObject({ code: 'no-host' });
  });

  test('who opens it anew has an empty town; what had stayed can be removed then', async () => {
    await stays([]);
    const member = await join();
    expect(member).toMatchObject({ role: 'host', snapshot: { rigs: [], sessions: [], work: [] } });
    expect((await member.api.request('town.removal', {})).stays[0]?.path).toBe(worktree('busy'));
    await rm(path.join(worktree('busy'), 'half.txt'));
    const removed = untilRemoved(member);
    const { goes } = await member.api.request('town.remove', {});
    expect(goes.map((each) => each.path)).toEqual([runtime(), worktree('busy')]);
    await removed;
    expect(existsSync(runtime())).toBe(false);
  });

  test('where a session cannot be ended the town goes on, and can be removed again', async () => {
    const member = await join();
    await member.api.request('rig.add', { source: town.rig, name: 'alpha' });
    await member.api.request('session.spawn', { role: 'witness', backend: 'opencode' });
    const hosts = (): number => town.logged.filter((line) => line.includes('hosting')).length;
    const before = hosts();
    vi.spyOn(OpencodeDriver.prototype, 'stop').mockRejectedValueOnce(new Error('it hangs'));
    await expect(member.api.request('town.remove', {})).rejects.toThrow('it hangs');
    await eventually(
      'the next host',
      async () => (member.role === 'host' ? hosts() : 0),
      (now) => now === before + 1,
    );
    const removed = untilRemoved(member);
    await member.api.request('town.remove', {});
    await removed;
    expect(processes()).toEqual([]);
    expect(existsSync(runtime())).toBe(false);
  });
});
