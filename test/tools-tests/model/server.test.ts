import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startScriptedModel, type ScriptedModel } from '../../support/model/server.ts';
import { at, events, post } from './client.ts';
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

  it.each(['openai', 'anthropic'] as const)('cut an %s stream in its middle, then go on', async (dialect) => {
    const ask = talkTo(model)[dialect];
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
    for (const number of [0, 1])
      await model.waitFor(({ index, step, outcome }) => index === number && step === 'hang' && outcome === 'pending');
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
    const response = await openai([user('%%{"steps":[{"tekst":"a"}]}')]);
    expect(response.status).toBe(400);
    expect(at(await response.json(), 'error', 'message')).toMatch(/scripted model: directive\.steps\[0\]/);
  });
});
