import { describe, expect, it } from 'vitest';
import { errorMessage, observe } from '../../../../shared/backends/opencode/facts.ts';

const at = 1_000;
const session = 'ses_1';

describe('observe', () => {
  it('tells a conversation that was compacted, and a tool that is done by what it did', () => {
    expect(observe({ type: 'session.compacted', properties: { sessionID: session } }, at)).toEqual([
      { session, kind: 'sign', sign: { kind: 'compaction' } },
    ]);
    const call = (callID: string, state: object) =>
      observe(
        {
          type: 'message.part.updated',
          properties: { sessionID: session, part: { type: 'tool', tool: 'bash', callID, state } },
        },
        at,
      ).map((seen) => (seen.kind === 'sign' && seen.sign.kind === 'call' ? seen.sign : undefined));
    const input = { command: 'npm test' };
    const [first] = call('call_1', { status: 'completed', input, output: 'failed', time: { start: 1, end: 2 } });
    const [again] = call('call_2', { status: 'completed', input, output: 'failed', time: { start: 3, end: 4 } });
    const [other] = call('call_3', { status: 'completed', input, output: 'passed', time: { start: 5, end: 6 } });
    expect(first).toMatchObject({ id: 'call_1', tool: 'bash' });
    expect(again?.did).toBe(first?.did);
    expect(other?.did).not.toBe(first?.did);
    expect(call('call_4', { status: 'running', input })).toEqual([]);
  });

  it('reads status, and tells a limit from a provider that fails', () => {
    const status = (value: object) =>
      observe({ type: 'session.status', properties: { sessionID: session, status: value } }, at);
    expect(status({ type: 'busy' })).toEqual([
      { session, kind: 'activity', fact: { kind: 'busy' }, cause: 'session.status busy' },
    ]);
    expect(status({ type: 'idle' })).toMatchObject([{ fact: { kind: 'idle' } }]);
    for (const message of [
      'HTTP 429',
      'Rate limit reached',
      'You exceeded your current quota',
      'Overloaded',
      'Too Many Requests',
    ]) {
      expect(status({ type: 'retry', attempt: 1, message, next: 5_000 })).toMatchObject([
        {
          fact: { kind: 'rate-limited', until: 5_000, reason: message },
          retry: { attempt: 1, next: 5_000, failure: { kind: 'rate-limit', reason: message } },
        },
      ]);
    }
    expect(status({ type: 'retry', attempt: 2, message: 'connection refused', next: 5_000 })).toEqual([
      {
        session,
        kind: 'activity',
        fact: { kind: 'rate-limited', until: 5_000, reason: 'connection refused', failing: true },
        cause: 'session.status retry: connection refused',
        retry: { attempt: 2, next: 5_000, failure: { kind: 'provider', reason: 'connection refused' } },
      },
    ]);
    expect(status({ type: 'something new' })).toEqual([]);
  });

  it('makes a row of a permission: what, and all there is to know', () => {
    const properties = {
      id: 'per_1',
      sessionID: session,
      permission: 'bash',
      patterns: ['npm test', 'head -1'],
      metadata: { command: 'npm test |\n head -1', timeout: 5 },
      always: [],
    };
    expect(observe({ type: 'permission.asked', properties }, at)).toEqual([
      {
        session,
        kind: 'asked',
        cause: 'permission.asked',
        ask: {
          id: 'per_1',
          kind: 'permission',
          title: 'bash: npm test | head -1',
          detail: 'bash npm test\nbash head -1\ncommand: npm test |\n head -1\ntimeout: 5',
          options: [],
          calls: ['npm test', 'head -1', 'npm test |\n head -1'].map((argument) => ({
            tool: 'bash',
            argument,
            kind: 'shell',
          })),
          resolvable: true,
          since: at,
        },
      },
    ]);
  });

  it('offers the options of a question, where there is only one', () => {
    const question = (text: string) => ({
      question: text,
      header: 'H',
      options: [{ label: 'Yes', description: 'do it' }, { label: 'No' }],
    });
    const asked = (...questions: object[]) =>
      observe({ type: 'question.asked', properties: { id: 'que_1', sessionID: session, questions } }, at);
    expect(asked(question('Go on?'))).toMatchObject([
      { ask: { title: 'Go on?', options: ['Yes', 'No'], detail: 'Go on?\n- Yes: do it\n- No', kind: 'question' } },
    ]);
    expect(asked(question('Go on?'))[0]).not.toHaveProperty('ask.questions');
    const both = [question('Go on?'), { ...question('And then?'), multiple: true }];
    expect(asked(...both)).toMatchObject([
      {
        ask: {
          options: [],
          questions: [
            { text: 'Go on?', options: ['Yes', 'No'], multiple: false },
            { text: 'And then?', options: ['Yes', 'No'], multiple: true },
          ],
        },
      },
    ]);
  });

  it('closes asks by the id of the request', () => {
    for (const type of ['permission.replied', 'question.replied', 'question.rejected']) {
      expect(observe({ type, properties: { sessionID: session, requestID: 'x_1' } }, at)).toMatchObject([
        { kind: 'answered', askId: 'x_1' },
      ]);
    }
  });

  it('tells sub-agents and our own runs from other sessions', () => {
    const created = (info: object) =>
      observe(
        { type: 'session.created', properties: { sessionID: session, info: { id: session, title: 'T', ...info } } },
        at,
      );
    expect(created({})).toEqual([{ session, kind: 'created', title: 'T' }]);
    expect(created({ parentID: 'ses_0' })).toMatchObject([{ parent: 'ses_0' }]);
    expect(created({ metadata: { gastown: { run: 'run_1' } } })).toMatchObject([{ run: 'run_1' }]);
  });

  it('tells what a message is: a prompt, an answer under way, an answer', () => {
    const message = (info: object) =>
      observe({ type: 'message.updated', properties: { sessionID: session, info } }, at);
    expect(message({ id: 'msg_1', role: 'user' })).toEqual([{ session, kind: 'user-message', messageId: 'msg_1' }]);
    const answer = { id: 'msg_2', role: 'assistant', parentID: 'msg_1' };
    expect(message({ ...answer, time: { created: 1 } })).toMatchObject([
      { kind: 'answer', parentId: 'msg_1', completed: false },
    ]);
    expect(message({ ...answer, time: { created: 1, completed: 2 } })).toMatchObject([{ completed: true }]);
  });

  it('ignores what it does not know, and what is not as it should be', () => {
    expect(observe({ type: 'file.edited', properties: { file: 'x' } }, at)).toEqual([]);
    expect(observe({ type: 'session.status', properties: {} }, at)).toEqual([]);
    expect(observe({ type: 'session.status', properties: { sessionID: session, status: 'busy' } }, at)).toEqual([]);
    expect(observe({ type: 'permission.asked', properties: { sessionID: session } }, at)).toEqual([]);
    expect(observe({ type: 'message.updated', properties: { sessionID: session } }, at)).toEqual([]);
  });
});

describe('errorMessage', () => {
  it('finds the words', () => {
    expect(errorMessage({ name: 'APIError', data: { message: 'no credit\nleft' } })).toBe('no credit left');
    expect(errorMessage({ name: 'MessageAbortedError', data: { message: 'x' } })).toBe('aborted');
    expect(errorMessage({ name: 'MessageOutputLengthError', data: {} })).toBe('MessageOutputLengthError');
    expect(errorMessage(undefined)).toBe('unknown error');
  });
});

describe('an error', () => {
  it.each([
    [{ name: 'APIError', data: { message: 'no key', statusCode: 401 } }, 'account'],
    [{ name: 'ProviderAuthError', data: { message: 'not signed in' } }, 'account'],
    [{ name: 'APIError', data: { message: 'slow down', statusCode: 429 } }, 'rate-limit'],
    [{ name: 'APIError', data: { message: 'oops', statusCode: 503 } }, 'provider'],
    [{ name: 'APIError', data: { message: 'connection lost', isRetryable: true } }, 'provider'],
    [{ name: 'APIError', data: { message: 'bad request', statusCode: 400, isRetryable: false } }, 'refused'],
    [{ name: 'UnknownError', data: { message: 'Model not found' } }, 'refused'],
    [{ name: 'MessageAbortedError', data: { message: 'x' } }, undefined],
  ])('%j is the fault of: %s', (error, kind) => {
    const [seen] = observe({ type: 'session.error', properties: { sessionID: session, error } }, at);
    expect(seen).toMatchObject({ kind: 'error' });
    expect(seen?.kind === 'error' ? seen.failure?.kind : 'none').toBe(kind);
  });
});
