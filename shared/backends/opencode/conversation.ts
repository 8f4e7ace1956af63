import { deliveryMark } from '../../domain/delivery.ts';
import type { TurnFailure } from '../../domain/run.ts';
import { answerOf, requestMs, within } from './client.ts';
import { failureOf } from './facts.ts';
import type { Run } from './run.ts';

/** What the conversation has of an entry of a delivery. */
export interface Found {
  entry: string;
  /** The message that has it; message ids are in the order of their creation. */
  messageId: string;
  /** The model has begun to answer it, or a later message. */
  answered: boolean;
}

/** Which of these entries are in the run's conversation, and the conversation's newest message ('' where it is empty). */
export async function findIn(run: Run, entries: readonly string[]): Promise<{ found: Found[]; newest: string }> {
  const messages = await messagesOf(run);
  const answered = messages.reduce((last, { answers }) => (answers > last ? answers : last), '');
  const found = entries.flatMap((entry) => {
    const has = messages.findLast(
      ({ role, texts }) => role === 'user' && texts.some((text) => text.includes(deliveryMark(entry))),
    );
    return has ? [{ entry, messageId: has.id, answered: has.id <= answered }] : [];
  });
  return { found, newest: messages.at(-1)?.id ?? '' };
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

interface Said {
  id: string;
  role: 'user' | 'assistant';
  texts: string[];
  /** The message that this answer of the model's is to, once it has begun; else ''. */
  answers: string;
  /** Why the answer failed. */
  error?: unknown;
}

/** What was said in the session, in order: all of it, or the newest messages. */
async function messagesOf(run: Run, limit?: number): Promise<Said[]> {
  const which = { sessionID: run.session, ...(limit === undefined ? {} : { limit }) };
  const messages = await answerOf('list the messages', run.server.client.session.messages(which, within(requestMs)));
  return messages.map(({ info, parts }) => ({
    id: info.id,
    role: info.role,
    answers: info.role === 'assistant' && parts.some(({ type }) => type === 'step-start') ? info.parentID : '',
    texts: parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])),
    ...(info.role === 'assistant' && info.error !== undefined ? { error: info.error } : {}),
  }));
}
