import { mergeQueuePolicy } from '../config/merge-queue-settings.ts';
import type { MergeState } from '../domain/merge.ts';
import { host, overseer } from '../domain/message.ts';
import { existsOnce } from '../domain/names.ts';
import { hasDied, hasEnded } from '../domain/session-state.ts';
import type { WorkState } from '../domain/work-state.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { StoredWork } from '../store/work.ts';
import type { MergeMove } from '../work/merges.ts';
import type { WorkMove } from '../work/service.ts';
import { policyOf } from './policy-of.ts';
import { toldText } from './told-text.ts';
import type { Told } from './told-text.ts';
import type { Town } from './town.ts';

type Parts = Pick<
  Town,
  'work' | 'merges' | 'registry' | 'rigs' | 'outbox' | 'store' | 'escalations' | 'manager' | 'settings'
>;

/** What is told of a unit, by where it has come. */
const ofUnits: Readonly<Partial<Record<WorkState, Told>>> = {
  done: 'done',
  failed: 'failed',
  stalled: 'stalled',
  escalated: 'escalated',
  cancelled: 'cancelled',
};

const ofMerges: Readonly<Partial<Record<MergeState, Told>>> = {
  'sent-back': 'sent-back',
  merged: 'merged',
  conflict: 'conflict',
  'gate-failed': 'gate-failed',
  discarded: 'discarded',
};

/** What makes a coordinator sling the unit again, which may end the same way: without a bound that would go on for ever. */
const mayRepeat: readonly Told[] = [
  ...(['failed', 'stalled', 'escalated', 'sent-back', 'conflict', 'gate-failed'] as const),
  ...(['checks-failed', 'pull-closed'] as const),
];
/** So often within an hour the slinger is told of one unit that it did not go well; then the user is. */
const mostAnHour = 6;
const hour = 3_600_000;

/**
 * Tells the session that slung a unit what becomes of it: once for each time that something does, at its next safe moment.
 * The message is written in the transaction of the change, so that neither is there without the other. Nobody is told
 * of what they did themselves; the user sees it in the editor.
 */
export function tellSlingers(town: Parts): Disposable {
  const disposables = new DisposableStore();
  disposables.add(town.work.onWillMove((move) => tellOfUnit(town, move)));
  disposables.add(town.merges.onWillMove((move) => tellOfMerge(town, move)));
  return disposables;
}

function tellOfUnit(town: Parts, move: WorkMove): void {
  const { before, now, by } = move;
  const told = ofUnits[now.state];
  if (told === undefined || now.state === before.state || isDealtWith(town, move)) return;
  tell(town, told, now, told === 'done' ? town.merges.find(now.id) : undefined, { by, at: now.changedAt });
}

/** The host does something about it by itself: it is tried again, or escalated, and that is told. */
function isDealtWith(town: Parts, { now: { state, rig, attempts, dispatch, owner }, by }: WorkMove): boolean {
  const { spawnFailure, workFailure, stalled, retries } = policyOf(town, rig);
  if (state === 'stalled') return stalled === 'reassign' && attempts < retries && town.rigs.names().includes(rig);
  if (state !== 'failed') return false;
  // Whoever has asked for a start that failed has the reason already.
  return dispatch?.startFailed ? spawnFailure !== 'fail' : by === owner && workFailure !== 'leave';
}

function tellOfMerge(town: Parts, move: MergeMove): void {
  tellOfPull(town, move);
  const { before, now, by } = move;
  const told = ofMerges[now.state];
  if (told === undefined || now.state === before.state || isStillTried(town, now)) return;
  const unit = town.work.find(now.workId);
  if (unit) tell(town, told, unit, now, { by, at: now.changedAt, note: now.detail.why });
}

/** Checks that fail once more for the same commit have been told. */
function tellOfPull(town: Parts, { before, now, by }: MergeMove): void {
  const unit = town.work.find(now.workId);
  if (unit === undefined || before.state !== 'proposed') return;
  const note = now.detail.pull?.url;
  if (now.state === 'proposed' && now.detail.pull?.checks?.state === 'failed')
    tell(town, 'checks-failed', unit, now, { by, at: now.head, note });
  if (now.state === 'review' && now.detail.pull?.state === 'closed')
    tell(town, 'pull-closed', unit, now, { by, at: now.changedAt, note });
}

/** The queue sends a conflict, or what a gate refused, back to its author first, so often as the settings say. */
function isStillTried({ rigs, work }: Parts, { workId, state, rig, conflictRounds }: StoredMerge): boolean {
  if (state !== 'conflict' && state !== 'gate-failed') return false;
  if (!rigs.names().includes(rig) || work.find(workId)?.state !== 'done') return false;
  return conflictRounds <= mergeQueuePolicy(rigs.get(rig).settings.merge_queue).maxRounds;
}

function tell(
  town: Parts,
  told: Told,
  unit: StoredWork,
  merge: StoredMerge | undefined,
  { by, at, note }: { by: string; at: number | string; note?: string | undefined },
): void {
  const to = unit.slungBy;
  if (to === undefined || to === by || !canBeTold(town, to)) return;
  const id = toldId(unit.id, told, at);
  if (town.store.messages.get(id)) return;
  if (mayRepeat.includes(told) && isInCircles(town, unit.id)) return escalate(town, unit, to);
  const body = toldText(told, unit, merge, { by, note });
  town.outbox.accept({ id, from: host, to, kind: 'nudge', body, lasts: true });
}

/** One that exists once gets it in its next run. */
export function canBeTold({ registry }: Pick<Town, 'registry'>, to: string): boolean {
  if (to === overseer || to === host) return false;
  const session = registry.find(to);
  return existsOnce(to) || (session !== undefined && (!hasEnded(session) || hasDied(session)));
}

/** `at`: what makes it another one. */
const toldId = (work: string, told: Told, at: number | string): string => `told_${work}_${told}_${at}`;

function isInCircles({ store, manager }: Parts, work: string): boolean {
  const now = manager.now();
  const times = mayRepeat.map((told) => store.messages.countBeginning(`told_${work}_${told}_`, now - hour, now));
  return times.reduce((sum, count) => sum + count, 0) >= mostAnHour;
}

function escalate({ escalations, manager }: Parts, { id }: StoredWork, to: string): void {
  const since = Math.floor(manager.now() / hour) * hour;
  escalations.raise({
    severity: 'medium',
    message: `${id} goes in circles: ${to} was told ${mostAnHour} times within an hour that it did not go well, and is not told again for a while. Look at it: gt work show ${id}`,
    by: host,
    workId: id,
    key: { kind: 'circles', subject: id, since },
  });
}
