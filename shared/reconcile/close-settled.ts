import type { EscalationKind } from '../domain/escalation-key.ts';
import type { MergeState } from '../domain/merge.ts';
import { hasDied } from '../domain/session-state.ts';
import type { WorkState } from '../domain/work-state.ts';
import type { StoredEscalation } from '../store/escalations.ts';
import type { Town } from '../orchestration/town.ts';
import { gone } from '../orchestration/waiting.ts';

/** What the host itself has escalated about sessions and work is closed when it is no longer so. */
export function closeSettled(town: Town): void {
  // Asked before anything is written: this is done after every change, and hardly ever is there anything to close.
  if (settled(town).length === 0) return;
  town.store.backlog.keep(() => {
    for (const [{ id }, note] of settled(town)) town.escalations.close(id, 'host', note);
  });
}

function settled(town: Town): [StoredEscalation, string][] {
  return town.escalations.list().flatMap((escalation): [StoredEscalation, string][] => {
    const note = escalation.by === 'host' ? settledBy(town, escalation) : undefined;
    return note === undefined ? [] : [[escalation, note]];
  });
}

/** The states in which a unit is what was escalated of it. */
const stillSo: Readonly<Partial<Record<EscalationKind, readonly WorkState[]>>> = {
  stalled: ['stalled'],
  failed: ['failed', 'escalated'],
  escalated: ['escalated'],
};

/** Here it is not known yet whether the target is still red, or it is. */
const isTried: readonly MergeState[] = ['queued', 'merging'];

/** Why it is no longer so; undefined while it is, or where that cannot be told. */
function settledBy(
  town: Town,
  { key: { kind, subject, run }, workId, sessionId }: StoredEscalation,
): string | undefined {
  const states = stillSo[kind];
  if (states) {
    const work = workId === undefined ? undefined : town.work.find(workId);
    return work && !states.includes(work.state) ? `${work.id} is ${work.state} by now` : undefined;
  }
  if (kind === 'blocked') {
    const work = workId === undefined ? undefined : town.work.find(workId);
    if (work?.state !== 'queued') return `${workId ?? 'the unit'} is ${work?.state ?? 'gone'} by now`;
    return gone(town, work).some(({ after }) => after === run)
      ? undefined
      : `${work.id} does not wait for ${run} any more`;
  }
  if (kind === 'merge') {
    const merge = workId === undefined ? undefined : town.merges.find(workId);
    const isSo = merge?.state === 'conflict' || merge?.state === 'gate-failed';
    return isSo ? undefined : `its merge is ${merge?.state ?? 'gone'} by now`;
  }
  if (kind === 'target') {
    const isSo = town.merges
      .open()
      .some(
        ({ rig, target, state, detail }) =>
          `${rig} ${target}` === subject && isTried.includes(state) && detail.targetRed !== undefined,
      );
    return isSo ? undefined : 'nothing waits for it any more';
  }
  if (kind !== 'hung' && kind !== 'quarantined') return undefined;
  const session = sessionId === undefined ? undefined : town.registry.find(sessionId);
  if (!session) return `${sessionId ?? 'the session'} is not there any more`;
  if (session.runId !== run) return `${session.id} goes on in another run`;
  if (kind === 'quarantined') return hasDied(session) ? undefined : `${session.id} was given up`;
  return session.activity.kind !== 'busy' ? `${session.id} is no longer busy` : undefined;
}
