import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { chmod, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { askOnce } from '../../../shared/channel/ask-once.ts';
import { ChannelClient } from '../../../shared/channel/client.ts';
import { protocolVersion } from '../../../shared/channel/protocol.ts';
import type { CallerView } from '../../../shared/channel/protocol.ts';
import { ChannelServer } from '../../../shared/channel/server.ts';
import { GasTownError, hasCode } from '../../../shared/platform/errors.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
let server: ChannelServer | undefined;

beforeEach(() => {
  folder = temporaryFolder('channel');
  path = join(folder.path, 'private', 'host.sock');
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  folder.remove();
});

const hello = (token = 'right') => ({ protocol: protocolVersion, token, client: 'test' }) as const;
const person: CallerView = { kind: 'person' };

async function listen(
  handle: (method: string, params: unknown, signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  server = await ChannelServer.listen(
    path,
    {
      identify: (token) => (token === 'right' ? person : undefined),
      hello: (caller) => ({ protocol: protocolVersion, town: 'test', root: '/town', host: 'here', caller }),
      handle: (_caller, method, params, signal) => handle(method, params, signal),
    },
    silentLogger,
  );
}

describe('channel', () => {
  test('the socket and its folder are private', async () => {
    await listen(async () => ({}));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
  });

  test('nobody is taken for the host whose socket lies in a folder that others may write to, or in a link', async () => {
    await listen(async () => ({ text: 'x' }));
    const link = join(folder.path, 'link');
    await symlink(join(path, '..'), link);
    await expect(ChannelClient.connect(join(link, 'host.sock'), hello())).rejects.toThrow('not a private folder');
    await chmod(join(path, '..'), 0o711);
    await expect(ChannelClient.connect(path, hello())).rejects.toThrow('not a private folder');
    const question = { socket: path, token: 'right', client: 'test', method: 'session.prime', params: {} } as const;
    await expect(askOnce(question)).rejects.toThrow('not a private folder');
    await chmod(join(path, '..'), 0o700);
    await expect(askOnce(question)).resolves.toEqual({ text: 'x' });
  });

  test('a single question: an answer, a refusal, or nobody there', async () => {
    await listen(async (method) => {
      if (method === 'session.prime') return { text: 'ä'.repeat(100_000) };
      throw new GasTownError('unknown-rig', 'There is no rig "x".');
    });
    const question = { socket: path, token: 'right', client: 'test', method: 'session.prime', params: {} } as const;
    expect((await askOnce(question)).text).toHaveLength(100_000);
    await expect(askOnce({ ...question, method: 'town.doctor' })).rejects.toMatchObject({
      name: 'RefusedError',
      code: 'unknown-rig',
    });
    await expect(askOnce({ ...question, token: 'wrong' })).rejects.toMatchObject({
      name: 'RefusedError',
      code: 'denied',
    });
    await expect(askOnce({ ...question, socket: `${path}-not` })).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test.each([
    ['66 KB', 66 * 1024],
    ['1 MB', 1024 * 1024],
  ])('a single question of %s is heard, as a hook asks it that tells of a file', async (_size, length) => {
    let told: unknown;
    await listen(async (_method, params) => {
      told = params;
      return { answer: { decision: 'allow' } };
    });
    const params = {
      name: 'PermissionRequest',
      payload: { tool_name: 'Write', tool_input: { content: 'x'.repeat(length) } },
      ask: 'a',
    };
    await expect(
      askOnce({ socket: path, token: 'right', client: 'test', method: 'inside.hook', params }),
    ).resolves.toEqual({ answer: { decision: 'allow' } });
    expect(told).toEqual(params);
  });

  test('what is held open for a caller is over when it goes, but not when the host goes', async () => {
    const signals: AbortSignal[] = [];
    let heard = (): void => undefined;
    await listen((_method, _params, signal) => {
      signals.push(signal);
      heard();
      return new Promise(() => undefined);
    });
    const hold = async (signal: AbortSignal): Promise<unknown> => {
      const holding = new Promise<void>((resolve) => (heard = resolve));
      const hook = { name: 'PermissionRequest', payload: {}, ask: 'a' };
      const asked = askOnce({
        socket: path,
        token: 'right',
        client: 'test',
        method: 'inside.hook',
        params: hook,
        signal,
      });
      const outcome = asked.catch((error: unknown) => error);
      await holding;
      return outcome;
    };
    const goes = new AbortController();
    const first = hold(goes.signal);
    await expect.poll(() => signals.length).toBe(1);
    goes.abort();
    await first;
    await expect.poll(() => signals[0]?.aborted).toBe(true);
    const second = hold(new AbortController().signal);
    await expect.poll(() => signals.length).toBe(2);
    await server?.close();
    server = undefined;
    expect(await second).toBeInstanceOf(Error);
    await nextTurn();
    expect(signals[1]?.aborted).toBe(false);
  });

  test('an answer counts that the host has given before it closed the connection', async () => {
    let leave: Promise<void> | undefined;
    await listen(async () => {
      for (let told = 0; told < 10; told += 1) server?.notify('town.changed', { told, text: 'x'.repeat(50_000) });
      leave = nextTurn().then(async () => {
        await server?.flush();
        await server?.close();
      });
      return { id: 'last words' };
    });
    const client = await ChannelClient.connect(path, { ...hello(), watch: true });
    await expect(client.request('work.show', { id: 'x' })).resolves.toEqual({ id: 'last words' });
    await leave;
    server = undefined;
    await expect(client.request('work.show', { id: 'x' })).rejects.toMatchObject({ code: 'no-host' });
  });

  test('a wrong token, bad parameters and expected errors come back with their code', async () => {
    await listen(async () => {
      throw new GasTownError('unknown-rig', 'There is no rig "x".');
    });
    await expect(ChannelClient.connect(path, hello('wrong'))).rejects.toMatchObject({ code: 'denied' });
    const client = await ChannelClient.connect(path, hello());
    await expect(client.request('work.show', { id: 'x' })).rejects.toMatchObject({
      code: 'unknown-rig',
      message: 'There is no rig "x".',
    });
    await expect(client.request('work.show', { id: '' })).rejects.toMatchObject({ code: 'bad-input' });
    client.close();
  });

  test('the reason of an error is the same thing for who asks the core and for who asks over the channel', async () => {
    const error = new GasTownError('inside-repository', 'It is a folder of a repository.');
    await listen(async () => {
      throw error;
    });
    const client = await ChannelClient.connect(path, hello());
    const told = await client.request('rig.add', { source: 'x', name: 'x' }).catch((reason: unknown) => reason);
    for (const each of [error, told]) {
      expect(hasCode(each, 'inside-repository')).toBe(true);
      expect(hasCode(each, 'cancelled')).toBe(false);
    }
    expect(hasCode({ code: 'cancelled' }, 'cancelled')).toBe(false);
    client.close();
  });

  test('cancelling reaches the host, which may still say what it did', async () => {
    const controller = new AbortController();
    await listen(
      (_method, _params, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new GasTownError('cancelled', 'It was undone.')));
          controller.abort();
        }),
    );
    const client = await ChannelClient.connect(path, hello());
    await expect(client.request('town.snapshot', {}, controller.signal)).rejects.toMatchObject({
      message: 'It was undone.',
    });
    client.close();
  });

  test('a host that goes away ends the calls that wait for it', async () => {
    await listen(() => new Promise(() => undefined));
    const client = await ChannelClient.connect(path, hello());
    const waiting = client.request('town.snapshot', {});
    await server?.close();
    server = undefined;
    await expect(waiting).rejects.toMatchObject({ code: 'no-host' });
    await client.closed;
  });

  test('a host that accepts and then says nothing is not waited for', async () => {
    await listen(async () => ({}));
    const mute: Server = createServer((socket) => void socket.resume());
    const mutePath = join(folder.path, 'mute.sock');
    await new Promise<void>((resolve) => mute.listen(mutePath, resolve));
    await expect(ChannelClient.connect(mutePath, hello(), 50)).rejects.toMatchObject({ code: 'cancelled' });
    await new Promise((resolve) => mute.close(resolve));
  });
});
