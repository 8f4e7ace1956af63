import type { CallerView, MethodName, Params, Results } from '../channel/protocol.ts';
import { namesOf } from '../domain/backend.ts';
import { GasTownError } from '../platform/errors.ts';
import { answerAsk, listWaits, sessionLog } from './attention.ts';
import { checkHealthByHand, examine } from './health.ts';
import { closeEscalation, escalate, listEscalations } from './escalations.ts';
import { addToBatch, createBatch, listBatches, showBatch } from './batches.ts';
import { addWork, addWorkFromDocuments, dependWork, editWork } from './edit-work.ts';
import { handOffWork } from './handoff.ts';
import { findOverlaps } from './overlap.ts';
import { reportEvent, reportHook, sessionContext, sessionShellEnvironment } from './reporter.ts';
import { trustRig, untrustRig } from './rigs.ts';
import { archiveMail, broadcast, inbox, listMessages, sendMessage, showMessage } from './messages.ts';
import {
  approveMerge,
  discardMerge,
  listMerges,
  markReviewed,
  queueMerge,
  refreshMerges,
  returnMerge,
  showMerge,
} from './merges.ts';
import { commentOn, openReview, replyTo, resolveThread, showChanges, showFile } from './reviews.ts';
import { dismissSession, listSessions, primeSession, resetSession, spawnSession, stopSession } from './sessions.ts';
import { assignWork, cancelWork, finishWork, queueWork, requeueWork, showWork, sling, workOf } from './work.ts';
import { removeWorktree } from './worktrees.ts';
import type { ApiContext } from './context.ts';
import { kindOfCaller, requireRight } from './rights.ts';

type Handlers = {
  [M in Exclude<MethodName, 'hello'>]: (
    town: ApiContext,
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
  'rig.untrust': untrustRig,
  'rig.add': (town, { source, name, extent }, _caller, signal) => town.rigs.add(source, name, extent, signal),
  'worktree.list': (town) => ({ worktrees: town.worktrees.list() }),
  'worktree.remove': (town, { worktree }) => removeWorktree(town, worktree),
  'worktree.restore': (town, { worktree }) => town.worktrees.restore(worktree),
  'work.add': addWork,
  'work.import': addWorkFromDocuments,
  'work.edit': editWork,
  'work.depend': dependWork,
  'work.queue': queueWork,
  'work.overlap': findOverlaps,
  'batch.create': createBatch,
  'batch.add': addToBatch,
  'batch.list': listBatches,
  'batch.show': showBatch,
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
  'merge.list': listMerges,
  'merge.show': showMerge,
  'merge.reviewed': markReviewed,
  'merge.approve': approveMerge,
  'merge.queue': queueMerge,
  'merge.refresh': refreshMerges,
  'merge.return': returnMerge,
  'merge.discard': discardMerge,
  'review.changes': showChanges,
  'review.open': openReview,
  'review.file': showFile,
  'review.comment': commentOn,
  'review.reply': replyTo,
  'review.resolve': resolveThread,
  sling,
  'session.list': listSessions,
  'session.spawn': spawnSession,
  'session.attach': (town, { session, preserveFocus = false }) => town.manager.drivers.attach(session, preserveFocus),
  'session.stop': (town, { session }, caller) => stopSession(town, session, caller),
  'session.answer': answerAsk,
  'session.reset': resetSession,
  'session.dismiss': dismissSession,
  'session.seen': (town, { session }) => {
    town.views.setUnseen(session, false);
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
  town: ApiContext,
  caller: CallerView,
  method: MethodName,
  params: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  if (method === 'hello') throw new GasTownError('bad-input', 'This connection has said hello already.');
  const role = caller.kind === 'session' ? town.registry.get(caller.session).role : undefined;
  requireRight(caller, kindOfCaller(caller, role), method);
  requireKnownBackend(town, method, params);
  const handler = handlers[method] as (
    town: ApiContext,
    params: unknown,
    caller: CallerView,
    signal: AbortSignal,
  ) => unknown;
  return handler(town, params, caller, signal);
}

/** Which backends there are only the host knows that was put together with them; it says so as the schemas say what they know. */
function requireKnownBackend({ backends }: ApiContext, method: MethodName, params: unknown): void {
  if (typeof params !== 'object' || params === null || !('backend' in params) || params.backend === undefined) return;
  const names = namesOf(backends);
  if (names.some((name) => name === params.backend)) return;
  const expected = names.map((name) => `"${name}"`).join('|');
  throw new GasTownError('bad-input', `${method}: ✖ Invalid option: expected one of ${expected}\n  → at backend`);
}
