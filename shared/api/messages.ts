import type { CallerView, Params, Results } from '../channel/protocol.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { isGroup, membersOf, recipientOf } from '../messages/addresses.ts';
import type { AddressFacts } from '../messages/addresses.ts';
import { countedSince, refusalOf, requireBounded } from '../messages/limits.ts';
import { overseer } from '../domain/message.ts';
import type { Priority } from '../domain/message.ts';
import { messageLimits } from '../config/message-settings.ts';
import type { BackendName, BroadcastResult, Message, SessionId } from '../domain/orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';
import { getOrchestrator } from '../orchestration/backend-orchestrator.ts';
import { newId } from '../platform/ids.ts';
import type { StoredMessage } from '../store/messages.ts';
import { nameOfCaller } from './caller.ts';
import type { ApiContext } from './context.ts';
import type { MessageView } from '../channel/views.ts';
import { cutText } from '../platform/cut-text.ts';

export async function sendMessage(
  town: ApiContext,
  params: Params<'message.send'>,
  caller: CallerView,
): Promise<MessageView> {
  const from = nameOfCaller(caller);
  requireBounded({ subject: params.subject ?? '', body: params.body });
  const to = recipientOf(params.to, addressFacts(town));
  if (to === overseer && params.type === 'nudge')
    throw new GasTownError('refused', 'The user cannot be nudged. Send mail: gt mail send overseer.');
  if (to === from) throw new GasTownError('refused', 'A session cannot write to itself.');
  const { type, priority, subject, body } = params;
  const message = {
    id: newId('msg'),
    from,
    to,
    type,
    body,
    subject: subjectOf(subject, body),
    sentAt: town.manager.now(),
  };
  requireAllowed(town, caller, message, priority);
  const backend = backendOf(town, to);
  if (backend === undefined) acceptForRole(town, message, priority);
  else await getOrchestrator(town.orchestrators, { backend }).sendMessage(to, message, undefined, priority);
  return town.views.message(find(town, message.id));
}

/** Every live session but the sender, or the given addresses; each has its own receipt, one failure stops no other. */
export async function broadcast(
  town: ApiContext,
  params: Params<'message.broadcast'>,
  caller: CallerView,
): Promise<Results['message.broadcast']> {
  const from = nameOfCaller(caller);
  const facts = addressFacts(town);
  const { to: addresses = ['@town'], type = 'broadcast', priority, subject, body } = params;
  requireBounded({ subject: subject ?? '', body });
  // One time for all: by it they count as one message.
  const message = { from, to: '', type, body, subject: subjectOf(subject, body), sentAt: town.manager.now() };
  const results = new Map<string, BroadcastResult>();
  const attempt = (to: string, act: () => void): void => {
    try {
      act();
    } catch (error) {
      results.set(to, { to, error: messageOf(error) });
    }
  };
  const ofBackend = new Map<BackendName, SessionId[]>();
  const sendTo = (to: SessionId): void => {
    if (results.has(to)) return;
    results.set(to, { to });
    attempt(to, () => {
      requireAllowed(town, caller, { ...message, to }, priority);
      const backend = backendOf(town, to);
      if (backend === undefined)
        results.set(to, { to, messageId: acceptForRole(town, { ...message, to }, priority).id });
      else ofBackend.set(backend, [...(ofBackend.get(backend) ?? []), to]);
    });
  };
  for (const address of addresses) {
    attempt(address, () => {
      if (isGroup(address)) membersOf(address, facts, from).forEach(sendTo);
      else sendTo(oneRecipient(address, facts, from));
    });
  }
  if (results.size === 0)
    throw new GasTownError('refused', 'No other session is running, so nobody would get this. Start one first.');
  const sent = [...ofBackend].map(([backend, ids]) =>
    getOrchestrator(town.orchestrators, { backend }).broadcastMessage(ids, message, undefined, priority),
  );
  for (const result of (await Promise.all(sent)).flat()) results.set(result.to, result);
  return { results: [...results.values()] };
}

/** The user hears of things by mail. */
function oneRecipient(address: string, facts: AddressFacts, from: string): SessionId {
  const to = recipientOf(address, facts);
  if (to === overseer)
    throw new GasTownError('refused', 'The user gets no broadcasts. Send mail: gt mail send overseer.');
  if (to === from) throw new GasTownError('refused', 'A session cannot write to itself.');
  return to;
}

/** Which backend has the session that lives under that name; undefined for the user, and for a role that nobody has now. */
function backendOf(town: ApiContext, to: SessionId): BackendName | undefined {
  const session = town.registry.find(to);
  return session && !hasEnded(session) ? session.backend : undefined;
}

/** For who is no session now: the user, or the next one that has the role. */
function acceptForRole(town: ApiContext, { type, ...message }: Message, priority: Priority | undefined): StoredMessage {
  return town.outbox.accept({ ...message, kind: type, ...(priority === undefined ? {} : { priority }) });
}

/** Throws where it may not be sent. Where a session sends too many it is stored as refused, and its sender gets the reason. */
function requireAllowed(
  town: ApiContext,
  caller: CallerView,
  { type, ...message }: Message,
  priority: Priority | undefined,
): void {
  if (message.body.trim() === '') throw new GasTownError('bad-input', 'The message is empty.');
  const reason = caller.kind === 'session' ? refusal(town, message.from, message.to, message.sentAt) : undefined;
  if (reason === undefined) return;
  const refused = town.outbox.refuse(
    { ...message, kind: type, ...(priority === undefined ? {} : { priority }) },
    reason,
  );
  throw new GasTownError('refused', `The message was not sent (${refused.id}): ${reason}`);
}

function refusal(town: ApiContext, from: string, to: string, sentAt: number): string | undefined {
  const limits = messageLimits(town.settings.value.messages);
  const { messages } = town.store;
  const since = countedSince(town.manager.now(), limits);
  const sent = messages.countSent(from, since.minute, sentAt);
  return refusalOf(
    from,
    to,
    { inLastMinute: sent, exchanged: messages.countExchanged(from, to, since.exchange) },
    limits,
  );
}

/** Mail that has not been read; reading it is the receipt, since the reader's model has it then. It stays in the box until it is archived. */
export function inbox(town: ApiContext, params: Params<'mail.inbox'>, caller: CallerView): Results['mail.inbox'] {
  const owner = params.session ?? nameOfCaller(caller);
  if (caller.kind === 'session' && owner !== caller.session)
    throw new GasTownError('denied', `The mail of ${owner} is not yours to read.`);
  const messages = town.store.messages.inbox(owner, params.all ?? false);
  const reads = isThere(town, caller) && (params.session === undefined || owner === nameOfCaller(caller));
  if (reads) {
    const now = town.manager.now();
    // All of it or none: what is read, and could not be shown, would not be shown again.
    town.store.transaction(() => {
      for (const message of messages) {
        town.store.messages.setRead(message.id, now);
        town.store.messages.setDelivered(message.id, caller.kind === 'session' ? caller.runId : '', now);
      }
    });
    if (messages.length > 0) town.changed();
  }
  return { messages: messages.map((message) => town.views.message(town.store.messages.get(message.id) ?? message)) };
}

/** False for a shell that has outlived its run: no model sees what it prints. */
function isThere({ registry }: ApiContext, caller: CallerView): boolean {
  if (caller.kind !== 'session') return true;
  const session = registry.find(caller.session);
  return session !== undefined && session.runId === caller.runId && !hasEnded(session);
}

/** Only whoever got it can be done with it. */
export function archiveMail(town: ApiContext, params: Params<'mail.archive'>, caller: CallerView): MessageView {
  const message = find(town, params.id);
  const owner = nameOfCaller(caller);
  if (message.to !== owner)
    throw new GasTownError(
      'denied',
      `${message.id} is the mail of ${message.to}, so only ${message.to} can archive it.`,
    );
  if (message.kind !== 'mail' && message.kind !== 'broadcast')
    throw new GasTownError(
      'bad-input',
      `${message.id} is a ${message.kind}; only what is in the inbox can be archived.`,
    );
  town.store.messages.archive(message.id, town.manager.now());
  town.changed();
  return town.views.message(find(town, message.id));
}

/** For its sender, its recipient and the user. */
export function showMessage(town: ApiContext, params: Params<'message.show'>, caller: CallerView): MessageView {
  const message = find(town, params.id);
  if (caller.kind === 'session' && message.from !== caller.session && message.to !== caller.session)
    throw unknownMessage(params.id);
  return town.views.message(message);
}

/** The newest first; a session sees what it has sent and got. Long texts are cut: `message.show` has all of one. */
export function listMessages(
  town: ApiContext,
  params: Params<'message.list'>,
  caller: CallerView,
): Results['message.list'] {
  const { limit = 100, sent, session: asked, state, kind, work } = params;
  const session = caller.kind === 'session' ? caller.session : asked;
  const filter = {
    ...(session === undefined ? {} : { session }),
    ...(sent ? { from: session ?? nameOfCaller(caller) } : {}),
    ...(state === undefined ? {} : { state }),
    ...(kind === undefined ? {} : { kind }),
    ...(work === undefined ? {} : { work }),
  };
  return { messages: town.store.messages.latest(limit, filter).map((message) => cut(town.views.message(message))) };
}

const listedBody = 2000;

function cut(message: MessageView): MessageView {
  return { ...message, body: cutText(message.body, listedBody + 1) };
}

function find(town: ApiContext, id: string): StoredMessage {
  const message = town.store.messages.get(id);
  if (!message) throw unknownMessage(id);
  return message;
}

function unknownMessage(id: string): GasTownError {
  return new GasTownError(
    'bad-input',
    `There is no message "${id}" that you have sent or got. See: gt mail sent, gt mail inbox --all.`,
  );
}

function addressFacts(town: ApiContext): AddressFacts {
  return { sessions: town.registry.list(), rigs: town.rigs.names() };
}

const subjectOf = (subject: string | undefined, body: string): string =>
  subject ?? (body.trim().split('\n', 1)[0] ?? '').slice(0, 120);
