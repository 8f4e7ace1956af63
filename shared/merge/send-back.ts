import { GasTownError } from '../platform/errors.ts';
import { overseer } from '../domain/message.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { SessionId } from '../domain/orchestrator.ts';
import { polecatOf } from '../orchestration/sling.ts';
import type { Town } from '../orchestration/town.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { StoredComment, StoredThread } from '../store/reviews.ts';

export interface SendBack {
  by: string;
  /** What is said besides the comments. */
  message: string;
  /** The agent of a new session; the session that had it gets it where this is absent. */
  agent?: string;
}

/**
 * The unit goes back to whoever did it, with everything that was said about its lines: as one message to its session where
 * that lives, else a new session of that name is started for it in the same worktree. One transaction, so that nothing of
 * it is told twice or by halves. Rejects with `bad-input` where there is nothing to say.
 */
export function sendBack(
  town: Town,
  merge: StoredMerge,
  { by, message, agent }: SendBack,
): { merge: StoredMerge; session?: SessionId } {
  const { store, work, merges, registry } = town;
  const unit = work.get(merge.workId);
  const unsent = requireWords(town, merge, message);
  const body = textOf(town, merge, message, unsent);
  const id = messageIdOf(merge);
  const note = `sent back in round ${merge.round}`;
  const owner = unit.owner === undefined ? undefined : registry.find(unit.owner);
  return store.transaction(() => {
    const next = merges.move(
      merge,
      'sent-back',
      { by, note: firstLine(body) },
      {
        approvedHead: null,
        approvedBy: null,
        queuedAt: null,
        detail: { why: note, candidate: undefined },
      },
    );
    store.reviews.setSent(
      unsent.map(({ number }) => number),
      id,
    );
    if (owner && !hasEnded(owner) && agent === undefined) {
      work.reopen(
        unit,
        'assigned',
        { by, note, runId: owner.runId },
        { owner: owner.id, notBefore: null, dispatch: null },
      );
      town.outbox.accept({ id, from: by, to: owner.id, kind: 'work', body, workId: unit.id });
      return { merge: next, session: owner.id };
    }
    const name = polecatOf(unit.branch);
    // With another agent it is another session's, as the one that lives keeps its name.
    const sameName = name !== undefined && (!owner || hasEnded(owner));
    work.reopen(
      unit,
      'queued',
      { by, note },
      {
        owner: null,
        attempts: 0,
        notBefore: null,
        dispatch: {
          note: body,
          ...(agent === undefined ? {} : { agent }),
          ...(sameName ? { name } : {}),
          ...(unit.branch === undefined ? {} : { branch: unit.branch }),
        },
      },
    );
    return { merge: next };
  });
}

/** What of the user's goes along. Throws `bad-input` where there is nothing to say at all. */
export function requireWords(
  { store }: Pick<Town, 'store'>,
  { workId }: StoredMerge,
  message: string,
): StoredComment[] {
  const unsent = store.reviews.unsent(workId, overseer);
  if (message.trim() !== '' || unsent.length > 0) return unsent;
  throw new GasTownError('bad-input', `Say what is to be changed about ${workId}: a comment on a line, or a message.`);
}

/** One for each round: a repetition is the same message. */
const messageIdOf = ({ workId, round }: Pick<StoredMerge, 'workId' | 'round'>): string => `review_${workId}_${round}`;

function textOf(town: Town, merge: StoredMerge, message: string, comments: readonly StoredComment[]): string {
  const threads = new Map(town.store.reviews.threadsOf(merge.workId).map((thread) => [thread.number, thread]));
  const parts = [
    `Your work was reviewed (round ${merge.round}, at ${merge.head.slice(0, 10)}) and needs changes. Your branch and worktree are as you left them.`,
    ...(message.trim() === '' ? [] : [message.trim()]),
    ...comments.flatMap((comment) => {
      const thread = threads.get(comment.thread);
      return thread === undefined ? [] : [commentText(thread, comment)];
    }),
    ...(comments.length === 0 ? [] : ['Answer a comment with: gt review reply <C-number> "<what you did>".']),
  ];
  return parts.join('\n\n');
}

function commentText({ number, path, line, side, quote }: StoredThread, { body }: StoredComment): string {
  const where = side === 'old' ? `${path}:${line} as it was before` : `${path}:${line}`;
  return `C-${number}, ${where}: ${quote.trim()}\n${body}`;
}

const firstLine = (text: string): string => text.split('\n')[0] ?? '';
