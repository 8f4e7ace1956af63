import type { CallerView, Params, Results } from '../../channel/protocol.ts';
import { unknownName } from '../../config/nearest.ts';
import { GasTownError, messageOf } from '../../errors.ts';
import { overseer } from '../../mail/message.ts';
import type { SessionInfo } from '../../orchestrator.ts';
import { sessionIdOfAddress } from '../../roles/names.ts';
import { hasEnded } from '../../sessions/session-info.ts';
import { nameOfCaller } from '../parts.ts';
import type { TownParts } from '../parts.ts';
import type { MessageView } from '../snapshot.ts';

export function sendMessage(town: TownParts, params: Params<'message.send'>, caller: CallerView): MessageView {
  const from = nameOfCaller(caller);
  const to = recipient(town, params.to);
  if (to === overseer && params.type === 'nudge') throw new GasTownError('refused', 'The person cannot be nudged. Send mail: gt mail send overseer.');
  const session = to === overseer ? undefined : live(town, to);
  if (session && session.id === from) throw new GasTownError('refused', 'A session cannot write to itself.');
  if (params.body.trim() === '') throw new GasTownError('bad-input', 'The message is empty.');
  const subject = params.subject ?? firstLine(params.body);
  return town.builder.message(town.outbox.accept({ from, to, kind: params.type, subject, body: params.body }));
}

/** Every live session but the sender, or the given ones; each has its own receipt, one failure stops no other. */
export function broadcast(town: TownParts, params: Params<'message.broadcast'>, caller: CallerView): Results['message.broadcast'] {
  const from = nameOfCaller(caller);
  const all = town.registry.list().filter((session) => !hasEnded(session) && session.id !== from);
  const targets = params.to ?? all.map((session) => session.id);
  if (targets.length === 0) throw new GasTownError('refused', 'No session is running, so nobody would get this. Start one first.');
  const results = targets.map((target) => {
    try {
      const to = live(town, recipient(town, target)).id;
      const subject = params.subject ?? firstLine(params.body);
      return { to, messageId: town.outbox.accept({ from, to, kind: 'broadcast', subject, body: params.body }).id };
    } catch (error) {
      return { to: target, error: messageOf(error) };
    }
  });
  return { results };
}

/** Mail that has not been read; reading it is the receipt, since the reader's model has it then. */
export function inbox(town: TownParts, params: Params<'mail.inbox'>, caller: CallerView): Results['mail.inbox'] {
  const owner = params.session ?? nameOfCaller(caller);
  if (caller.kind === 'session' && owner !== caller.session) throw new GasTownError('denied', `The mail of ${owner} is not yours to read.`);
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

function recipient(town: TownParts, address: string): string {
  if (address === overseer) return overseer;
  if (town.registry.find(address)) return address;
  const id = sessionIdOfAddress(address);
  if (town.registry.find(id)) return id;
  throw unknownName('session', address, town.registry.list().map((session) => session.id));
}

function live(town: TownParts, id: string): SessionInfo {
  const session = town.registry.get(id);
  if (!hasEnded(session)) return session;
  throw new GasTownError('refused', `${id} has ended (${session.cause}). Start it again, or choose another recipient.`);
}

const firstLine = (text: string): string => (text.trim().split('\n', 1)[0] ?? '').slice(0, 120);
