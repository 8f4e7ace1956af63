import type { Gate, MergeQueuePolicy } from '../config/merge-queue-settings.ts';
import type { GateResult } from '../domain/merge.ts';
import type { Disposable } from '../platform/emitter.ts';
import { messageOf } from '../platform/errors.ts';
import type { Refusal } from '../platform/git/land.ts';
import type { Logger } from '../platform/logger.ts';
import { Timer } from '../platform/timer.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { Proposal } from './propose.ts';
import type { QueueActs } from './queue-acts.ts';
import { listed, QueueMoves, short } from './queue-moves.ts';
import type { QueueMovesOptions } from './queue-moves.ts';
import { divide, planQueue } from './queue-plan.ts';
import type { Suspects, Waiting } from './queue-plan.ts';
import { RedTargets } from './red-targets.ts';
import type { Stack } from './stack.ts';

export interface RigQueueOptions extends QueueMovesOptions {
  acts: QueueActs;
  policy: () => MergeQueuePolicy;
  /** 0 is the most urgent. */
  priorityOf: (workId: string) => number;
  /** Whether another unit is on this branch, too: then its tip is not this one's head. */
  sharesBranch: (merge: StoredMerge) => boolean;
  /** Why nothing is merged in this rig now; undefined where it is. */
  standsStill: () => Promise<string | undefined>;
  /** The target could not be moved, or a pull request not be made, for this reason: `wake('checkout')` when that may be another. */
  onReady: (target: string, words: string) => void;
  /** Something waits until the target is not at this commit any more: `wake` then. */
  onHeld: (target: string, commit: string) => void;
  log: Logger;
}

/** After something unforeseen the queue waits so long before it goes on, in ms; twice as long each time. */
const pauseMs = { first: 30_000, longest: 3_600_000 };

/**
 * Merges what is queued in one rig, a batch at a time; or makes pull requests of it. What it is about to do is on record first: a host that finds `merging`
 * ones looks whether their commit is in the target, and either records that or queues them again. Nothing runs while nothing
 * is queued.
 */
export class RigQueue implements Disposable {
  private readonly options: RigQueueOptions;
  private readonly moves: QueueMoves;
  private readonly redTargets: RedTargets;
  private suspects: Suspects = [];
  /** Branches that have passed the gates for them alone, as `<unit>@<head>`. */
  private readonly passedAlone = new Set<string>();
  /** Targets that could not be moved, and why: nothing else is tried for them meanwhile. */
  private readonly standing = new Map<string, Refusal>();
  private readonly timer = new Timer(() => this.wake());
  private pause = pauseMs.first;
  private running: Promise<void> | undefined;
  private again = false;
  /** What could not be moved before may be movable now. */
  private mayLand = true;
  private ended = false;

  constructor(options: RigQueueOptions) {
    this.options = options;
    this.redTargets = new RedTargets(options.acts);
    this.moves = new QueueMoves({
      ...options,
      onMerged: (merge) => {
        this.passedAlone.delete(keyOf(merge));
        options.onMerged(merge);
      },
    });
  }

  /** Something has changed; `checkout`: what has kept a target from being moved may be gone. */
  wake(what?: 'checkout'): void {
    if (this.ended || this.moves.isOwn) return;
    if (what === 'checkout') this.mayLand = true;
    this.again = true;
    this.running ??= this.run().finally(() => {
      this.running = undefined;
      if (this.again && !this.isOver) this.wake();
    });
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.running) await this.running;
  }

  async dispose(): Promise<void> {
    this.ended = true;
    this.timer.dispose();
    await this.settled();
  }

  private get isOver(): boolean {
    return this.ended || !this.options.store.isOpen;
  }

  private async run(): Promise<void> {
    while (this.again && !this.isOver) {
      this.again = false;
      this.timer.set(undefined);
      try {
        await this.recover();
        do await this.landReady();
        while (await this.next());
        this.pause = pauseMs.first;
      } catch (error) {
        if (this.isOver) return;
        const words = messageOf(error);
        this.options.log.warn(`[orchestration] the merge queue of ${this.options.rig}: ${words}`);
        for (const merge of this.moves.inState('merging')) this.moves.back(merge, words);
        for (const merge of this.moves.inState('queued')) this.moves.explain(merge, words);
        this.timer.set(this.pause);
        this.pause = Math.min(this.pause * 2, pauseMs.longest);
        return;
      }
    }
  }

  /** What an earlier host, or an act that failed, has left half done. */
  private async recover(): Promise<void> {
    for (const merge of this.moves.inState('merging')) {
      if (!(await this.hasLanded(merge))) this.moves.back(merge, 'tried again, as the last attempt was broken off');
    }
  }

  /** Records that it has, where its commit is in the target by now. */
  private async hasLanded(merge: StoredMerge): Promise<boolean> {
    const { acts } = this.options;
    const { candidate } = merge.detail;
    const tip = candidate && (await acts.headOf(merge.target));
    if (candidate === undefined || tip === undefined) return false;
    if (!(await acts.isAncestor(candidate.commit, tip))) return false;
    this.mergedAs(merge, { commit: candidate.commit, previous: candidate.onto });
    return true;
  }

  /** Those that were ready, once for each time that the reason may have gone. */
  private async landReady(): Promise<void> {
    const { acts, merges } = this.options;
    if (!this.mayLand) return;
    this.mayLand = false;
    this.standing.clear();
    for (const merge of this.moves.inState('ready')) {
      if (merges.find(merge.workId)?.state !== 'ready' || this.standing.has(merge.target)) continue;
      if (await this.hasLanded(merge)) continue;
      const { candidate } = merge.detail;
      const isThere = candidate !== undefined && (await acts.isAncestor(candidate.onto, candidate.tip));
      const isOnTarget = isThere && (await acts.tipOf(merge.target)) === candidate.onto;
      const group = candidate && this.batchOf(candidate.batch, candidate.tip);
      if (!candidate) this.moves.back(merge, 'tried once more');
      else if (!isOnTarget || !group) this.moves.back(merge, `${merge.target} has moved`);
      else {
        for (const each of group) this.moves.step(each, 'merging', 'tried once more', {});
        await this.finish(group, candidate);
      }
    }
  }

  /** All of a batch, as they were when its commit was made; undefined where one of them is not so any more. */
  private batchOf(batch: readonly string[], tip: string): StoredMerge[] | undefined {
    const members = batch.map((workId) => this.options.merges.find(workId));
    const intact = members.every(
      (each) => each && (each.state === 'ready' || each.state === 'merging') && each.detail.candidate?.tip === tip,
    );
    return intact ? members.filter((each) => each !== undefined) : undefined;
  }

  /** False where there is nothing to do (now). */
  private async next(): Promise<boolean> {
    const { policy, priorityOf, now, standsStill } = this.options;
    const queued = this.moves.inState('queued');
    if (queued.length === 0 || this.isOver) return false;
    const why = await standsStill();
    if (why !== undefined) {
      for (const merge of queued) this.moves.explain(merge, why);
      return false;
    }
    const held = await this.stillHeld(queued);
    const standing = queued.filter((merge) => this.standing.has(merge.target) && !held.includes(merge));
    for (const merge of standing) this.moves.explain(merge, `waits until ${merge.target} can be moved`);
    const waiting = queued
      .filter((merge) => !held.includes(merge) && !standing.includes(merge))
      .map(({ workId, target, queuedAt, changedAt }): Waiting => ({
        workId,
        target,
        priority: priorityOf(workId),
        since: queuedAt ?? changedAt,
      }));
    // Each gets a pull request of its own, so none is tried with others.
    const together = this.proposes ? { batchSize: 1, batchWaitMs: 0 } : policy();
    const plan = planQueue(waiting, this.suspects, together, now());
    if (plan.kind === 'wait') this.timer.set(plan.until - now());
    if (plan.kind !== 'try') return false;
    this.suspects = plan.suspects;
    const batch = plan.batch.flatMap((workId) => queued.find((merge) => merge.workId === workId) ?? []);
    await this.tryTogether(batch);
    return true;
  }

  private async tryTogether(batch: readonly StoredMerge[]): Promise<void> {
    const { acts } = this.options;
    const [first] = batch;
    const onto = first && (await acts.tipOf(first.target));
    if (!first || onto === undefined) {
      for (const merge of batch)
        this.moves.toReview(merge, `there is no branch ${merge.target} any more to merge it into`);
      return;
    }
    const started: StoredMerge[] = [];
    for (const merge of batch) {
      if (!(await this.isAsApproved(merge))) continue;
      const others = batch.filter((each) => each !== merge).map(({ workId }) => workId);
      const note = others.length === 0 ? undefined : `together with ${others.join(', ')}`;
      started.push(this.moves.begin(merge, note));
    }
    const alone: StoredMerge[] = [];
    for (const merge of started)
      if ((await this.mayPropose(merge)) && (await this.passesAlone(merge, onto))) alone.push(merge);
    if (alone.length === 0 || this.isOver) return;
    const stack = await acts.stack(onto, alone);
    const members = await this.sort(alone, stack, onto);
    if (members.length === 0) return;
    await this.tryStack(members, { onto, tip: stack.tip, batch: members.map(({ workId }) => workId) });
  }

  /** What has been approved is one commit: a branch that is at another one goes to review again. */
  private async isAsApproved(merge: StoredMerge): Promise<boolean> {
    const { acts, policy, sharesBranch } = this.options;
    const { branch, head, approvedHead } = merge;
    const tip = await acts.headOf(branch);
    const isIts = tip === head || (tip !== undefined && sharesBranch(merge) && (await acts.isAncestor(head, tip)));
    if (tip === undefined) this.moves.toReview(merge, `its branch ${branch} is gone`);
    else if (!isIts)
      this.moves.toReview(
        merge,
        `its branch was at ${short(head)} and is at ${short(tip)} now: look at it again, then approve it`,
        tip,
      );
    else if (approvedHead === undefined ? policy().requireReview : approvedHead !== head)
      this.moves.toReview(merge, `it is not approved as it is now, at ${short(head)}`);
    else return true;
    return false;
  }

  private async passesAlone(merge: StoredMerge, onto: string): Promise<boolean> {
    if (!this.options.policy().gates.some(({ phase }) => phase === 'pre-merge')) return true;
    const key = keyOf(merge);
    if (this.passedAlone.has(key)) return true;
    const { state, results } = await this.options.acts.gates(merge.head, 'pre-merge');
    if (state === 'passed') this.passedAlone.add(key);
    if (state === 'failed') await this.judge(merge, onto, 'pre-merge', results);
    return state === 'passed';
  }

  /** Its gates have failed with this branch alone. */
  private async judge(
    merge: StoredMerge,
    onto: string,
    phase: Gate['phase'],
    results: readonly GateResult[],
  ): Promise<void> {
    const judgement = await this.redTargets.judge(onto, phase, results);
    if (judgement === undefined || this.isOver) return;
    const { kind, gates } = judgement;
    if (kind === 'own') return this.moves.gateFailed(merge, gates);
    const held = this.moves.hold(merge, { commit: onto, gates });
    if (held) this.redTargets.hold(held, onto);
  }

  private async stillHeld(queued: readonly StoredMerge[]): Promise<StoredMerge[]> {
    const held = await this.redTargets.stillHeld(queued);
    for (const merge of held) {
      const commit = this.redTargets.commitOf(merge);
      if (commit !== undefined) this.options.onHeld(merge.target, commit);
    }
    return held;
  }

  /** Settles what is not in the stack; resolves with those that are, in order, with their commits on record. */
  private async sort(given: readonly StoredMerge[], stack: Stack, onto: string): Promise<StoredMerge[]> {
    const { acts, merges, store } = this.options;
    const find = (id: string): StoredMerge | undefined => given.find(({ workId }) => workId === id);
    for (const workId of stack.contained) {
      const merge = find(workId);
      if (merge) this.mergedAs(merge, { commit: onto, previous: onto }, 'nothing to merge: the target has it already');
    }
    for (const { workId, files } of stack.conflicts) {
      const merge = find(workId);
      if (!merge) continue;
      const conflicts = [{ files }, ...(await acts.touching(merge, files))];
      this.moves.failed(merge, 'conflict', `conflicts with ${merge.target} in ${listed(files)}`, { conflicts });
    }
    for (const { workId, files } of stack.crossed) {
      const merge = find(workId);
      if (merge) this.moves.back(merge, `waits, as what is merged before it changes ${listed(files)}, too`);
    }
    const batch = stack.members.map(({ workId }) => workId);
    const intact = batch.every((workId) => {
      const known = merges.find(workId);
      return known?.state === 'merging' && known.head === find(workId)?.head;
    });
    // Its commit has all of them: with another one it is another commit.
    if (!intact) for (const merge of given) this.moves.back(merge, 'what it was tried with has changed');
    if (!intact) return [];
    return store.transaction(() =>
      stack.members.map(({ workId, commit, previous }) => {
        merges.note(workId, { candidate: { commit, previous, onto, tip: stack.tip, batch } });
        return merges.get(workId);
      }),
    );
  }

  private async tryStack(
    members: readonly StoredMerge[],
    stack: { onto: string; tip: string; batch: readonly string[] },
  ): Promise<void> {
    const { acts, merges } = this.options;
    const { state, results } = await acts.gates(stack.tip, 'post-squash');
    if (state === 'cancelled' || this.isOver) return;
    const [only] = members;
    if (state === 'failed' && members.length === 1 && only) return this.judge(only, stack.onto, 'post-squash', results);
    if (state === 'failed') {
      this.suspects = divide(stack.batch, this.suspects);
      const failed = results.filter((each) => each.state !== 'passed').map(({ name }) => name);
      for (const merge of members)
        this.moves.back(
          merge,
          `${listed(failed)} failed with ${stack.batch.length} branches together: they are tried apart`,
        );
      return;
    }
    for (const { workId } of members) merges.note(workId, { gates: results, targetRed: undefined });
    await this.finish(members, stack);
  }

  /** Moves the target, or makes the pull request, if everything is still as it was when the commit was made. */
  private async finish(
    members: readonly StoredMerge[],
    { onto, tip, batch }: { onto: string; tip: string; batch: readonly string[] },
  ): Promise<void> {
    const target = members[0]?.target;
    const group = this.batchOf(batch, tip)?.filter(({ state }) => state === 'merging');
    if (target === undefined || group?.length !== batch.length) {
      for (const merge of group ?? members) this.moves.back(merge, 'what it was tried with has changed');
      return;
    }
    if (!this.proposes) return this.land(group, { target, onto, tip });
    for (const merge of group)
      if (this.isOpen(merge, await this.options.acts.propose(merge))) this.moves.proposed(merge);
  }

  private get proposes(): boolean {
    return this.options.policy().strategy === 'pr';
  }

  /** Before its gates run: whether a pull request of it could be made at all, and is still to be. */
  private async mayPropose(merge: StoredMerge): Promise<boolean> {
    return !this.proposes || this.isOpen(merge, await this.options.acts.lookAtPull(merge));
  }

  /** Settles what is not. */
  private isOpen(merge: StoredMerge, proposal: Proposal): boolean {
    if (proposal.kind === 'merged') {
      this.moves.merged(merge, { commit: proposal.commit, strategy: 'pull-request' }, 'by its pull request');
      return false;
    }
    if (proposal.kind !== 'problem') return true;
    this.moves.notProposed(merge, proposal.problem);
    this.options.onReady(merge.target, proposal.problem.words);
    return false;
  }

  private async land(
    group: readonly StoredMerge[],
    { target, onto, tip }: { target: string; onto: string; tip: string },
  ): Promise<void> {
    const { acts, policy, merges, log, onReady } = this.options;
    const landing = await acts.land({ target, from: onto, to: tip });
    if (landing.kind === 'landed') {
      this.mayLand = true;
      for (const merge of group) {
        const { candidate } = merge.detail;
        this.mergedAs(merge, { commit: candidate?.commit ?? tip, previous: candidate?.previous ?? onto });
      }
      if (!policy().autoPush) return;
      const failure = await acts.push(target);
      if (failure === undefined || this.isOver) return;
      log.warn(`[orchestration] ${target} of ${this.options.rig} could not be pushed: ${failure}`);
      for (const { workId } of group)
        merges.note(workId, { why: `merged, but ${target} could not be pushed: ${failure}` });
      return;
    }
    // Something may have been in the way of git itself, a lock say: that is no reason to test it all again and again.
    const hasMoved = landing.why === 'moved' && (await acts.headOf(target)) !== onto;
    if (hasMoved) {
      for (const merge of group) this.moves.back(merge, `${target} has moved meanwhile`);
      return;
    }
    const words = `${target} could not be moved: ${landing.words}`;
    // Files that one of them brings need not be in the way of others.
    if (landing.why !== 'untracked-in-the-way') this.standing.set(target, landing.why);
    for (const merge of group) this.moves.step(merge, 'ready', words, { detail: { why: words } });
    onReady(target, landing.words);
  }

  private mergedAs(merge: StoredMerge, at: { commit: string; previous: string }, note?: string): void {
    this.moves.merged(merge, { ...at, strategy: this.options.policy().style }, note);
  }
}

const keyOf = ({ workId, head }: StoredMerge): string => `${workId}@${head}`;
