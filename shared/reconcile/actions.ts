import { GasTownError, messageOf } from '../platform/errors.ts';
import { rolePolicy } from '../config/role-settings.ts';
import type { Role, SessionInfo } from '../domain/orchestrator.ts';
import { Queue } from '../platform/queue.ts';
import { gatherFacts } from './gather.ts';
import { Reconciler } from './reconciler.ts';
import type { Action, SessionAct, UnitAct } from './rules.ts';
import { restartSession } from '../orchestration/restart-session.ts';
import { tidyWorktree } from '../orchestration/cleanup.ts';
import { failOver } from '../orchestration/failover.ts';
import { keepWaiting } from '../orchestration/waiting.ts';
import { policyOf } from '../orchestration/policy-of.ts';
import { slingUnit } from '../orchestration/sling-unit.ts';
import type { Town } from '../orchestration/town.ts';
import { closeSettled } from './close-settled.ts';
import { lend } from './lend.ts';
import { takeBack, closedNoticeId } from '../orchestration/requeue.ts';
import { unblockQueued } from '../orchestration/unblock.ts';
import { getOrchestrator } from '../orchestration/backend-orchestrator.ts';
import { toWorkUnit } from '../work/service.ts';

/** What the host does by itself is by this name in histories. */
const host = 'host';
/** What no backend can be started for is tried again after this long, where nothing tells of a change. In ms. */
const blockedMs = 60_000;
const dayMs = 24 * 60 * 60_000;

/** Keeps the town in order by the rules (`reconcile/rules.ts`). What is done by them stands in the timeline, with the reason. */
export function reconcileTown(town: Town): Reconciler {
  const sources = {
    ...town,
    policyOf: (rig: string) => policyOf(town, rig),
    hasRig: (rig: string) => town.rigs.names().includes(rig),
    sleepAfterMs: (role: Role) => sleepAfterMs(town, role),
  };
  const order = new Queue(1);
  const touched = town.store.touched.follow();
  let setBackBy = 0;
  /** What waits for its next attempt is not put off by a clock that is set back; what the machine sleeps is a pause, too. */
  const keepPauses = (): void => {
    const by = setBackBy;
    setBackBy = 0;
    if (by < 0) town.store.backlog.keep(() => town.store.work.moveNotBefore(by));
  };
  const reconciler = new Reconciler({
    gather: (inHand, about) => {
      keepPauses();
      return gatherFacts(sources, inHand, about);
    },
    takeChanged: () => {
      const { session, inbox, work } = touched.take();
      return { sessions: new Set([...session, ...inbox]), units: new Set(work) };
    },
    carryOut: (action) => carryOut(town, action, order),
    now: () => town.manager.now(),
    log: town.log,
  });
  const { disposables } = reconciler;
  disposables.add(touched);
  // What was put off until a time is judged by the clock as it is now.
  disposables.add(
    town.manager.clock.onDidJump((by) => {
      setBackBy += Math.min(by, 0);
      reconciler.resume();
    }),
  );
  const schedule = (): void => reconciler.schedule();
  const changed = (): void => {
    closeSettled(town);
    schedule();
  };
  disposables.add(
    town.registry.onDidChange(({ session }) => {
      touched.add('session', session.id);
      changed();
    }),
  );
  disposables.add(town.work.onDidChange(changed));
  disposables.add(town.merges.onDidChange(changed));
  disposables.add(town.manager.events.onDidDeliver(schedule));
  disposables.add(
    town.settings.onDidChange(() => {
      unblockQueued(town, 'the settings have changed');
      reconciler.scheduleAll();
    }),
  );
  disposables.add(
    town.store.backlog.onDidChange(() => {
      if (town.store.backlog.trouble) return;
      reconciler.resume();
      changed();
    }),
  );
  disposables.add(
    town.agents.onDidChange(() => {
      unblockQueued(town, 'a backend has changed');
      reconciler.scheduleAll();
    }),
  );
  disposables.add(
    town.rigs.onDidChange(() => {
      unblockQueued(town, 'what the rigs bring has changed');
      reconciler.scheduleAll();
    }),
  );
  return reconciler;
}

function sleepAfterMs({ settings }: Town, role: Role): number | undefined {
  const { onDemand, sleepAfterMs: after } = rolePolicy(settings.value.roles);
  return onDemand.some((each) => each === role) ? after : undefined;
}

async function carryOut(town: Town, action: Action, order: Queue): Promise<void> {
  record(town, action);
  if ('session' in action) await aboutSession(town, action.session, action.act, action.reason);
  else if (action.act.kind === 'dispatch') await dispatch(town, action.work, order);
  else await aboutUnit(town, action.work, action.act, action.reason);
}

function record(town: Town, action: Action): void {
  const { rule, reason, act } = action;
  const subject =
    'session' in action
      ? { session: action.session }
      : { session: town.work.find(action.work)?.owner, work: action.work };
  const runId = subject.session === undefined ? undefined : town.registry.find(subject.session)?.runId;
  town.store.addEvent({
    at: town.manager.now(),
    type: `reconciler.${rule}`,
    ...(subject.session === undefined ? {} : { sessionId: subject.session }),
    ...(runId === undefined ? {} : { runId }),
    detail: { action: act.kind, reason, ...('work' in subject ? { work: subject.work } : {}) },
  });
  town.log.info(`[orchestration] ${rule}: ${act.kind} ${'work' in action ? action.work : action.session} (${reason})`);
}

async function aboutSession(town: Town, id: string, act: SessionAct, reason: string): Promise<void> {
  const session = town.registry.get(id);
  switch (act.kind) {
    case 'restart':
      return restart(town, id, reason);
    case 'quarantine':
      town.store.transaction(() => quarantine(town, session, reason));
      return;
    case 'settle':
      town.store.transaction(() => {
        town.store.sessions.settle(session.runId, town.manager.now());
        if (!session.endedUnseen) town.outbox.expire(id, `${id} ended (${session.cause}) before it had this`);
      });
      // It can be resumed, with its worktree and with what waits for it, until the user does not want it any more.
      if (session.endedUnseen) return;
      return tidyWorktree(town, session);
    case 'stop':
      await town.manager.stop(id);
      return;
    case 'escalate':
      town.escalations.raise({
        severity: act.severity,
        message: `${id}: ${reason}`,
        by: host,
        sessionId: id,
        key: act.key,
      });
  }
}

function quarantine(town: Town, { id, runId }: SessionInfo, reason: string): void {
  town.store.sessions.quarantine(id, { at: town.manager.now(), reason });
  town.store.addEvent({
    at: town.manager.now(),
    sessionId: id,
    runId,
    type: 'session.quarantined',
    detail: { reason },
  });
  town.outbox.expire(id, `${id} is quarantined: ${reason}`);
  town.escalations.raise({
    severity: 'high',
    message: `${id} is quarantined: ${reason}. When the cause is dealt with: gt reset ${id}; if it is not wanted any more: gt stop ${id}`,
    by: host,
    sessionId: id,
    key: { kind: 'quarantined', subject: id, run: runId },
  });
}

async function restart(town: Town, id: string, reason: string): Promise<void> {
  town.manager.requireTrust();
  const before = town.registry.get(id).runId;
  try {
    const session = town.registry.get(id);
    const other = town.agents.insteadOf(session);
    if (other) await failOver(town, session, other.agent, `${reason}; ${other.reason}`);
    else await restartSession(town, id, { reason });
  } catch (error) {
    // A run that came to be and failed is a fact like any other: the rules judge it next.
    if (town.registry.find(id)?.runId === before) throw error;
    town.log.warn(`[orchestration] ${id} was restarted in vain: ${messageOf(error)}`);
  }
}

async function aboutUnit(
  town: Town,
  id: string,
  act: Exclude<UnitAct, { kind: 'dispatch' }>,
  reason: string,
): Promise<void> {
  const unit = town.work.get(id);
  const session = unit.owner === undefined ? {} : { sessionId: unit.owner };
  switch (act.kind) {
    case 'running':
      town.work.move(unit, 'running', { by: host, runId: act.runId, note: reason });
      return;
    case 'release':
      town.work.move(unit, 'open', { by: host, note: reason }, { owner: null });
      return;
    case 'stall':
      town.work.move(unit, 'stalled', { by: host, note: reason });
      return;
    case 'remind':
      town.outbox.accept({ from: host, to: act.session, kind: 'reminder', body: '', workId: id });
      return;
    case 'requeue':
      takeBack(town, unit, {
        by: host,
        note: reason,
        attempts: unit.attempts + 1,
        notBefore: act.notBefore,
        ...(act.to === undefined ? {} : { to: act.to }),
        ...(act.stop === undefined ? {} : { ends: true }),
      });
      if (act.stop !== undefined) await town.manager.stop(act.stop);
      return;
    case 'escalate': {
      const message = unit.note === undefined ? reason : `${reason}: ${unit.note}`;
      town.store.transaction(() => {
        if (act.moves) town.work.move(unit, 'escalated', { by: host, note: message });
        town.escalations.raise({ severity: act.severity, message, by: host, workId: id, key: act.key, ...session });
      });
      return;
    }
    case 'tell-closed': {
      const body = `${id} is ${unit.state} (${unit.note ?? 'no reason given'}). Stop working on it, and leave its branch as it is.`;
      town.outbox.accept({ id: closedNoticeId(unit), from: host, to: act.session, kind: 'nudge', body });
      return;
    }
  }
}

/**
 * Gives a queued unit to the session that is to have it, where that lives, else to a new one. `order`: of those that are
 * begun at once each has its claim before the next one is looked at, so that the most urgent gets what there is.
 */
async function dispatch(town: Town, id: string, order: Queue): Promise<void> {
  const { rig, attempts, dispatch: how = {} } = town.work.get(id);
  const { to, agent, backend, note, name, branch, bare } = how;
  if (to !== undefined && branch !== undefined && (await lend(town, town.work.get(id), { to, branch, note }))) return;
  if (to !== undefined && branch === undefined && town.registry.find(to)?.state === 'running') {
    const { backend } = town.registry.get(to);
    const assignment = { by: host, attempts, ...(note === undefined ? {} : { note }) };
    await getOrchestrator(town.orchestrators, { backend }).assignWork(
      to,
      toWorkUnit(town.work.get(id)),
      undefined,
      assignment,
    );
    return;
  }
  const slung = {
    work: id,
    rig,
    ...(agent === undefined ? {} : { agent }),
    ...(backend === undefined ? {} : { backend }),
    ...(note === undefined ? {} : { message: note }),
    ...(name === undefined ? {} : { name }),
    ...(branch === undefined ? {} : { branch }),
    ...(bare ? { setup: false } : {}),
  };
  try {
    await inTurn(order, (onClaim) => slingUnit(town, { ...slung, onClaim }, host, new AbortController().signal));
  } catch (error) {
    // The unit says what became of it, and the rules judge that next.
    const unit = town.work.get(id);
    // What only its worktree has is seen when that is made: the unit waits for the user's word all the same.
    if (GasTownError.is(error, 'waits')) return void keepWaiting(town, unit);
    const waits = unit.state === 'queued' || (unit.state === 'failed' && GasTownError.is(error, 'consent-needed'));
    if (!waits) return;
    if (!GasTownError.is(error, 'backend-unavailable') && !GasTownError.is(error, 'consent-needed')) throw error;
    // The user's word, or other settings, let it be tried (`unblockQueued`); time does not.
    const notBefore = GasTownError.is(error, 'consent-needed') ? town.manager.now() + dayMs : nextTrial(town);
    town.work.move(
      unit,
      'queued',
      { by: host, note: error.message },
      { notBefore, dispatch: { ...how, ...unit.dispatch, blocked: true } },
    );
  }
}

/** Begins when its turn has come; the next one's comes with the call of `passOn`, or at the end. */
async function inTurn(order: Queue, begin: (passOn: () => void) => Promise<unknown>): Promise<void> {
  let ended: Promise<unknown> | undefined;
  await order.run(
    () =>
      new Promise<void>((passOn) => {
        ended = begin(passOn);
        // What it rejects with is the caller's.
        void ended.catch(() => undefined).then(() => passOn());
      }),
  );
  await ended;
}

/** When the first of what is not used now is tried again, as far as that is known. */
const nextTrial = (town: Town): number => town.agents.nextTrial() ?? town.manager.now() + blockedMs;
