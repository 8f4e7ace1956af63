import { join } from 'node:path';
import { mergeQueuePolicy } from '../config/merge-queue-settings.ts';
import type { Gate, MergeQueuePolicy } from '../config/merge-queue-settings.ts';
import { worktreeCommands } from '../config/worktree-settings.ts';
import type { MergeConflict } from '../domain/merge.ts';
import { standingPath } from '../orchestration/town-worktrees.ts';
import type { Town } from '../orchestration/town.ts';
import { messageOf } from '../platform/errors.ts';
import { headOf } from '../platform/git/changes.ts';
import { isAncestor } from '../platform/git/commit-merge.ts';
import { runGit } from '../platform/git/git.ts';
import { land, pushTarget } from '../platform/git/land.ts';
import type { Landing, LandingOrder } from '../platform/git/land.ts';
import { changedNames } from '../platform/git/merge-tree.ts';
import { commitAt } from '../platform/git/remote-branch.ts';
import type { StoredMerge } from '../store/merges.ts';
import { runGates } from './gates.ts';
import type { GateOrder } from './gates.ts';
import { Proposer } from './propose.ts';
import type { Proposal } from './propose.ts';
import type { GateRun, QueueActs } from './queue-acts.ts';
import { buildStack } from './stack.ts';
import type { Stack, StackMember } from './stack.ts';
import { targetRefOf } from '../orchestration/target-ref.ts';

/** So many merged branches are looked at for who has changed a file that conflicts, the newest. */
const mostLookedAt = 20;

/** What the queue of a rig does to its repository. */
export class RigActs implements QueueActs {
  private readonly town: Town;
  private readonly rig: string;
  private readonly signal: AbortSignal;
  private readonly proposer: Proposer;
  private readonly tips = new Map<string, string | undefined>();
  private tried = 0;

  constructor(town: Town, rig: string, signal: AbortSignal) {
    this.town = town;
    this.rig = rig;
    this.signal = signal;
    this.proposer = new Proposer(town, signal);
  }

  /** When a target was to be moved last: what has changed since then is seen, too. Epoch milliseconds of the system's. */
  get triedAt(): number {
    return this.tried;
  }

  headOf(branch: string): Promise<string | undefined> {
    return headOf(this.repository, branch, this.signal);
  }

  async tipOf(target: string): Promise<string | undefined> {
    const ref = await targetRefOf(this.repository, target, this.policy.strategy, this.signal);
    const tip = await commitAt(this.repository, ref, this.signal);
    this.tips.set(target, tip);
    return tip;
  }

  /** What `tipOf` has said last. */
  tipTried(target: string): string | undefined {
    return this.tips.get(target);
  }

  /** One that git has thrown away is in nothing. */
  async isAncestor(commit: string, of: string): Promise<boolean> {
    const { code } = await runGit(this.repository, ['cat-file', '-e', `${commit}^{commit}`], this.signal);
    return code === 0 && isAncestor(this.repository, commit, of, this.signal);
  }

  stack(onto: string, merges: readonly StoredMerge[]): Promise<Stack> {
    const members = merges.map((merge) => this.memberOf(merge));
    return buildStack(this.repository, onto, members, this.policy.style, this.signal);
  }

  gates(commit: string, phase: Gate['phase'], only?: readonly string[]): Promise<GateRun> {
    return runGates(this.gateOrder(commit, phase, only));
  }

  gatesKey(name?: string): string {
    const { worktrees, merge_queue } = this.town.rigs.get(this.rig).settings;
    const { gates } = this.policy;
    const gate = gates.find((each) => each.name === name);
    if (gate !== undefined) return JSON.stringify(gate);
    return JSON.stringify([name === undefined ? gates : [], worktrees, merge_queue?.setup_command]);
  }

  /** It is one act of git's, which a host that ends waits for. */
  land(order: LandingOrder): Promise<Landing> {
    this.tried = Date.now();
    return land(this.repository, order);
  }

  push(target: string): Promise<string | undefined> {
    return pushTarget(this.repository, target, this.signal).then(
      () => undefined,
      (error: unknown) => messageOf(error),
    );
  }

  lookAtPull(merge: StoredMerge): Promise<Proposal> {
    return this.proposer.look(merge);
  }

  propose(merge: StoredMerge): Promise<Proposal> {
    return this.proposer.propose(merge);
  }

  async touching({ workId, target, createdAt }: StoredMerge, files: readonly string[]): Promise<MergeConflict[]> {
    const merged = this.town.store.merges
      .endedSince(createdAt)
      .filter((other) => other.rig === this.rig && other.target === target && other.state === 'merged')
      .slice(-mostLookedAt)
      .reverse();
    const conflicts: MergeConflict[] = [];
    for (const { workId: work, base, head } of merged) {
      if (work === workId) continue;
      const theirs = await changedNames(this.repository, base, head, this.signal).catch((): string[] => []);
      const both = files.filter((file) => theirs.includes(file));
      if (both.length > 0) conflicts.push({ work, files: both });
    }
    return conflicts;
  }

  private get repository(): string {
    return this.town.rigs.get(this.rig).path;
  }

  private get policy(): MergeQueuePolicy {
    return mergeQueuePolicy(this.town.rigs.get(this.rig).settings.merge_queue);
  }

  private gateOrder(commit: string, phase: Gate['phase'], only?: readonly string[]): GateOrder {
    const { store, rigs, paths } = this.town;
    const { path: repository, subfolder, settings } = rigs.get(this.rig);
    const { gates: all, gatesParallel, retries } = this.policy;
    const gates = all.filter((gate) => gate.phase === phase);
    const named = gates.filter(({ name }) => only?.includes(name));
    const worktree = standingPath(paths, this.rig);
    return {
      repository,
      worktree,
      subfolder,
      commit,
      // Where only the set-up is asked for, it is that of all.
      gates: named.length > 0 ? named : gates,
      setUp: {
        command: worktreeCommands(settings).find(({ kind }) => kind === 'setup'),
        include: settings.worktrees?.include ?? [],
        never: [paths.runtime, paths.worktrees],
      },
      env: {
        GT_PORT: String(store.ports.take(worktree)),
        GT_RIG: this.rig,
        GT_WORKTREE: worktree,
        GT_CHECKOUT: repository,
      },
      parallel: gatesParallel,
      retries,
      logs: join(paths.runtime, 'logs', this.rig, 'gates'),
      signal: this.signal,
    };
  }

  private memberOf({ workId, head }: StoredMerge): StackMember {
    const { title, owner } = this.town.work.get(workId);
    return {
      workId,
      head,
      words: {
        subject: `Merge ${workId}: ${title}`,
        trailers: [['Gastown-Unit', workId], ...(owner === undefined ? [] : [['Gastown-Session', owner] as const])],
      },
    };
  }
}
