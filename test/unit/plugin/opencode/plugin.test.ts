import { excessOf } from '../../../../shared/channel/frame-bounds.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PluginInput } from '@opencode-ai/plugin';
import * as plugin from '../../../../plugin/opencode/gastown.ts';
import { messageTexts, payloadOf } from '../../../../plugin/opencode/payload.ts';

describe('gastown.js', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('E13: is inert in an Opencode that is not ours, even in a terminal of the town', async () => {
    const input = { directory: '/x', serverUrl: new URL('http://localhost:4096') } as unknown as PluginInput;
    for (const name of ['GT_SOCKET', 'GT_TOKEN', 'GT_SERVER']) vi.stubEnv(name, undefined);
    expect(await plugin.GasTown(input)).toEqual({});
    vi.stubEnv('GT_SOCKET', '/nowhere');
    vi.stubEnv('GT_TOKEN', 'a session’s own');
    expect(await plugin.GasTown(input)).toEqual({});
  });

  it('exports nothing but functions: Opencode would reject it without a word', () => {
    expect(Object.values(plugin).every((value) => typeof value === 'function')).toBe(true);
  });
});

describe('payloadOf', () => {
  it('passes on what the host wants, shortened', () => {
    const asked = payloadOf('permission.asked', {
      id: 'per_1',
      sessionID: 's',
      metadata: { diff: 'x'.repeat(100_000) },
    });
    expect(JSON.stringify(asked).length).toBeLessThan(25_000);
    expect(
      payloadOf('session.created', {
        sessionID: 's',
        info: { id: 's', title: 'T', metadata: { a: 1 }, permission: [] },
      }),
    ).toEqual({
      sessionID: 's',
      info: { id: 's', title: 'T', metadata: { a: 1 } },
    });
  });

  it.each([
    ['deep', JSON.parse(`${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`) as unknown],
    ['many values', Array.from({ length: 200_000 }, () => 1)],
    ['many names', Object.fromEntries(Array.from({ length: 200_000 }, (_, at) => [`name-${at}`, {}]))],
    ['many texts', Array.from({ length: 9_000 }, () => '\u0001'.repeat(20_000))],
  ])('stays within what the host takes in one message: %s', (_what, metadata) => {
    for (const payload of [
      payloadOf('permission.asked', { id: 'per_1', sessionID: 's', metadata }),
      payloadOf('session.created', { sessionID: 's', info: { id: 's', metadata } }),
      payloadOf('message.updated', { sessionID: 's', info: { id: 'm', role: 'user', error: metadata } }),
    ]) {
      const frame = Buffer.from(
        JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'inside.event',
          params: { server: 's', seq: 1, name: 'n', payload },
        }),
      );
      expect([excessOf(frame), frame.length < 16 * 1024 * 1024]).toEqual([undefined, true]);
    }
  });

  it('reports the texts of a message as they are, as far as they go into one message to the host', () => {
    const texts = ['x'.repeat(100_000), 'x'.repeat(3_000_000), 'short'];
    expect(messageTexts('s', 'm', ['hello', texts[0]!])).toEqual({
      sessionID: 's',
      messageID: 'm',
      texts: ['hello', texts[0]],
    });
    expect(messageTexts('s', 'm', texts)['texts']).toEqual([texts[0], 'short']);
  });

  it('reports answers only when they are complete, with their price', () => {
    const info = { id: 'm', sessionID: 's', role: 'assistant', parentID: 'p', cost: 0.1, time: { created: 1 } };
    expect(payloadOf('message.updated', { sessionID: 's', info })).toBeUndefined();
    const done = { ...info, time: { created: 1, completed: 2 } };
    expect(payloadOf('message.updated', { sessionID: 's', info: done })).toEqual({ sessionID: 's', info: done });
  });

  it('keeps the noise to itself', () => {
    for (const type of ['message.part.delta', 'message.part.updated', 'file.edited', 'plugin.added'])
      expect(payloadOf(type, {})).toBeUndefined();
  });
});
