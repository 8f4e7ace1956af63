import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startScriptedModel, type ScriptedModel } from '../../support/model/server.ts';
import { at, post } from './client.ts';
import { called, result, said, script, user, talkTo } from './talk.ts';
import type { Ask } from './talk.ts';

let model: ScriptedModel;
let openai: Ask;
let anthropic: Ask;
beforeAll(async () => {
  model = await startScriptedModel();
  ({ openai, anthropic } = talkTo(model));
});
beforeEach(() => model.reset());
afterAll(async () => model.close());

describe('rules', () => {
  it('decide by text, system and turn; the first that matches wins, a directive before all', async () => {
    model.on({ name: 'second turn', match: ({ turn }) => turn === 2, steps: [{ text: 'two' }] });
    model.on({ name: 'work', match: /issue-\d/, steps: ({ text, system }) => [{ text: `${system}: ${text}` }] });
    const system = { role: 'system', content: 'polecat' };
    expect(await said(openai([system, user('do issue-1')]))).toBe('polecat: do issue-1');
    expect(await said(openai([user('a'), { role: 'assistant', content: 'b' }, user('issue-2')]))).toBe('two');
    expect(await said(openai([user(`issue-3 ${script({ text: 'mine' })}`)]))).toBe('mine');
    expect(model.requests.map(({ rule }) => rule)).toEqual(['work', 'second turn', 'directive']);
  });

  it('that throw are the answer, so that a mistake in a test shows', async () => {
    const fail = (): never => {
      throw new Error('no such work');
    };
    model.on({ name: 'broken', match: /./, steps: fail });
    const response = await openai([user('x')]);
    expect(response.status).toBe(500);
    expect(at(await response.json(), 'error', 'message')).toMatch(/no such work/);
    expect(model.requests[0]?.outcome).toBe('failed');
  });

  it('are replaced by name and taken away again', async () => {
    model.on({ name: 'a', match: /./, steps: [{ text: 'old' }] });
    const remove = model.on({ name: 'a', match: /./, steps: [{ text: 'new' }] });
    expect(await said(openai([user('x')]))).toBe('new');
    remove();
    expect(await said(openai([user('x')]))).toBe('Understood.');
  });
});

describe('a message in the middle of a turn', () => {
  const work = user(script({ tool: 'bash', args: {} }, { tool: 'bash', args: { last: true } }, { text: 'work done' }));

  it('does not undo the turn that it came into', async () => {
    const history = [work, called('1'), result('1'), user('a nudge')];
    const body = (await (await openai(history)).json()) as unknown;
    expect(at(body, 'choices', 0, 'message', 'tool_calls', 0, 'function', 'arguments')).toMatch(/"last":true/);
    expect(await said(openai([...history, called('2'), result('2')]))).toBe('work done');
  });

  it('has its own script run after the first', async () => {
    const history = [work, called('1'), result('1'), user(script({ text: 'nudge done' })), called('2'), result('2')];
    expect(await said(openai(history))).toBe('work done\nnudge done');
  });

  it('stands alone when the turn before it was given up', async () => {
    const gone = new AbortController();
    const held = user(script({ hold: 'gate' }, { text: 'never' }));
    const request = fetch(`${model.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'x-session-id': 'ses_1' },
      body: JSON.stringify({ model: 'm', messages: [held] }),
      signal: gone.signal,
    });
    await model.waitFor(({ outcome }) => outcome === 'pending');
    gone.abort();
    await expect(request.then((response) => response.text())).rejects.toThrow();
    await model.waitFor(({ outcome }) => outcome === 'aborted');
    expect(await said(openai([held, user('next')]))).toBe('Understood.');
  });
});

describe('the record', () => {
  it('counts the messages that the model saw, not how often a history was sent', async () => {
    const first = [{ role: 'system', content: 'You are X.' }, user('hello X')];
    await openai(first);
    await openai([...first, { role: 'assistant', content: 'X' }, user('again X')]);
    await openai([
      ...first,
      { role: 'assistant', content: 'X' },
      user('again X'),
      { role: 'assistant', content: 'a' },
      user('again X'),
    ]);
    await anthropic([user('X too')]);
    await openai([{ role: 'system', content: 'title generator' }, user('a title for X')]);
    expect(model.seen('X')).toEqual([
      { conversation: 'ses_1', messageIndex: 1, role: 'user' },
      { conversation: 'ses_1', messageIndex: 0, role: 'system' },
      { conversation: 'ses_1', messageIndex: 3, role: 'user' },
      { conversation: 'ses_1', messageIndex: 5, role: 'user' },
      { conversation: 's1', messageIndex: 0, role: 'user' },
    ]);
    expect(model.seen('nowhere')).toEqual([]);
  });

  it('keeps no credentials', async () => {
    await post(
      `${model.url}/v1/messages`,
      { messages: [] },
      { authorization: 'Bearer abc', 'x-api-key': 'abc', 'x-app': 'cli' },
    );
    expect(JSON.stringify(model.requests)).not.toContain('abc');
    expect(model.requests[0]?.headers).toMatchObject({
      authorization: 'redacted',
      'x-api-key': 'redacted',
      'x-app': 'cli',
    });
  });

  it('is waited for, and says what came instead', async () => {
    const waiting = model.waitFor(({ text }) => text === 'later');
    await openai([user('sooner')]);
    await openai([user('later')]);
    expect((await waiting).index).toBe(1);
    await expect(model.waitFor(() => false, 1)).rejects.toThrow(/within \d+ ms[\s\S]*turn ses_1: sooner/);
  });

  it('is empty after a reset, which ends what is under way', async () => {
    const held = openai([user(script({ hold: 'gate' }))]);
    const broken = expect(held.then((response) => response.text())).rejects.toThrow();
    await model.waitFor(({ outcome }) => outcome === 'pending');
    model.reset();
    await broken;
    expect(model.requests).toEqual([]);
  });
});

describe('a gate', () => {
  it('holds an answer until it is released', async () => {
    let answered = false;
    const answer = said(openai([user(script({ hold: 'gate' }, { text: 'free' }))])).then((text) => {
      answered = true;
      return text;
    });
    await model.waitFor(({ outcome }) => outcome === 'pending');
    expect(await said(openai([user('another')], {}, 'ses_2'))).toBe('Understood.');
    expect(answered).toBe(false);
    model.release('gate');
    expect(await answer).toBe('free');
  });

  it('holds what is said in a stream, which begins', async () => {
    const response = await openai([user(script({ hold: 'gate' }, { text: 'free' }))], { stream: true });
    const reader = response.body!.getReader();
    const next = async (): Promise<string> => Buffer.from((await reader.read()).value ?? []).toString();
    expect(await next()).toContain('"role":"assistant"');
    let said = '';
    const more = next().then((frame) => (said = frame));
    await openai([user('another')], {}, 'ses_2');
    expect(said).toBe('');
    model.release('gate');
    expect(await more).toContain('free');
    await reader.cancel();
  });
});

describe('another process', () => {
  it('programs rules and failures, and reads what happened', async () => {
    const rule = {
      name: 'work',
      match: 'issue-(?<n>\\d)',
      system: 'polecat',
      steps: [{ text: 'fixing {{n}} of {{m}}' }],
    };
    expect(await (await post(`${model.url}/rules`, { rules: [rule] })).json()).toEqual({ rules: ['work'] });
    await post(`${model.url}/fail`, { status: 500, match: 'issue' });
    const ask = (): Promise<Response> => openai([{ role: 'system', content: 'a polecat' }, user('do issue-7')]);
    expect((await ask()).status).toBe(500);
    expect(await said(ask())).toBe('fixing 7 of {{m}}');
    expect(await said(openai([user('do issue-7')]))).toBe('Understood.');
    const get = async (path: string): Promise<unknown> => (await fetch(model.url + path)).json();
    expect(await get('/stats')).toEqual({
      requests: 3,
      kinds: { turn: 3 },
      dialects: { openai: 3 },
      outcomes: { failed: 1, answered: 2 },
      conversations: ['ses_1'],
      rules: ['work'],
    });
    expect(at(await get('/requests'), 1, 'rule')).toBe('work');
    expect(await get('/seen?text=issue-7')).toHaveLength(1);
    await post(`${model.url}/reset`, {});
    expect(await get('/requests')).toEqual([]);
  });

  it('is told what is wrong with a rule, a failure or a body', async () => {
    const reason = async (path: string, body: unknown): Promise<unknown> => {
      const response = await post(model.url + path, body);
      return [response.status, at(await response.json(), 'error', 'message')];
    };
    expect(await reason('/rules', { name: 'a', match: '(', steps: [] })).toEqual([
      400,
      expect.stringMatching(/rule "a": match/),
    ]);
    expect(await reason('/fail', { text: 'a' })).toEqual([400, expect.stringMatching(/expected a failure/)]);
    const broken = await fetch(`${model.url}/v1/messages`, { method: 'POST', body: '{' });
    expect(broken.status).toBe(400);
  });
});
