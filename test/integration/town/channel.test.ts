import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { protocolVersion } from '../../../shared/channel/protocol.ts';
import { townPaths } from '../../../shared/config/town-paths.ts';
import { serverRecords } from '../../support/compact.ts';
import { patience } from '../../support/patience.ts';
import { everything, referenceOf, tokensOf, userToken } from '../../support/questions.ts';
import { RawChannel } from '../../support/raw-channel.ts';
import { TownFixture } from '../../support/town-fixture.ts';

const run = promisify(execFile);

let town: TownFixture;
const open: RawChannel[] = [];

beforeAll(async () => {
  town = await TownFixture.make();
  // The server stays, whoever else goes.
  await town.host.api.request('session.spawn', { role: 'witness', backend: 'opencode' });
  await startWorker('issue-1');
});
afterEach(() => {
  for (const channel of open.splice(0)) channel.close();
});
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

/** A session whose name can be used again at once: it has no worktree. */
const worker = 'alpha-refinery';
async function startWorker(unit: string): Promise<void> {
  const { api } = town.host;
  await api.request('session.spawn', { role: 'refinery', backend: 'opencode' });
  await api.request('work.add', { id: unit, description: 'Do it.' });
  await api.request('work.assign', { id: unit, session: worker });
  await town.until(`${unit} done`, ({ work }) => work.some(({ id, state }) => id === unit && state === 'done'));
  await town.until('idle', ({ sessions }) =>
    sessions.every(({ activity, queued }) => activity.kind === 'idle' && queued === 0),
  );
}
const connect = async (): Promise<RawChannel> => {
  const channel = await RawChannel.connect(townPaths(town.root).socket);
  open.push(channel);
  return channel;
};
const hello = (token: string) => ({ protocol: protocolVersion, token, client: 'test' });
const as = async (token: string): Promise<RawChannel> => {
  const channel = await connect();
  expect((await channel.call('hello', hello(token))).error).toBeUndefined();
  return channel;
};
const tokenOf = (session: string): string => String(tokensOf(town, session)[0]);
const person = (): string => userToken(town);
const books = () => everything(town);

/** Whatever comes, the books stay as they are, and everybody else is served. */
async function changesNothing(act: () => Promise<void>): Promise<void> {
  const before = books();
  await act();
  expect(books()).toEqual(before);
  const other = await as(person());
  expect((await other.call('town.snapshot', {})).result).toMatchObject({ root: town.root });
}

describe('a peer that nobody knows', () => {
  test('is refused with a wrong token, and everything before hello too', () =>
    changesNothing(async () => {
      const channel = await connect();
      expect(await channel.refusal('town.snapshot', {})).toBe('denied');
      expect(await channel.refusal('work.add', { description: 'x' })).toBe('denied');
      expect(await channel.refusal('hello', hello('wrong'))).toBe('denied');
      expect(await channel.refusal('hello', { ...hello(person()), protocol: 99 })).toBe('bad-input');
      expect(await channel.refusal('work.add', { description: 'x' })).toBe('denied');
    }));

  test.each([
    ['no JSON', 'Content-Length: 5\r\n\r\nhello'],
    ['no header', '{"jsonrpc":"2.0"}\r\n\r\n'],
    ['half a message', 'Content-Length: 100\r\n\r\n{"jsonrpc"'],
    ['no call', 'Content-Length: 4\r\n\r\nnull'],
  ])('may send %s', (_what, bytes) =>
    changesNothing(async () => {
      const channel = await connect();
      channel.write(bytes);
      // The next call on the same socket is refused, or the host has hung up: nothing gets through.
      const answer = await Promise.race([
        channel.refusal('work.add', { description: 'x' }).catch(() => 'hung up'),
        channel.closed.then(() => 'hung up'),
        town.host.api.request('town.doctor', {}).then(() => 'silence'),
      ]);
      expect(['denied', 'hung up', 'silence']).toContain(answer);
    }),
  );

  test('is cut off when it talks without end', () =>
    changesNothing(async () => {
      const channel = await connect();
      channel.write(`Content-Length: 1000000000\r\n\r\n${'x'.repeat(200_000)}`);
      await channel.closed;
    }));
});

describe('a peer that says what it may not', () => {
  test('gets an error for each, and the next one is served', () =>
    changesNothing(async () => {
      const channel = await as(person());
      expect(await channel.refusal('hello', hello(person()))).toBe('bad-input');
      expect(await channel.refusal('no.such.method', {})).toBe('bad-input');
      expect(await channel.refusal('__proto__', {})).toBe('bad-input');
      expect(await channel.refusal('work.add', {})).toBe('bad-input');
      expect(await channel.refusal('work.add', { description: 'x', owner: 'x' })).toBe('bad-input');
      expect(await channel.refusal('work.add', { description: 'x', priority: 9 })).toBe('bad-input');
      expect(await channel.refusal('work.add', { description: 'x'.repeat(1_000_001) })).toBe('bad-input');
      expect(await channel.refusal('session.stop', [1, 2])).toBe('bad-input');
      expect(await channel.refusal('inside.event', { server: 'x', seq: 1, name: 'x', payload: {} })).toBe('denied');
    }));

  test('a session does not do what is for the person, the mayor or a server', () =>
    changesNothing(async () => {
      const channel = await as(tokenOf(worker));
      expect(await channel.refusal('rig.add', { source: '/' })).toBe('denied');
      expect(await channel.refusal('session.attach', { session: worker })).toBe('denied');
      expect(await channel.refusal('sling', { work: 'x', rig: 'alpha', message: 'x' })).toBe('denied');
      expect(await channel.refusal('session.stop', { session: worker })).toBe('denied');
      expect(await channel.refusal('inside.environment', { session: 'ses_1' })).toBe('denied');
      expect(await channel.refusal('work.done', {})).toBe('work-conflict');
    }));
});

test('a session that sends a message without end is cut off', () =>
  changesNothing(async () => {
    const channel = await as(tokenOf(worker));
    channel.write(`Content-Length: 1000000000\r\n\r\n${'x'.repeat(17 * 1024 * 1024)}`);
    await channel.closed;
  }));

test('a shell of a session has its identity also where it is the first that a new host hears of', async () => {
  const [server] = serverRecords(town.root);
  const { runId } = town.session(worker);
  const { session } = referenceOf<{ session: string }>(town, runId);
  await town.letGo();
  const opening = town.open();
  const plugin = await vi.waitFor(() => as(server!.token), { timeout: patience(), interval: 1 });
  expect((await plugin.call('inside.environment', { session })).result).toMatchObject({
    env: { GT_SESSION: worker, GT_RUN: runId },
  });
  expect((await plugin.call('inside.context', { session })).result).toEqual({
    text: expect.stringContaining('refinery'),
  });
  await opening;
});

describe('a run that is over', () => {
  test('E5: is not let in, and a line that it kept open does nothing more', async () => {
    const old = tokenOf(worker);
    const [server] = serverRecords(town.root);
    const { runId } = town.session(worker);
    const { session } = referenceOf<{ session: string }>(town, runId);
    const kept = await as(old);
    await town.host.api.request('session.stop', { session: worker });
    expect(await (await connect()).refusal('hello', hello(old))).toBe('denied');

    // Else the next run would go on in the same Opencode session.
    await town.host.api.request('session.dismiss', { session: worker });
    await startWorker('issue-2');

    await changesNothing(async () => {
      expect(await kept.refusal('work.done', { id: 'issue-2' })).toBe('denied');
      expect(await kept.refusal('mail.inbox', {})).toBe('denied');
      // The server's plugin tells late what happened in the Opencode session of the old run; twice.
      const plugin = await as(server!.token);
      const late = { server: server!.id, session, seq: 0, name: 'session.idle', payload: { sessionID: session } };
      for (const event of [late, late]) expect((await plugin.call('inside.event', event)).result).toEqual({});
      expect(await plugin.refusal('inside.event', { ...late, server: 'another' })).toBe('denied');
      expect((await plugin.call('inside.environment', { session })).result).toEqual({ env: {} });
      expect((await plugin.call('inside.context', { session })).result).toEqual({ text: null });
    });
    expect(town.session(worker)).toMatchObject({ state: 'running', activity: { kind: 'idle' } });
  });
});

describe('gt without a host', () => {
  test('says how to start one, and exits with 1 or more', async () => {
    const gt = path.join(townPaths(town.root).bin, 'gt');
    const cwd = path.join(town.folder, 'elsewhere');
    mkdirSync(cwd);
    const failure = (env: Record<string, string>) =>
      run(gt, ['agents'], { cwd, env }).then(
        () => ({ code: 0, stderr: '' }),
        (error: { code: number; stderr: string }) => error,
      );
    await town.letGo();
    const without = await failure({ GT_ROOT: town.root, PATH: '/usr/bin:/bin' });
    expect(without.code).toBeGreaterThan(0);
    expect(without.stderr).toMatch(/no host|not (open|running|hosted)|open/i);
    expect((await failure({ PATH: '/usr/bin:/bin' })).stderr).toMatch(/town/i);
    await town.open();
    const { stdout } = await run(gt, ['agents'], { cwd, env: { GT_ROOT: town.root, PATH: '/usr/bin:/bin' } });
    expect(stdout).toMatch(/^BACKEND +ROLE +NAME +RIG +STATE\s.*opencode +refinery +\S* +alpha /s);
  });
});
