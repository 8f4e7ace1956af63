import { deliveryMark } from '../../domain/delivery.ts';
import type { TurnFailure } from '../../domain/run.ts';
import { answerOf, requestMs, within } from './client.ts';
import { failureOf } from './facts.ts';
import type { Run } from './run.ts';

/** Which of these messages are in the run's conversation. */
export async function inConversation(run: Run, messageIds: readonly string[]): Promise<string[]> {
  const texts = (await messagesOf(run)).flatMap(({ role, texts: parts }) => (role === 'user' ? parts : []));
  return messageIds.filter((id) => texts.some((text) => text.includes(deliveryMark(id))));
}

/** What the model said last. */
export async function lastWordsIn(run: Run): Promise<string | undefined> {
  const newest = await messagesOf(run, 50);
  const said = newest.flatMap(({ role, texts }) => (role === 'assistant' ? [texts.join('\n').trim()] : []));
  return said.findLast((text) => text !== '');
}

/** Why the newest turn failed, in the words that its last answer has for it. Undefined where it did not, or goes on. */
export async function lastFailureIn(run: Run): Promise<TurnFailure | undefined> {
  const newest = (await messagesOf(run, 1)).at(-1);
  return newest?.error === undefined ? undefined : failureOf(newest.error);
}

/** What was said in the session, in order: all of it, or the newest messages. `error`: why an answer failed. */
async function messagesOf(
  run: Run,
  limit?: number,
): Promise<{ role: 'user' | 'assistant'; texts: string[]; error?: unknown }[]> {
  const which = { sessionID: run.session, ...(limit === undefined ? {} : { limit }) };
  const messages = await answerOf('list the messages', run.server.client.session.messages(which, within(requestMs)));
  return messages.map(({ info, parts }) => ({
    role: info.role,
    texts: parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])),
    ...(info.role === 'assistant' && info.error !== undefined ? { error: info.error } : {}),
  }));
}
