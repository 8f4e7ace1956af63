import type { ScriptedModel } from '../../support/model/server.ts';
import { at, post } from './client.ts';

/** A message as it stands in a request of either dialect. */
export type Message = { role: string; content: unknown; [more: string]: unknown };

export const user = (content: string): Message => ({ role: 'user', content });
export const script = (...steps: unknown[]): string => `go %%${JSON.stringify({ steps })}`;
export const called = (id: string): Message => ({
  role: 'assistant',
  content: '',
  tool_calls: [{ id, type: 'function', function: { name: 'bash', arguments: '{}' } }],
});
export const result = (id: string): Message => ({ role: 'tool', tool_call_id: id, content: 'ok' });

export type Ask = (messages: Message[], more?: object, session?: string) => Promise<Response>;

/** Asks the model in one dialect or the other. */
export function talkTo(model: ScriptedModel): { openai: Ask; anthropic: Ask } {
  return {
    openai: (messages, more = {}, session = 'ses_1') =>
      post(`${model.url}/v1/chat/completions`, { model: 'm1', messages, ...more }, { 'x-session-id': session }),
    anthropic: (messages, more = {}, session = 's1') =>
      post(
        `${model.url}/v1/messages?beta=true`,
        { model: 'sonnet', messages, ...more },
        { 'x-claude-code-session-id': session },
      ),
  };
}

export const said = async (response: Promise<Response>): Promise<unknown> => {
  const body: unknown = await (await response).json();
  return at(body, 'choices', 0, 'message', 'content') ?? at(body, 'content', 0, 'text');
};
