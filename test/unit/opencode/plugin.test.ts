import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PluginInput } from '@opencode-ai/plugin';
import * as plugin from '../../../plugin/opencode/gastown.ts';
import { payloadOf } from '../../../plugin/opencode/payload.ts';

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
