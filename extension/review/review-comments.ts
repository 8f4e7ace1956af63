import * as vscode from 'vscode';
import { GasTownError, messageOf } from '../../shared/platform/errors.ts';
import type { MergeDetailView, ThreadView } from '../../shared/channel/views.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import type { CurrentTown } from '../town/current-town.ts';
import { isDecidable } from '../views/merge-text.ts';
import { partyName } from '../views/message-text.ts';
import { sideUri } from './review-documents.ts';
import { mergeOf } from './review-editors.ts';
import { fromUri, pathOf } from './review-uri.ts';
import { isSettled, receiptText, threadLabel } from './thread-text.ts';

const t = vscode.l10n.t;

/** Conversations about lines in the reviews that are open, as the town has them. */
export class ReviewComments {
  private readonly disposables = new DisposableStore();
  private readonly town: CurrentTown;
  private readonly log: Pick<vscode.LogOutputChannel, 'debug'>;
  private readonly controller: vscode.CommentController;
  /** What is shown, by the unit whose review is open. */
  private readonly shown = new Map<string, ShownReview>();

  constructor(town: CurrentTown, log: Pick<vscode.LogOutputChannel, 'debug'>) {
    this.town = town;
    this.log = log;
    this.controller = this.disposables.add(vscode.comments.createCommentController('gastown-review', t('Review')));
    this.controller.options = { prompt: t('Comment on this line'), placeHolder: t('What is to be changed here?') };
    this.controller.commentingRangeProvider = { provideCommentingRanges: (document) => this.ranges(document) };
    this.disposables.add(vscode.workspace.onDidOpenTextDocument((document) => this.opened(document)));
    this.disposables.add(vscode.workspace.onDidCloseTextDocument((document) => this.closed(document)));
    this.disposables.add(town.onDidChange(() => this.update()));
    for (const document of vscode.workspace.textDocuments) this.opened(document);
  }

  /** Stores what was written below a line, or as an answer; it goes to the author only when the unit is sent back. */
  async add({ thread, text }: vscode.CommentReply): Promise<void> {
    const at = fromUri(thread.uri);
    const { connection } = this.town;
    if (!at || !connection || text.trim() === '') return;
    const review = this.follow(at.work);
    try {
      const known = review.idOf(thread);
      const line = (thread.range?.end.line ?? 0) + 1;
      const { work: id, commit, side } = at;
      review.adopt(
        thread,
        known === undefined
          ? await connection.api.request('review.comment', {
              id,
              commit,
              side,
              line,
              path: pathOf(thread.uri, at),
              body: text,
            })
          : await connection.api.request('review.reply', { thread: known, body: text }),
      );
    } catch (error) {
      // The editor has emptied its box already: what was written stays to be read and copied.
      const author = { name: t('You') };
      const lost = { author, body: text, label: t('not stored'), mode: vscode.CommentMode.Preview };
      thread.comments = [...thread.comments, lost];
      throw error;
    }
  }

  async resolve(thread: vscode.CommentThread, resolved: boolean): Promise<void> {
    const at = fromUri(thread.uri);
    const review = at && this.shown.get(at.work);
    const id = review?.idOf(thread);
    if (!review || !this.town.connection) return;
    // One that was never stored.
    if (id === undefined) return thread.dispose();
    review.adopt(thread, await this.town.connection.api.request('review.resolve', { thread: id, resolved }));
  }

  dispose(): Promise<void> {
    for (const review of this.shown.values()) review.dispose();
    return this.disposables.dispose();
  }

  /** Lines of a unit's present change; the editor asks for every document that there is. */
  private ranges(document: vscode.TextDocument): vscode.Range[] | undefined {
    const at = fromUri(document.uri);
    const merge = at && mergeOf(this.town, at.work);
    if (
      !merge ||
      !isDecidable(merge) ||
      at.below !== undefined ||
      at.commit !== (at.side === 'new' ? merge.head : merge.base)
    )
      return undefined;
    return [new vscode.Range(0, 0, Math.max(0, document.lineCount - 1), 0)];
  }

  private opened({ uri }: vscode.TextDocument): void {
    const at = fromUri(uri);
    if (at) this.follow(at.work).update(this.town);
  }

  private closed({ uri }: vscode.TextDocument): void {
    const work = fromUri(uri)?.work;
    if (work === undefined || vscode.workspace.textDocuments.some((each) => fromUri(each.uri)?.work === work)) return;
    this.shown.get(work)?.dispose();
    this.shown.delete(work);
  }

  private follow(work: string): ShownReview {
    const known = this.shown.get(work);
    if (known) return known;
    const review = new ShownReview(work, this.controller, this.log);
    this.shown.set(work, review);
    return review;
  }

  private update(): void {
    for (const review of this.shown.values()) review.update(this.town);
  }
}

/** The conversations of one unit, in the editor. */
class ShownReview {
  private readonly work: string;
  private readonly controller: vscode.CommentController;
  private readonly log: Pick<vscode.LogOutputChannel, 'debug'>;
  private readonly threads = new Map<string, { thread: vscode.CommentThread; view: string }>();
  /** What the town said of them when they were read. */
  private readAt = '';
  private reading = Promise.resolve();
  private head: string | undefined;
  private disposed = false;

  constructor(work: string, controller: vscode.CommentController, log: Pick<vscode.LogOutputChannel, 'debug'>) {
    this.work = work;
    this.controller = controller;
    this.log = log;
  }

  idOf(thread: vscode.CommentThread): string | undefined {
    return [...this.threads].find(([, known]) => known.thread === thread)?.[0];
  }

  /** Reads them anew where the town says that one of them, or a message's receipt, has changed. */
  update(town: CurrentTown): void {
    const merge = mergeOf(town, this.work);
    const { connection, snapshot } = town;
    if (!merge || !connection || !snapshot) return;
    const { head, changedAt, comments, openThreads, size } = merge;
    const receipts = comments === 0 ? 0 : snapshot.messagesRevision;
    const now = JSON.stringify([head, changedAt, comments, openThreads, size !== undefined, receipts]);
    if (now === this.readAt) return;
    this.readAt = now;
    this.reading = this.reading.then(async () => {
      if (this.disposed || this.readAt !== now) return;
      try {
        this.show(await connection.api.request('merge.show', { id: this.work }));
      } catch (error) {
        // The host has just gone, for example: the next snapshot reads them again.
        this.readAt = '';
        this.log.debug(`comments on ${this.work} could not be read: ${messageOf(error)}`);
      }
    });
  }

  /** The editor has made this thread, or it is one of ours: from now on it shows that. */
  adopt(thread: vscode.CommentThread, view: ThreadView): void {
    const known = this.threads.get(view.id);
    // What was stored may have been read before the answer came.
    if (known && known.thread !== thread) known.thread.dispose();
    this.threads.set(view.id, { thread, view: '' });
    this.put(view);
  }

  dispose(): void {
    this.disposed = true;
    for (const { thread } of this.threads.values()) thread.dispose();
    this.threads.clear();
  }

  private show({ threads, head }: MergeDetailView): void {
    if (this.disposed) return;
    this.head = head;
    for (const view of threads) this.put(view);
  }

  private put(view: ThreadView): void {
    const text = JSON.stringify([view, this.head]);
    const known = this.threads.get(view.id);
    if (known?.view === text) return;
    const thread = this.threadFor(view, known?.thread);
    thread.label = threadLabel(view, t);
    thread.contextValue = view.state;
    // The editor counts those that are not.
    thread.state = isSettled(view) ? vscode.CommentThreadState.Resolved : vscode.CommentThreadState.Unresolved;
    thread.comments = view.comments.map((comment) => ({
      // A plain text, which the editor does not interpret.
      body: comment.body,
      author: { name: partyName(comment.by, t) },
      mode: vscode.CommentMode.Preview,
      timestamp: new Date(comment.at),
      ...(comment.by === 'overseer' ? { label: receiptText(comment, t) } : {}),
    }));
    this.threads.set(view.id, { thread, view: text });
  }

  /**
   * With a new round a line is in another document. One whose line has changed stands where that line was, in what there is
   * now: the change is, as a rule, what the comment asked for, and the answer is below it.
   */
  private threadFor(view: ThreadView, known: vscode.CommentThread | undefined): vscode.CommentThread {
    const { work, head, side, path, line, state } = view;
    const uri = sideUri(work, state === 'outdated' ? (this.head ?? head) : head, side, path);
    const range = new vscode.Range(line - 1, 0, line - 1, 0);
    if (known?.uri.toString() === uri.toString()) {
      if (known.range?.end.line !== range.end.line) known.range = range;
      return known;
    }
    known?.dispose();
    const thread = this.controller.createCommentThread(uri, range, []);
    thread.collapsibleState =
      state === 'resolved'
        ? vscode.CommentThreadCollapsibleState.Collapsed
        : vscode.CommentThreadCollapsibleState.Expanded;
    return thread;
  }
}

/** What the editor gives to a button of a thread: the thread, with what was written where that is a reply. */
export function threadOf(argument: vscode.CommentThread | vscode.CommentReply | undefined): vscode.CommentThread {
  if (argument === undefined)
    throw new GasTownError('bad-input', t('This is a button of comments: use it below one in an open review.'));
  return 'thread' in argument ? argument.thread : argument;
}
