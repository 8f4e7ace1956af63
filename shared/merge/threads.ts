import type { ReviewSide } from '../domain/merge.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { readFileIn } from '../platform/git/changes.ts';
import { runGit } from '../platform/git/git.ts';
import type { Town } from '../orchestration/town.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { StoredThread } from '../store/reviews.ts';
import { moveLine, parseHunks } from './move-line.ts';

type Parts = Pick<Town, 'store' | 'rigs' | 'log'>;

/** Where a change is looked at: of a merge its base and head, of a unit that is still worked at what it has by now. */
export interface Compared {
  workId: string;
  rig: string;
  from: string;
  to: string;
}

export interface NewComment {
  path: string;
  side: ReviewSide;
  line: number;
  body: string;
  by: string;
  at: number;
}

/** `C-7` → 7. Rejects with `bad-input`. */
export function threadNumber(id: string): number {
  const number = /^C-(\d+)$/i.exec(id.trim())?.[1];
  if (number === undefined) throw new GasTownError('bad-input', `"${id}" is no comment. They are called C-1, C-2, …`);
  return Number(number);
}

/** Begins a conversation about a line. Rejects with `bad-input` where the change has no such line. */
export async function beginThread({ store, rigs }: Parts, at: Compared, comment: NewComment): Promise<StoredThread> {
  const { path, side, line, body, by } = comment;
  if (body.trim() === '') throw new GasTownError('bad-input', 'Say something about the line.');
  const commit = side === 'new' ? at.to : at.from;
  const file = await readFileIn(rigs.get(at.rig).path, commit, path);
  const quote = file.kind === 'text' ? file.text.split('\n')[line - 1] : undefined;
  if (quote === undefined) {
    const why =
      file.kind === 'text' ? 'has no such line' : file.kind === 'missing' ? 'is not in it' : `is ${file.kind}`;
    throw new GasTownError(
      'bad-input',
      `${path}:${line} cannot be commented on: ${commit.slice(0, 7)}, and ${path} ${why}.`,
    );
  }
  return store.transaction(() => {
    const thread = {
      workId: at.workId,
      path,
      side,
      line,
      head: commit,
      quote,
      state: 'open' as const,
      createdAt: comment.at,
    };
    const number = store.reviews.begin(thread);
    store.reviews.add({ thread: number, at: comment.at, by, body: body.trim() });
    return { ...thread, number };
  });
}

/**
 * After a new round: each conversation goes to where its line is now, or is outdated where the line is gone or was changed.
 * Those at the base stay. Where git cannot tell, they stay where they are, at the commit that they were made in.
 */
export async function moveThreads({ store, rigs, log }: Parts, merge: StoredMerge): Promise<void> {
  const { path: repository } = rigs.get(merge.rig);
  for (const thread of store.reviews.threadsOf(merge.workId)) {
    if (thread.side !== 'new' || thread.state !== 'open' || thread.head === merge.head) continue;
    try {
      const args = [
        'diff',
        '-U0',
        '--no-color',
        '--no-ext-diff',
        '--no-textconv',
        '--end-of-options',
        thread.head,
        merge.head,
      ];
      const { code, stdout, stderr } = await runGit(repository, [...args, '--', `:(literal,top)${thread.path}`]);
      if (code !== 0) throw new Error(stderr.trim());
      const line = moveLine(parseHunks(stdout), thread.line);
      store.backlog.keep(() => {
        if (line === undefined) store.reviews.setState(thread.number, 'outdated');
        else store.reviews.move(thread.number, line, merge.head);
      });
    } catch (error) {
      log.warn(`[orchestration] the comment C-${thread.number} stays where it was: ${messageOf(error)}`);
    }
  }
}
