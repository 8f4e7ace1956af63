/** What to notify the person of. Pure. */
import { waitsOf } from '../../shared/attention/waits.ts';
import type { AttentionView } from '../../shared/attention/waits.ts';
import type { EscalationView, SessionView, TownSnapshot, WorktreeView } from '../../shared/town/snapshot.ts';

/** One reason for a notification: a session waits for something, a run of it has failed, something was escalated, or a worktree was removed. */
export type Cause = {
  /** The same for as long as it is the same reason. */
  key: string;
} & (
  | { kind: 'waiting'; session: SessionView; wait: AttentionView }
  | { kind: 'failed'; session: SessionView }
  | { kind: 'escalated'; escalation: EscalationView }
  | { kind: 'removed'; worktree: WorktreeView }
);

export function causesIn({ sessions, escalations, worktrees }: TownSnapshot): Cause[] {
  return [
    ...sessions.flatMap((session) => causesOf(session)),
    ...escalations.map((escalation): Cause => ({ kind: 'escalated', key: escalation.id, escalation })),
    // Those that stay are told on their rows.
    ...worktrees.flatMap((worktree): Cause[] =>
      worktree.state === 'removed' ? [{ kind: 'removed', key: `${worktree.id}/${worktree.at}`, worktree }] : [],
    ),
  ];
}

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
