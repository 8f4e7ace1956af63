import { isDeepStrictEqual } from 'node:util';
import { looksSame, pullText } from '../domain/pull-request.ts';
import type { PullProblem, PullRequest, PullView } from '../domain/pull-request.ts';
import type { Town } from '../orchestration/town.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import { messageOf } from '../platform/errors.ts';
import { placesOf, trackingRefOf } from '../platform/git/remote-branch.ts';
import { watchRefs } from '../platform/git/watch-refs.ts';
import { GhRefused } from '../platform/github/gh.ts';
import { viewPull } from '../platform/github/pull-requests.ts';
import { withoutUndefined } from '../platform/objects.ts';
import type { StoredMerge } from '../store/merges.ts';
import { problemOfGh } from './pull-problem.ts';
import { pullView } from './pull-view.ts';
import { tidyMerged } from './tidy-merged.ts';

const by = 'queue';
/** So many are looked at for one cause, those that have changed last. */
const mostAtOnce = 50;

/**
 * What becomes of pull requests at their forge. It tells nobody, and is not asked all the time: only when one has just been made
 * or pushed to, when a fetch has moved what is known of its branches, when the host begins, and when somebody wants to know.
 */
export class PullRequests implements Disposable {
  private readonly town: Town;
  private readonly disposables = new DisposableStore();
  private readonly ending = new AbortController();
  /** By unit whose pull request is known to be open: what is watched for it, once it is. */
  private readonly followed = new Map<string, Disposable | undefined>();
  /** By unit: the look that is under way, or waits for its turn. */
  private readonly looking = new Map<string, Promise<void>>();
  /** One look at a time: their forge counts who asks how often. */
  private last = Promise.resolve();
  private isStarted = false;

  constructor(town: Town) {
    this.town = town;
    this.disposables.add(town.merges.onDidChange((merge) => this.follow(merge)));
  }

  /** Looks at those that are open, and follows them from now on. */
  start(): void {
    this.isStarted = true;
    for (const merge of this.town.merges.open()) this.follow(merge);
  }

  /** Asks about those of these that have one; resolves when all is on record, also what could not be seen. */
  async refresh(merges: readonly StoredMerge[]): Promise<void> {
    const newest = merges
      .filter(({ detail }) => detail.pull?.url !== undefined)
      .sort((a, b) => b.changedAt - a.changedAt);
    await Promise.all(newest.slice(0, mostAtOnce).map(({ workId }) => this.look(workId)));
  }

  async dispose(): Promise<void> {
    this.isStarted = false;
    this.ending.abort();
    for (const watching of this.followed.values()) watching?.dispose();
    await Promise.all([this.last, this.disposables.dispose()]);
  }

  private follow(merge: StoredMerge): void {
    const { workId, state } = merge;
    if (state !== 'proposed') {
      this.followed.get(workId)?.dispose();
      this.followed.delete(workId);
    } else if (this.isStarted && !this.followed.has(workId)) {
      this.followed.set(workId, undefined);
      void this.watch(merge).then(() => this.look(workId));
    }
  }

  private get isOver(): boolean {
    return this.ending.signal.aborted || !this.town.store.isOpen;
  }

  /** It is asked with the user's sign-in. */
  private get isTrusted(): boolean {
    try {
      this.town.manager.requireTrust();
      return true;
    } catch {
      return false;
    }
  }

  /** Never rejects. */
  private look(workId: string): Promise<void> {
    const known = this.looking.get(workId);
    if (known) return known;
    const asked = this.last
      .then(() => this.ask(workId))
      .catch((error: unknown) => {
        if (!this.isOver)
          this.town.log.warn(`[orchestration] the pull request of ${workId} was not seen: ${messageOf(error)}`);
      })
      .finally(() => this.looking.delete(workId));
    this.looking.set(workId, asked);
    this.last = asked;
    return asked;
  }

  private async ask(workId: string): Promise<void> {
    const { merges, rigs, store } = this.town;
    if (this.isOver || !this.isTrusted) return;
    const merge = merges.find(workId);
    const url = merge?.detail.pull?.url;
    if (merge === undefined || url === undefined || !rigs.names().includes(merge.rig)) return;
    const seen = await viewPull(rigs.get(merge.rig).path, url, this.ending.signal).catch((error: unknown) => {
      if (error instanceof GhRefused) return error;
      throw error;
    });
    if (this.isOver) return;
    store.backlog.keep(() => {
      const now = merges.find(workId);
      // What has come meanwhile is about another one.
      if (now?.detail.pull?.url !== url) return;
      if (seen instanceof GhRefused) this.missed(now, problemOfGh(seen));
      else this.record(now, pullView(seen));
    });
  }

  /** What could not be seen is as it was. */
  private missed({ workId, detail }: StoredMerge, problem: PullProblem): void {
    if (!isDeepStrictEqual(detail.pull?.problem, problem))
      this.town.merges.note(workId, { pull: { ...detail.pull, problem } });
  }

  private record(merge: StoredMerge, seen: PullView): void {
    const { merges, manager, store } = this.town;
    const { remote, into, pushed, pushing } = merge.detail.pull ?? {};
    const ours = withoutUndefined({ remote, into, pushed, pushing });
    const pull: PullRequest = { ...seen, ...ours, seenAt: manager.now() };
    const note = pullText(pull);
    if (merge.state !== 'proposed') merges.note(merge.workId, { pull });
    else if (seen.state === 'merged') {
      const landed = { commit: seen.merged ?? seen.head, strategy: 'pull-request' as const, at: manager.now() };
      const detail = { pull, landed, why: undefined, conflicts: undefined };
      const merged = merges.move(merge, 'merged', { by, note }, { queuedAt: null, detail });
      store.afterCommit(() => void tidyMerged(this.town, merged));
    } else if (seen.state === 'closed') {
      const why = `${note} without being merged. Send it back, discard it, or approve it again for a new one`;
      merges.move(merge, 'review', { by, note: why }, { approvedHead: null, approvedBy: null, detail: { pull, why } });
    } else if (looksSame(pull, merge.detail.pull ?? {})) merges.note(merge.workId, { pull });
    else merges.move(merge, 'proposed', { by, note }, { detail: { pull, why: undefined } });
  }

  /** What a fetch brings of its branches: it may be merged by then, or others have pushed to it. */
  private async watch({ workId, rig, target, branch, detail }: StoredMerge): Promise<void> {
    if (!this.town.rigs.names().includes(rig)) return;
    const { path } = this.town.rigs.get(rig);
    try {
      const { remote: into } = await placesOf(path, target, this.ending.signal);
      const from = detail.pull?.remote;
      const refs = [...(into ? [into] : []), ...(from === undefined ? [] : [{ name: from, branch }])];
      const watching = await watchRefs(path, refs.map(trackingRefOf), () => void this.look(workId));
      if (this.isOver || !this.followed.has(workId)) watching.dispose();
      else this.followed.set(workId, watching);
    } catch (error) {
      if (!this.isOver) this.town.log.warn(`[orchestration] no fetch is seen for ${workId}: ${messageOf(error)}`);
    }
  }
}
