import type { CallerView, Params, Results } from '../../channel/protocol.ts';
import { GasTownError, messageOf } from '../../errors.ts';
import { isGroup, membersOf, recipientOf } from '../../mail/addresses.ts';
import type { AddressFacts } from '../../mail/addresses.ts';
import { countedSince, refusalOf } from '../../mail/limits.ts';
import { overseer } from '../../mail/message.ts';
import type { NewMessage } from '../../mail/outbox.ts';
import { messageLimits } from '../../config/message-settings.ts';
import type { SessionId } from '../../orchestrator.ts';
import type { StoredMessage } from '../../store/messages.ts';
import { nameOfCaller } from '../parts.ts';
import type { TownParts } from '../parts.ts';
import type { MessageView } from '../snapshot.ts';

export function sendMessage(town: TownParts, params: Params<'message.send'>, caller: CallerView): MessageView {
  const from = nameOfCaller(caller);
  const to = recipientOf(params.to, addressFacts(town));
  if (to === overseer && params.type === 'nudge')
    throw new GasTownError('refused', 'The person cannot be nudged. Send mail: gt mail send overseer.');
  if (to === from) throw new GasTownError('refused', 'A session cannot write to itself.');
  const { type, priority, subject, body } = params;
  return town.builder.message(
    send(town, caller, {
      from,
      to,
      kind: type,
      body,
      subject: subjectOf(subject, body),
      ...(priority ? { priority } : {}),
    }),
  );
}

/** Every live session but the sender, or the given addresses; each has its own receipt, one failure stops no other. */
export function broadcast(
  town: TownParts,
  params: Params<'message.broadcast'>,
  caller: CallerView,
): Results['message.broadcast'] {
  const from = nameOfCaller(caller);
  const facts = addressFacts(town);
  const { to: addresses = ['@town'], type: kind = 'broadcast', priority, subject, body } = params;
  // One time for all: by it they count as one message.
  const sentAt = town.manager.now();
  const reached = new Set<SessionId>();
  const results: Results['message.broadcast']['results'] = [];
  const attempt = (to: string, act: () => void): void => {
    try {
      act();
    } catch (error) {
      results.push({ to, error: messageOf(error) });
    }
  };
  const sendTo = (to: SessionId): void => {
    if (reached.has(to)) return;
    reached.add(to);
    const message = {
      from,
      to,
      kind,
      body,
      subject: subjectOf(subject, body),
      sentAt,
      ...(priority ? { priority } : {}),
    };
    attempt(to, () => results.push({ to, messageId: send(town, caller, message).id }));
  };
  for (const address of addresses) {
    attempt(address, () => {
      if (isGroup(address)) membersOf(address, facts, from).forEach(sendTo);
      else sendTo(oneRecipient(address, facts, from));
    });
  }
  if (results.length === 0)
    throw new GasTownError('refused', 'No other session is running, so nobody would get this. Start one first.');
  return { results };
}

/** The person hears of things by mail. */
function oneRecipient(address: string, facts: AddressFacts, from: string): SessionId {
  const to = recipientOf(address, facts);
  if (to === overseer)
    throw new GasTownError('refused', 'The person gets no broadcasts. Send mail: gt mail send overseer.');
  if (to === from) throw new GasTownError('refused', 'A session cannot write to itself.');
  return to;
}

/** Stores the message, as refused where a session sends too many: then its sender is told why, too. */
function send(
  town: TownParts,
  caller: CallerView,
  message: NewMessage & { kind: StoredMessage['kind'] },
): StoredMessage {
  if (message.body.trim() === '') throw new GasTownError('bad-input', 'The message is empty.');
  const reason = caller.kind === 'session' ? refusal(town, message.from, message.to, message.sentAt) : undefined;
  if (reason === undefined) return town.outbox.accept(message);
  const refused = town.outbox.refuse(message, reason);
  throw new GasTownError('refused', `The message was not sent (${refused.id}): ${reason}`);
}

function refusal(town: TownParts, from: string, to: string, sentAt: number | undefined): string | undefined {
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
export function inbox(town: TownParts, params: Params<'mail.inbox'>, caller: CallerView): Results['mail.inbox'] {
  const owner = params.session ?? nameOfCaller(caller);
  if (caller.kind === 'session' && owner !== caller.session)
    throw new GasTownError('denied', `The mail of ${owner} is not yours to read.`);
  const messages = town.store.messages.inbox(owner, params.all ?? false);
  const reads = params.session === undefined || owner === nameOfCaller(caller);
  if (reads) {
    const now = town.manager.now();
    for (const message of messages) {
      town.store.messages.setRead(message.id, now);
      town.store.messages.setDelivered(message.id, caller.kind === 'session' ? caller.runId : '', now);
    }
    if (messages.length > 0) town.changed();
  }
  return { messages: messages.map((message) => town.builder.message(town.store.messages.get(message.id) ?? message)) };
}

/** Only whoever got it can be done with it. */
export function archiveMail(town: TownParts, params: Params<'mail.archive'>, caller: CallerView): MessageView {
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
  return town.builder.message(find(town, message.id));
}

/** For its sender, its recipient and the person. */
export function showMessage(town: TownParts, params: Params<'message.show'>, caller: CallerView): MessageView {
  const message = find(town, params.id);
  if (caller.kind === 'session' && message.from !== caller.session && message.to !== caller.session)
    throw unknownMessage(params.id);
  return town.builder.message(message);
}

/** The newest first; a session sees what it has sent and got. Long texts are cut: `message.show` has all of one. */
export function listMessages(
  town: TownParts,
  params: Params<'message.list'>,
  caller: CallerView,
): Results['message.list'] {
  const { limit = 100, sent, session: asked, state, kind } = params;
  const session = caller.kind === 'session' ? caller.session : asked;
  const filter = {
    ...(session === undefined ? {} : { session }),
    ...(sent ? { from: session ?? nameOfCaller(caller) } : {}),
    ...(state === undefined ? {} : { state }),
    ...(kind === undefined ? {} : { kind }),
  };
  return { messages: town.store.messages.latest(limit, filter).map((message) => cut(town.builder.message(message))) };
}

const listedBody = 2000;

function cut(message: MessageView): MessageView {
  return message.body.length > listedBody ? { ...message, body: `${message.body.slice(0, listedBody)}…` } : message;
}

function find(town: TownParts, id: string): StoredMessage {
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

function addressFacts(town: TownParts): AddressFacts {
  return { sessions: town.registry.list(), rigs: town.rigs.names() };
}

const subjectOf = (subject: string | undefined, body: string): string =>
  subject ?? (body.trim().split('\n', 1)[0] ?? '').slice(0, 120);
