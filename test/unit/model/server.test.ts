import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startScriptedModel, type ScriptedModel } from '../../support/model/server.ts';
import { at, events, post } from './client.ts';

let model: ScriptedModel;
beforeAll(async () => {
  model = await startScriptedModel();
});
beforeEach(() => model.reset());
afterAll(async () => model.close());

type Message = { role: string; content: unknown; [more: string]: unknown };
const user = (content: string): Message => ({ role: 'user', content });
const script = (...steps: unknown[]): string => `go @@${JSON.stringify({ steps })}`;

const openai = (messages: Message[], more: object = {}, session = 'ses_1'): Promise<Response> =>
  post(`${model.url}/v1/chat/completions`, { model: 'm1', messages, ...more }, { 'x-session-id': session });
const anthropic = (messages: Message[], more: object = {}, session = 's1'): Promise<Response> =>
  post(
    `${model.url}/v1/messages?beta=true`,
    { model: 'sonnet', messages, ...more },
    { 'x-claude-code-session-id': session },
  );
const said = async (response: Promise<Response>): Promise<unknown> => {
  const body: unknown = await (await response).json();
  return at(body, 'choices', 0, 'message', 'content') ?? at(body, 'content', 0, 'text');
};
const called = (id: string): Message => ({
  role: 'assistant',
  content: '',
  tool_calls: [{ id, type: 'function', function: { name: 'bash', arguments: '{}' } }],
});
const result = (id: string): Message => ({ role: 'tool', tool_call_id: id, content: 'ok' });

describe('OpenAI chat completions', () => {
  it('stream text and a tool call as deltas, then the usage', async () => {
    const usage = { input: 600, cached: 400, output: 100 };
    const text = script({ usage }, { text: 'I begin', chunks: 3 }, { tool: 'bash', args: { command: 'ls' } });
    const response = await openai([user(text)], { stream: true });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const chunks = (await events(response)).map(({ data }) => data);
    expect(chunks.at(-1)).toBe('[DONE]');
    const deltas = chunks.map((chunk) => at(chunk, 'choices', 0, 'delta'));
    const words = deltas.map((delta) => at(delta, 'content')).filter((word) => typeof word === 'string' && word !== '');
    expect(words).toHaveLength(3);
    expect(words.join('')).toBe('I begin');
    const calls = deltas.map((delta) => at(delta, 'tool_calls', 0)).filter((call) => call !== undefined);
    expect(at(calls[0], 'function', 'name')).toBe('bash');
    const args = calls.map((call) => at(call, 'function', 'arguments')).join('');
    expect(JSON.parse(args)).toMatchObject({ command: 'ls' });
    expect(chunks.map((chunk) => at(chunk, 'choices', 0, 'finish_reason')).find((reason) => reason != null)).toBe(
      'tool_calls',
    );
    expect(at(chunks.at(-2), 'usage')).toEqual({
      prompt_tokens: 1000,
      completion_tokens: 100,
      total_tokens: 1100,
      prompt_tokens_details: { cached_tokens: 400 },
    });
  });

  it('step through a script by the tool results in the history', async () => {
    const start = user(
      script(
        { tool: 'bash', args: {} },
        {
          tools: [
            { tool: 'read', args: {} },
            { tool: 'glob', args: {} },
          ],
        },
        { text: 'end' },
      ),
    );
    const one = (await (await openai([start])).json()) as unknown;
    expect(at(one, 'choices', 0, 'message', 'tool_calls', 0, 'function', 'name')).toBe('bash');
    const two = (await (await openai([start, called('1'), result('1')])).json()) as unknown;
    expect(at(two, 'choices', 0, 'message', 'tool_calls', 1, 'function', 'name')).toBe('glob');
    expect(at(two, 'choices', 0, 'finish_reason')).toBe('tool_calls');
    const all = [start, called('1'), result('1'), called('2'), result('2'), result('3')];
    expect(await said(openai(all))).toBe('end');
    expect(await said(openai(all))).toBe('end');
  });
});

describe('Anthropic messages', () => {
  it('stream from message_start to message_stop, with tool input as JSON deltas and usage', async () => {
    const usage = { input: 600, cached: 400, cacheWrite: 5, output: 100 };
    const text = script({ usage }, { text: 'Hi' }, { tool: 'write', args: { path: '/a', content: 'b' } });
    const all = await events(await anthropic([user(text)], { stream: true }));
    expect(all.map(({ event }) => event)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(at(all[4]?.data, 'content_block')).toMatchObject({ type: 'tool_use', name: 'Write', input: {} });
    const input = all.slice(5, 7).map(({ data }) => at(data, 'delta', 'partial_json'));
    expect(JSON.parse(input.join(''))).toEqual({ file_path: '/a', content: 'b' });
    expect(all[8]?.data).toMatchObject({
      delta: { stop_reason: 'tool_use' },
      usage: { input_tokens: 600, cache_read_input_tokens: 400, cache_creation_input_tokens: 5, output_tokens: 100 },
    });
  });

  it('answer whole where no stream is asked for, and count tokens', async () => {
    const body = (await (await anthropic([user('hello')])).json()) as unknown;
    expect(body).toMatchObject({
      type: 'message',
      content: [{ type: 'text', text: 'Understood.' }],
      stop_reason: 'end_turn',
    });
    const counted = await post(`${model.url}/v1/messages/count_tokens`, { messages: [user('hello')] });
    expect(at(await counted.json(), 'input_tokens')).toBeGreaterThan(0);
    expect(model.requests.map(({ kind }) => kind)).toEqual(['turn', 'other']);
  });

  it('give a title in the JSON form asked for, which is no turn', async () => {
    const schema = { type: 'object', properties: { title: { type: 'string' } } };
    const more = { system: 'Write a title.', output_config: { format: { type: 'json_schema', schema } } };
    expect(await said(anthropic([user(script({ text: 'no' }))], more))).toBe('{"title":"Scripted session"}');
    expect(model.requests[0]).toMatchObject({ kind: 'title', turn: 0 });
  });

  it('are greeted by HEAD / and /api/hello', async () => {
    for (const path of ['/', '/api/hello'])
      expect((await fetch(model.url + path, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${model.url}/v1/models`)).status).toBe(200);
    expect((await fetch(`${model.url}/nowhere`)).status).toBe(404);
  });
});

describe('failures', () => {
  it('of a script come before the rest of it, as often as said', async () => {
    const text = user(script({ status: 429, headers: { 'retry-after': '1' }, times: 2 }, { text: 'at last' }));
    const first = await openai([text]);
    expect([first.status, first.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await openai([text])).status).toBe(429);
    expect(await said(openai([text]))).toBe('at last');
    expect(model.requests.map(({ step, outcome }) => [step, outcome])).toEqual([
      ['status 429', 'failed'],
      ['status 429', 'failed'],
      ['text', 'answered'],
    ]);
  });

  it('have the error form of the dialect', async () => {
    const body = (await (await anthropic([user(script({ status: 529 }))])).json()) as unknown;
    expect(body).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
    const own = await anthropic([user(script({ status: 400, body: { my: 'words' } }))]);
    expect(await own.json()).toEqual({ my: 'words' });
  });

  it.each([
    ['openai', openai],
    ['anthropic', anthropic],
  ])('cut an %s stream in its middle, then go on', async (_name, ask) => {
    const text = user(script({ text: 'half of this', chunks: 4 }, { cut: true }, { text: 'whole' }));
    const response = await ask([text], { stream: true });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    await model.waitFor(({ outcome }) => outcome === 'cut');
    expect(await said(ask([text]))).toBe('whole');
    await expect(ask([user(script({ cut: true }))]).then((whole) => whole.text())).rejects.toThrow();
  });

  it('fall silent until the client hangs up, at once or in the middle of the stream', async () => {
    const gone = new AbortController();
    const init = { method: 'POST', signal: gone.signal };
    const body = (hang: unknown): string =>
      JSON.stringify({ model: 'm', stream: true, messages: [user(script({ hang }))] });
    const never = fetch(`${model.url}/v1/messages`, { ...init, body: body(true) });
    const middle = await fetch(`${model.url}/v1/messages`, { ...init, body: body('mid') });
    expect(middle.status).toBe(200);
    // Both have come: one that is given up before it is sent would never be seen.
    for (const number of [0, 1]) await model.waitFor(({ index, step, outcome }) => index === number && step === 'hang' && outcome === 'pending');
    gone.abort();
    await expect(never).rejects.toThrow();
    await model.waitFor(({ index, outcome }) => index === 0 && outcome === 'aborted');
    await model.waitFor(({ index, outcome }) => index === 1 && outcome === 'aborted');
  });

  it('can be asked for from outside a script, but spare titles', async () => {
    model.fail({ status: 500, times: 1, match: /urgent/ });
    expect((await openai([user('calm')])).status).toBe(200);
    expect((await openai([{ role: 'system', content: 'title generator' }, user('urgent')])).status).toBe(200);
    expect((await openai([user('urgent')])).status).toBe(500);
    expect((await openai([user('urgent')])).status).toBe(200);
  });

  it('tell a mistyped directive from an answer', async () => {
    const response = await openai([user('@@{"steps":[{"tekst":"a"}]}')]);
    expect(response.status).toBe(400);
    expect(at(await response.json(), 'error', 'message')).toMatch(/scripted model: directive\.steps\[0\]/);
  });
});

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
    await expect(request).rejects.toThrow();
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
    await expect(model.waitFor(() => false, 1)).rejects.toThrow(/within 1 ms[\s\S]*turn ses_1: sooner/);
  });

  it('is empty after a reset, which ends what is under way', async () => {
    const held = openai([user(script({ hold: 'gate' }))]);
    const broken = expect(held).rejects.toThrow();
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
