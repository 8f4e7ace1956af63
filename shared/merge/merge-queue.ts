import { queueItems } from '../config/consent.ts';
import { mergeQueuePolicy } from '../config/merge-queue-settings.ts';
import type { MergeQueuePolicy } from '../config/merge-queue-settings.ts';
import type { RigConsents } from '../orchestration/rig-consents.ts';
import type { Town } from '../orchestration/town.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import { messageOf } from '../platform/errors.ts';
import { hasMergeTree } from '../platform/git/merge-tree.ts';
import { placesOf, trackingRefOf } from '../platform/git/remote-branch.ts';
import { watchRefs } from '../platform/git/watch-refs.ts';
import { returnToAuthor } from './return-to-author.ts';
import { RigActs } from './rig-acts.ts';
import { RigQueue } from './rig-queue.ts';
import { targetRefOf } from '../orchestration/target-ref.ts';
import { tellTargetRed } from './tell-target-red.ts';
import { tidyMerged } from './tidy-merged.ts';
import { watchTarget } from './watch-target.ts';

/** The merge queues of a town, one a rig, each of its own pace. They listen from now on, and act when they are started. */
export class MergeQueue implements Disposable {
  private readonly town: Town;
  private readonly consents: Pick<RigConsents, 'hasAgreed'>;
  private readonly disposables = new DisposableStore();
  private readonly queues = new Map<string, RigQueue>();
  /** By rig and target: what is watched because that target could not be moved. */
  private readonly watched = new Map<string, Disposable>();
  /** By rig and target: what is watched because something waits until that target moves. */
  private readonly held = new Map<string, Disposable>();
  /** Rigs whose queue takes approved branches by itself. */
  private readonly enabled = new Set<string>();
  private readonly ending = new AbortController();
  private isStarted = false;

  constructor(town: Town, consents: Pick<RigConsents, 'hasAgreed'>) {
    this.town = town;
    this.consents = consents;
    this.disposables.add(
      town.merges.onDidChange(({ rig, state }) => {
        if (state === 'queued') this.queueOf(rig)?.wake();
      }),
    );
    // Other settings, or the user's word about what they say.
    this.disposables.add(
      town.rigs.onDidChange(() => {
        this.takeApproved();
        for (const queue of this.queues.values()) queue.wake('checkout');
      }),
    );
  }

  /** Goes on with what is queued, or was half done when an earlier host ended. */
  start(): void {
    this.isStarted = true;
    for (const rig of this.town.rigs.names()) if (this.policyOf(rig).enabled) this.enabled.add(rig);
    const states = ['queued', 'merging', 'ready'];
    const rigs = new Set(this.town.merges.open().flatMap(({ rig, state }) => (states.includes(state) ? [rig] : [])));
    for (const rig of rigs) this.queueOf(rig)?.wake('checkout');
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    for (const queue of this.queues.values()) await queue.settled();
  }

  async dispose(): Promise<void> {
    this.isStarted = false;
    this.ending.abort();
    for (const watching of [...this.watched.values(), ...this.held.values()]) watching.dispose();
    await Promise.all([...[...this.queues.values()].map((queue) => queue.dispose()), this.disposables.dispose()]);
  }

  /** What was approved while the queue was off goes into it when the user turns it on. */
  private takeApproved(): void {
    if (!this.isStarted) return;
    const { merges, rigs, manager } = this.town;
    for (const rig of rigs.names()) {
      const isOn = this.policyOf(rig).enabled;
      const wasOn = this.enabled.has(rig);
      if (isOn) this.enabled.add(rig);
      else this.enabled.delete(rig);
      if (!isOn || wasOn) continue;
      for (const merge of merges.open())
        if (merge.rig === rig && merge.state === 'review' && merge.approvedHead === merge.head)
          merges.move(
            merge,
            'queued',
            { by: 'queue', note: 'the merge queue was turned on' },
            { queuedAt: manager.now() },
          );
    }
  }

  private policyOf(rig: string): MergeQueuePolicy {
    const { rigs } = this.town;
    return mergeQueuePolicy(rigs.names().includes(rig) ? rigs.get(rig).settings.merge_queue : undefined);
  }

  /** Undefined before the start, and for a rig that is not there. */
  private queueOf(rig: string): RigQueue | undefined {
    if (!this.isStarted || !this.town.rigs.names().includes(rig)) return undefined;
    const known = this.queues.get(rig);
    if (known) return known;
    const { town } = this;
    const { store, merges, work, log } = town;
    const acts = new RigActs(town, rig, this.ending.signal);
    const queue = new RigQueue({
      rig,
      store,
      merges,
      log,
      acts,
      policy: () => this.policyOf(rig),
      priorityOf: (workId) => work.find(workId)?.priority ?? 2,
      sharesBranch: ({ branch, workId }) => store.work.onBranch(rig, branch).some(({ id }) => id !== workId),
      standsStill: () => this.standsStill(rig),
      onFailed: (merge) => returnToAuthor(town, merge),
      onMerged: (merge) => void tidyMerged(town, merge),
      onTargetRed: (merge) => tellTargetRed(town, merge),
      onHeld: (target, commit) => void this.watchHeld(acts, rig, target, commit),
      onReady: (target, words) => void this.watch(acts, rig, target, words),
      now: () => town.manager.now(),
    });
    this.queues.set(rig, queue);
    return queue;
  }

  private async standsStill(rig: string): Promise<string | undefined> {
    const { town } = this;
    try {
      town.manager.requireTrust();
    } catch (error) {
      return messageOf(error);
    }
    if (!(await hasMergeTree())) return 'merging needs git 2.39 or newer';
    if (!queueItems(town.rigs.get(rig).settings).every((item) => this.consents.hasAgreed(rig, item)))
      return `you have not agreed to how the rig ${rig} wants its work merged, and nothing is merged until you do: "Gas Town: Review Rig Settings…", or gt rig trust ${rig}`;
    return undefined;
  }

  /** Until it has moved; also where it has done so before it is watched. */
  private async watchHeld(acts: RigActs, rig: string, target: string, commit: string): Promise<void> {
    const key = `${rig} ${target}`;
    if (this.held.has(key)) return;
    const disposables = new DisposableStore();
    this.held.set(key, disposables);
    const over = (): void => {
      if (this.held.get(key) !== disposables) return;
      this.held.delete(key);
      void disposables.dispose();
      this.queues.get(rig)?.wake();
    };
    try {
      const { path } = this.town.rigs.get(rig);
      const ref = await targetRefOf(path, target, this.policyOf(rig).strategy, this.ending.signal);
      disposables.add(await watchRefs(path, [ref], over));
      if ((await acts.tipOf(target)) !== commit) over();
    } catch (error) {
      this.held.delete(key);
      if (this.ending.signal.aborted) return;
      this.town.log.warn(`[orchestration] ${target} of ${rig} is not watched: ${messageOf(error)}`);
    }
  }

  private async watch(acts: RigActs, rig: string, target: string, words: string): Promise<void> {
    const key = `${rig} ${target}`;
    this.watched.get(key)?.dispose();
    this.watched.delete(key);
    const { path } = this.town.rigs.get(rig);
    const onChange = (): void => {
      this.watched.get(key)?.dispose();
      this.watched.delete(key);
      this.queues.get(rig)?.wake('checkout');
    };
    try {
      const watching =
        this.policyOf(rig).strategy === 'pr'
          ? await this.watchRemote(acts, path, target, onChange)
          : await watchTarget(path, target, { words, since: acts.triedAt }, onChange);
      if (this.ending.signal.aborted || this.watched.has(key)) watching.dispose();
      else this.watched.set(key, watching);
    } catch (error) {
      this.town.log.warn(`[orchestration] ${target} of ${rig} is not watched: ${messageOf(error)}`);
    }
  }

  /** What a fetch brings: then its remote can be asked, and may not be as it was. */
  private async watchRemote(
    acts: RigActs,
    repository: string,
    target: string,
    onChange: () => void,
  ): Promise<Disposable> {
    const before = acts.tipTried(target);
    const { remote } = await placesOf(repository, target, this.ending.signal);
    const watching = await watchRefs(repository, remote === undefined ? [] : [trackingRefOf(remote)], onChange);
    // A fetch that came before the watch has been seen by nobody.
    if ((await acts.tipOf(target)) !== before) onChange();
    return watching;
  }
}
