/**
 * What an Opencode event means, as pure functions. The same events come from the server's event stream and, trimmed, from
 * gastown.js, so everything is read defensively: an event that is not as expected means nothing.
 */
import { createHash } from 'node:crypto';
import type { Ask, Question, ToolCall } from '../../domain/activity.ts';
import type { AskReply, StatusReport } from '../../domain/status-report.ts';
import type { TurnFailure } from '../../domain/run.ts';
import { isObject } from '../../platform/objects.ts';
import type { Sign } from '../repetition.ts';
import type { Retry } from './retry-budget.ts';

export interface OpencodeEvent {
  type: string;
  properties: Record<string, unknown>;
}

/** Something that happened in the Opencode session `session`. */
export type Observation = { session: string } & (
  | {
      kind: 'activity';
      fact: Extract<StatusReport, { kind: 'busy' | 'idle' | 'rate-limited' }>;
      cause: string;
      retry?: Retry;
    }
  | { kind: 'asked'; ask: Ask; cause: string }
  | { kind: 'answered'; askId: string; reply?: AskReply; cause: string }
  /** `failure` where it is the provider's. */
  | { kind: 'error'; message: string; failure?: TurnFailure }
  | { kind: 'created'; parent?: string; title: string; run?: string }
  | { kind: 'deleted' }
  | { kind: 'user-message'; messageId: string }
  /** A user message that is about to be stored, with its texts: something may refuse it still. */
  | { kind: 'announced'; messageId: string; texts: readonly string[] }
  /** Text of any message; whose it is, `user-message` tells before. */
  | { kind: 'text'; messageId: string; text: string }
  /** The message `messageId` is to be, or is, the model's answer to the user message `parentId` and all before it. */
  | { kind: 'answer'; messageId: string; parentId: string; completed: boolean }
  /** The provider sends the answer `messageId`: the model has what it answers. */
  | { kind: 'answering'; messageId: string }
  /** Whether the turn gets on can be told by it. */
  | { kind: 'sign'; sign: Exclude<Sign, { kind: 'error' }> }
);

/** What `permission.replied` says. */
const replies: Readonly<Record<string, AskReply>> = { once: 'allowed', always: 'always', reject: 'denied' };

/** Pure. `at` is the time of arrival. */
export function observe({ type, properties }: OpencodeEvent, at: number): Observation[] {
  const info = isObject(properties['info']) ? properties['info'] : {};
  const session = string(properties['sessionID']) ?? string(info['sessionID']) ?? string(info['id']);
  if (session === undefined) return [];
  switch (type) {
    case 'session.created':
    case 'session.updated':
      return [created(session, info)];
    case 'session.deleted':
      return [{ session, kind: 'deleted' }];
    case 'session.status':
      return activity(session, properties['status'], type);
    case 'session.idle':
      return [{ session, kind: 'activity', fact: { kind: 'idle' }, cause: type }];
    case 'session.compacted':
      return [{ session, kind: 'sign', sign: { kind: 'compaction' } }];
    case 'session.error':
      return [error(session, properties['error'])];
    case 'permission.asked':
    case 'question.asked': {
      const ask = type === 'permission.asked' ? permissionAsk(properties, at) : questionAsk(properties, at);
      return ask === undefined ? [] : [{ session, kind: 'asked', ask, cause: type }];
    }
    case 'permission.replied':
    case 'question.replied':
    case 'question.rejected': {
      const askId = string(properties['requestID']);
      const told = string(properties['reply']);
      const reply = told === undefined ? undefined : replies[told];
      const cause = `${type} ${told ?? ''}`.trim();
      return askId === undefined
        ? []
        : [{ session, kind: 'answered', askId, ...(reply === undefined ? {} : { reply }), cause }];
    }
    case 'message.updated':
      return message(session, info);
    case 'chat.message':
      return chatMessage(session, properties);
    case 'message.part.updated':
      return part(session, properties['part']);
    default:
      return [];
  }
}

function created(session: string, info: Record<string, unknown>): Observation {
  const parent = string(info['parentID']);
  const run = ourRun(info['metadata']);
  return {
    session,
    kind: 'created',
    title: string(info['title']) ?? session,
    ...(parent === undefined ? {} : { parent }),
    ...(run === undefined ? {} : { run }),
  };
}

/** The run id that we put into a session's metadata when we created it. */
function ourRun(metadata: unknown): string | undefined {
  const own = isObject(metadata) ? metadata['gastown'] : undefined;
  return isObject(own) ? string(own['run']) : undefined;
}

/** Status as in `session.status` events and in the answer of `GET /session/status`. */
export function activity(session: string, status: unknown, type: string): Observation[] {
  const kind = isObject(status) ? status['type'] : undefined;
  if (kind === 'idle' || kind === 'busy')
    return [{ session, kind: 'activity', fact: { kind }, cause: `${type} ${kind}` }];
  if (!isObject(status) || kind !== 'retry') return [];
  const reason = string(status['message']) ?? 'the provider failed';
  const cause = `${type} retry: ${reason}`;
  const next = status['next'];
  if (typeof next !== 'number') return [{ session, kind: 'activity', fact: { kind: 'busy' }, cause }];
  const action = isObject(status['action']) ? (string(status['action']['reason']) ?? '') : '';
  const limited = rateLimit.test(`${reason} ${action}`);
  const attempt = typeof status['attempt'] === 'number' ? status['attempt'] : 1;
  const fact: StatusReport & { kind: 'rate-limited' } = {
    kind: 'rate-limited',
    until: next,
    reason,
    ...(limited ? {} : { failing: true }),
  };
  const failure: TurnFailure = { kind: limited ? 'rate-limit' : 'provider', reason };
  return [{ session, kind: 'activity', fact, cause, retry: { attempt, next, failure } }];
}

/** Providers say it in their own words; Opencode passes these on. */
const rateLimit =
  /\b(429|529)\b|rate.?limit|too many requests|quota|usage limit|overloaded|exhausted|insufficient|credit/i;

function permissionAsk(properties: Record<string, unknown>, at: number): Ask | undefined {
  const id = string(properties['id']);
  if (id === undefined) return undefined;
  const permission = string(properties['permission']) ?? 'permission';
  const patterns = strings(properties['patterns']);
  const metadata = isObject(properties['metadata']) ? properties['metadata'] : {};
  const subject = string(metadata['command']) ?? patterns.join(', ');
  const lines = [
    ...patterns.map((pattern) => `${permission} ${pattern}`),
    ...Object.entries(metadata).map(
      ([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ),
  ];
  return {
    id,
    kind: 'permission',
    title: oneLine(subject === '' ? permission : `${permission}: ${subject}`),
    detail: lines.join('\n'),
    options: [],
    ...(patterns.length === 0 ? {} : { calls: callsOf(permission, patterns, metadata) }),
    resolvable: true,
    since: at,
  };
}

const kinds: Readonly<Record<string, ToolCall['kind']>> = {
  bash: 'shell',
  edit: 'path',
  read: 'path',
  external_directory: 'path',
};

/** Opencode splits a line for the shell itself, but leaves out what it takes for harmless: the whole line counts, too. */
function callsOf(tool: string, patterns: readonly string[], metadata: Record<string, unknown>): ToolCall[] {
  const kind = kinds[tool] ?? 'text';
  const line = kind === 'shell' ? string(metadata['command']) : undefined;
  return [...patterns, ...(line === undefined ? [] : [line])].map((argument) => ({ tool, argument, kind }));
}

function questionAsk(properties: Record<string, unknown>, at: number): Ask | undefined {
  const id = string(properties['id']);
  if (id === undefined) return undefined;
  const questions = (Array.isArray(properties['questions']) ? properties['questions'] : []).filter(isObject);
  const first = questions[0];
  return {
    id,
    kind: 'question',
    title: oneLine(string(first?.['question']) ?? string(first?.['header']) ?? 'Question'),
    detail: questions.map(questionText).join('\n\n'),
    // The labels of several questions in one list would say nothing.
    options: questions.length === 1 ? labelsOf(questions[0]!) : [],
    ...(questions.length < 2 && first?.['multiple'] !== true ? {} : { questions: questions.map(asQuestion) }),
    resolvable: true,
    since: at,
  };
}

function asQuestion(question: Record<string, unknown>): Question {
  const text = string(question['question']) ?? string(question['header']) ?? '';
  return { text, options: labelsOf(question), multiple: question['multiple'] === true };
}

const labelsOf = (question: Record<string, unknown>): string[] => optionsOf(question).map(({ label }) => label);

function questionText(question: Record<string, unknown>): string {
  const lines = optionsOf(question).map(({ label, description }) =>
    description === '' || description === label ? `- ${label}` : `- ${label}: ${description}`,
  );
  return [string(question['question']) ?? '', ...lines].join('\n');
}

function optionsOf(question: Record<string, unknown>): { label: string; description: string }[] {
  const options: unknown[] = Array.isArray(question['options']) ? question['options'] : [];
  return options.filter(isObject).flatMap((option) => {
    const label = string(option['label']);
    return label === undefined ? [] : [{ label, description: string(option['description']) ?? '' }];
  });
}

function message(session: string, info: Record<string, unknown>): Observation[] {
  const messageId = string(info['id']);
  if (messageId === undefined) return [];
  if (info['role'] === 'user') return [{ session, kind: 'user-message', messageId }];
  const parentId = string(info['parentID']);
  if (info['role'] !== 'assistant' || parentId === undefined) return [];
  const completed = isObject(info['time']) && typeof info['time']['completed'] === 'number';
  return [{ session, kind: 'answer', messageId, parentId, completed }];
}

/** The plugin's hook of that name sees a user message with its texts before it is stored, and before the hooks of other plugins. */
function chatMessage(session: string, properties: Record<string, unknown>): Observation[] {
  const messageId = string(properties['messageID']);
  return messageId === undefined
    ? []
    : [{ session, kind: 'announced', messageId, texts: strings(properties['texts']) }];
}

function part(session: string, value: unknown): Observation[] {
  if (isObject(value) && value['type'] === 'tool') return toolCall(session, value);
  if (!isObject(value)) return [];
  const messageId = string(value['messageID']);
  if (value['type'] === 'step-start') return messageId === undefined ? [] : [{ session, kind: 'answering', messageId }];
  if (value['type'] !== 'text' || value['synthetic'] === true) return [];
  const text = string(value['text']);
  return messageId === undefined || text === undefined ? [] : [{ session, kind: 'text', messageId, text }];
}

/** A tool that is done: what it was called with, and its result, as one short text. */
function toolCall(session: string, { callID, tool, state }: Record<string, unknown>): Observation[] {
  const id = string(callID);
  const name = string(tool);
  if (id === undefined || name === undefined || !isObject(state)) return [];
  const { status, input, output, error: problem } = state;
  if (status !== 'completed' && status !== 'error') return [];
  const did = createHash('sha256')
    .update(JSON.stringify([name, input, output, problem]))
    .digest('base64');
  return [{ session, kind: 'sign', sign: { kind: 'call', id, tool: name, did } }];
}

function error(session: string, value: unknown): Observation {
  const message = errorMessage(value);
  const failure = failureOf(value);
  return { session, kind: 'error', message, ...(failure ? { failure } : {}) };
}

/** Pure. What the provider's error means for the turn; undefined for an abort, which is nobody's failure. */
export function failureOf(value: unknown): TurnFailure | undefined {
  if (!isObject(value) || value['name'] === 'MessageAbortedError') return undefined;
  const reason = errorMessage(value);
  const data = isObject(value['data']) ? value['data'] : {};
  const status = typeof data['statusCode'] === 'number' ? data['statusCode'] : undefined;
  if (value['name'] === 'ProviderAuthError' || status === 401 || status === 402 || status === 403)
    return { kind: 'account', reason };
  if (status === 429) return { kind: 'rate-limit', reason };
  return { kind: data['isRetryable'] === true || (status ?? 0) >= 500 ? 'provider' : 'refused', reason };
}

/** Pure. Opencode's errors are `{name, data: {message}}`. */
export function errorMessage(error: unknown): string {
  if (!isObject(error)) return 'unknown error';
  const name = string(error['name']) ?? 'error';
  if (name === 'MessageAbortedError') return 'aborted';
  const data = isObject(error['data']) ? error['data'] : error;
  const text = string(data['message']);
  return oneLine(text === undefined || text === '' ? name : text, 300);
}

function oneLine(text: string, length = 120): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
