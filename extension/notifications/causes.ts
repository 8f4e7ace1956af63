/** What to notify the user of. Pure. */
import { overseer } from '../../shared/domain/message.ts';
import { waitsOf } from '../../shared/attention/waits.ts';
import type {
  EscalationView,
  SessionView,
  TownSnapshot,
  WorktreeView,
  WorkView,
  AttentionView,
  BatchView,
} from '../../shared/channel/views.ts';

/**
 * One reason for a notification: a session waits for something, a run of it has failed, something was escalated, a worktree was
 * removed, a unit is ready for review, or one that the user slung has come to an end without anything to review,
 * or a batch came to an end.
 */
export type Cause = {
  /** The same for as long as it is the same reason. */
  key: string;
} & (
  | { kind: 'waiting'; session: SessionView; wait: AttentionView }
  | { kind: 'failed'; session: SessionView }
  | { kind: 'escalated'; escalation: EscalationView }
  | { kind: 'removed'; worktree: WorktreeView }
  | { kind: 'batch'; batch: BatchView }
  | { kind: 'ready'; work: WorkView }
  | { kind: 'ended'; work: WorkView }
);

export function causesIn({ sessions, escalations, worktrees, batches, merges, work }: TownSnapshot): Cause[] {
  const units = new Map(work.map((unit) => [unit.id, unit]));
  return [
    ...sessions.flatMap((session) => causesOf(session)),
    ...escalations.map((escalation): Cause => ({ kind: 'escalated', key: escalation.id, escalation })),
    // Those that stay are told on their rows.
    ...worktrees.flatMap((worktree): Cause[] =>
      worktree.state === 'removed' ? [{ kind: 'removed', key: `${worktree.id}/${worktree.at}`, worktree }] : [],
    ),
    // Who else has started one is told by a message.
    ...batches.flatMap((batch): Cause[] =>
      batch.state === 'open' || sessions.some(({ id, state }) => id === batch.startedBy && state === 'running')
        ? []
        : [{ kind: 'batch', key: `${batch.id}/${batch.state}/${batch.since ?? 0}`, batch }],
    ),
    // Each round anew; what the user has looked at before it was told needs no telling.
    ...merges.flatMap(({ work: id, state, reviewed, round, head }): Cause[] => {
      const unit = units.get(id);
      return unit && state === 'review' && !reviewed
        ? [{ kind: 'ready', key: `${id}/ready/${round}/${head}`, work: unit }]
        : [];
    }),
    ...work.flatMap((unit): Cause[] =>
      hasEndedFor(unit) ? [{ kind: 'ended', key: `${unit.id}/${unit.state}/${unit.changedAt}`, work: unit }] : [],
    ),
  ];
}

/** Whether a unit that the user slung is over, and there is nothing to review. Who else slung one is told by a message. */
const hasEndedFor = ({ slungBy, state, result }: WorkView): boolean =>
  slungBy === overseer && (state === 'failed' || (state === 'done' && result?.commits === 0));

function causesOf(session: SessionView): Cause[] {
  // A session that is kept from running is told by its escalation.
  if (session.quarantined !== undefined) return [];
  if (session.state === 'failed') return [{ kind: 'failed', key: `${session.runId}/failed`, session }];
  return waitsOf(session).map((wait) => ({
    kind: 'waiting',
    key: `${session.runId}/${wait.ask ?? `since ${wait.since}`}`,
    session,
    wait,
  }));
}
