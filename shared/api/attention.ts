import { allWaits } from '../attention/waits.ts';
import type { CallerView, Params, Results } from '../channel/protocol.ts';
import { GasTownError } from '../platform/errors.ts';
import type { ApiContext } from './context.ts';
import { timeline } from './timeline.ts';
import { ownSession } from './sessions.ts';

/** So many entries of a log where nothing else is asked for. */
const usualLimit = 200;

export function listWaits(town: ApiContext): Results['attention.list'] {
  return { waits: allWaits(town.registry.list()) };
}

export async function answerAsk(
  town: ApiContext,
  { session, ask, answer }: Params<'session.answer'>,
): Promise<Results['session.answer']> {
  const by = { by: 'person' } as const;
  if (answer.kind === 'allow')
    await town.asks.answer(session, ask, { kind: 'allow', ...(answer.remember ? { remember: true } : {}) }, by);
  else if (answer.kind === 'deny')
    await town.asks.answer(session, ask, { kind: 'deny', ...(answer.message ? { message: answer.message } : {}) }, by);
  else await town.asks.answer(session, ask, answer, by);
  return {};
}

/** A session's own log is its own to read, and everybody's the user's: it names what others wrote to it. */
export function sessionLog(
  town: ApiContext,
  params: Params<'session.log'>,
  caller: CallerView,
): Results['session.log'] {
  const session = ownSession(params.session, caller, 'gt log');
  if (caller.kind === 'session' && session !== caller.session)
    throw new GasTownError('denied', `The log of ${session} is not yours to read.`);
  const { store, registry, work } = town;
  const limit = params.limit ?? usualLimit;
  const events = store.events(session);
  // A session that has ended and left the list is known by what happened to it.
  if (events.length === 0) registry.get(session);
  const messages = store.messages.correspondence(session, limit);
  const units = new Set([
    ...work.ownedBy(session).map(({ id }) => id),
    ...messages.flatMap(({ workId }) => workId ?? []),
  ]);
  const histories = [...units].map((id) => ({ id, history: store.work.history(id) }));
  return { session, entries: timeline({ session, events, messages, histories }).slice(-limit) };
}
