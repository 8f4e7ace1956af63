import type { CallerView, MethodName, Params, Results } from '../channel/protocol.ts';
import { GasTownError } from '../errors.ts';
import { answerAsk, listWaits, sessionLog } from './operations/attention.ts';
import { checkHealthByHand, examine } from './operations/health.ts';
import { closeEscalation, escalate, listEscalations } from './operations/escalations.ts';
import { handOffWork } from './operations/handoff.ts';
import { reportEvent, reportHook, sessionContext, sessionShellEnvironment } from './operations/inside.ts';
import { trustRig } from './operations/rigs.ts';
import { archiveMail, broadcast, inbox, listMessages, sendMessage, showMessage } from './operations/messages.ts';
import { dismissSession, primeSession, resetSession, spawnSession, stopSession } from './operations/sessions.ts';
import {
  addWork,
  assignWork,
  cancelWork,
  finishWork,
  requeueWork,
  showWork,
  sling,
  workOf,
} from './operations/work.ts';
import { removeWorktree } from './operations/worktrees.ts';
import type { TownParts } from './parts.ts';
import { kindOfCaller, requireRight } from './rights.ts';

type Handlers = {
  [M in Exclude<MethodName, 'hello'>]: (
    town: TownParts,
    params: Params<M>,
    caller: CallerView,
    signal: AbortSignal,
  ) => Results[M] | Promise<Results[M]>;
};

const nothing: Record<string, never> = {};

const handlers: Handlers = {
  'town.snapshot': (town) => town.snapshot(),
  'town.doctor': (town, _params, _caller, signal) => examine(town, signal),
  'town.health': (town, _params, caller, signal) => checkHealthByHand(town, caller, signal),
  'town.removal': (town) => town.removal.look(),
  'town.remove': (town) => town.removal.remove(),
  'rig.review': (town, { rig }) => town.consents.review(rig),
  'rig.trust': trustRig,
  'rig.add': (town, { source, name, extent }, _caller, signal) => town.rigs.add(source, name, extent, signal),
  'worktree.list': (town) => ({ worktrees: town.worktrees.list() }),
  'worktree.remove': (town, { worktree }) => removeWorktree(town, worktree),
  'worktree.restore': (town, { worktree }) => town.worktrees.restore(worktree),
  'work.add': addWork,
  'work.show': (town, { id }) => showWork(town, id),
  'work.assign': assignWork,
  'work.handoff': handOffWork,
  'work.cancel': cancelWork,
  'work.requeue': requeueWork,
  'work.done': finishWork,
  'work.escalate': (town, params, caller) => escalate(town, params, caller),
  'escalation.list': listEscalations,
  'escalation.close': closeEscalation,
  'work.mine': workOf,
  sling,
  'session.spawn': spawnSession,
  'session.attach': (town, { session, preserveFocus = false }) => town.manager.drivers.attach(session, preserveFocus),
  'session.stop': (town, { session }, caller) => stopSession(town, session, caller),
  'session.answer': answerAsk,
  'session.reset': resetSession,
  'session.dismiss': dismissSession,
  'session.seen': (town, { session }) => {
    town.builder.setUnseen(session, false);
    town.changed();
    return nothing;
  },
  'session.prime': primeSession,
  'session.log': sessionLog,
  'attention.list': listWaits,
  'message.send': sendMessage,
  'message.broadcast': broadcast,
  'mail.inbox': inbox,
  'mail.archive': archiveMail,
  'message.show': showMessage,
  'message.list': listMessages,
  'inside.hook': reportHook,
  'inside.event': reportEvent,
  'inside.environment': sessionShellEnvironment,
  'inside.context': sessionContext,
};

/** Carries out one call; its parameters have been checked against the method's schema. */
export async function carryOut(
  town: TownParts,
  caller: CallerView,
  method: MethodName,
  params: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  if (method === 'hello') throw new GasTownError('bad-input', 'This connection has said hello already.');
  const role = caller.kind === 'session' ? town.registry.get(caller.session).role : undefined;
  requireRight(caller, kindOfCaller(caller, role), method);
  const handler = handlers[method] as (
    town: TownParts,
    params: unknown,
    caller: CallerView,
    signal: AbortSignal,
  ) => unknown;
  return handler(town, params, caller, signal);
}
