import type { PullProblem, PullRequest } from '../domain/pull-request.ts';
import type { Town } from '../orchestration/town.ts';
import { messageOf } from '../platform/errors.ts';
import { isAncestor } from '../platform/git/commit-merge.ts';
import { pushBranch, remoteTip } from '../platform/git/push-branch.ts';
import { commitAt, configured, placesOf, trackingRefOf } from '../platform/git/remote-branch.ts';
import { runGit } from '../platform/git/git.ts';
import { GhRefused } from '../platform/github/gh.ts';
import { createPull, listPulls, setPullBody, viewPull } from '../platform/github/pull-requests.ts';
import type { ListedPull } from '../platform/github/pull-requests.ts';
import { withoutUndefined } from '../platform/objects.ts';
import type { StoredMerge } from '../store/merges.ts';
import { pullBody, pullTitle, updatedBody } from './pull-body.ts';
import { foreignCommits, noRemote, problemOfGh, pushRefused, remoteUnreachable } from './pull-problem.ts';
import { pullView } from './pull-view.ts';

/** What came of a unit's pull request. `none` only of a look: it can be made. */
export type Proposal =
  | { kind: 'none' }
  | { kind: 'open' }
  /** As this commit of its target, or where the forge does not say, of its branch. */
  | { kind: 'merged'; commit: string }
  | { kind: 'problem'; problem: PullProblem };

type ProposingTown = Pick<Town, 'rigs' | 'work' | 'merges' | 'log'>;

/** Where a unit's pull request goes. */
interface Place {
  repository: string;
  /** The remote that its branch is pushed to. */
  remote: string;
  /** Name of the target there. */
  base: string;
  /** The same as it is known here, where it is. */
  into: string | undefined;
  /** Whose fork that is, where the target is in another repository. */
  fork: string | undefined;
}

class Stopped extends Error {
  readonly problem: PullProblem;

  constructor(problem: PullProblem) {
    super(problem.words);
    this.problem = problem;
  }
}

/** Makes and updates the pull requests of a rig. What it is about to do is on record first, so that nothing is done twice. */
export class Proposer {
  private readonly town: ProposingTown;
  private readonly signal: AbortSignal;

  constructor(town: ProposingTown, signal: AbortSignal) {
    this.town = town;
    this.signal = signal;
  }

  /** What there is of it, and whether it could be made: nothing is changed. */
  look(merge: StoredMerge): Promise<Proposal> {
    return this.settle(merge, async () => {
      const place = await this.placeOf(merge);
      const found = await this.find(merge, place);
      this.note(merge, { ...this.recorded(merge), into: place.into });
      if (found === undefined) return { kind: 'none' };
      return found.state === 'MERGED' ? this.merged(merge, found) : { kind: 'open' };
    });
  }

  /** The branch as it was approved is pushed, and the pull request made, or brought up to date. */
  propose(merge: StoredMerge): Promise<Proposal> {
    return this.settle(merge, async () => {
      const place = await this.placeOf(merge);
      // Before anything is pushed: gh says first whether it can be done at all.
      const found = await this.find(merge, place);
      if (found?.state === 'MERGED') return await this.merged(merge, found);
      await this.push(merge, place);
      const { number, url } = found ?? (await this.create(merge, place));
      // Of an earlier one nothing is known any more.
      const { remote, into, pushed } = this.recorded(merge);
      this.note(merge, { remote, into, pushed, number, url, state: 'open' });
      if (found) await this.refresh(merge, found, place);
      return { kind: 'open' };
    });
  }

  /** Rejects only where the host ends, or by mistake. */
  private async settle(merge: StoredMerge, act: () => Promise<Proposal>): Promise<Proposal> {
    try {
      return await act();
    } catch (error) {
      this.signal.throwIfAborted();
      if (error instanceof GhRefused) return { kind: 'problem', problem: problemOfGh(error, nextOf(merge)) };
      if (error instanceof Stopped) return { kind: 'problem', problem: error.problem };
      throw error;
    }
  }

  private async placeOf(merge: StoredMerge): Promise<Place> {
    const { path: repository } = this.town.rigs.get(merge.rig);
    const { remote: known } = await placesOf(repository, merge.target, this.signal);
    if (known === undefined) throw new Stopped(noRemote(merge.target, nextOf(merge)));
    const remote =
      (await configured(repository, `branch.${merge.target}.pushRemote`, this.signal)) ??
      (await configured(repository, 'remote.pushDefault', this.signal)) ??
      known.name;
    const fork = remote === known.name ? undefined : await ownerOf(repository, remote, this.signal);
    const isKnown = (await commitAt(repository, trackingRefOf(known), this.signal)) !== undefined;
    const into = isKnown ? `${known.name}/${known.branch}` : undefined;
    return { repository, remote, base: known.branch, into, fork };
  }

  /** The open one of the branch, else the one by which just this was merged. */
  private async find(merge: StoredMerge, { repository, base, fork }: Place): Promise<ListedPull | undefined> {
    const known = this.recorded(merge);
    const pulls = (await listPulls(repository, merge.branch, this.signal)).filter(
      ({ baseRefName, isCrossRepository, owner }) =>
        baseRefName === base && (fork === undefined ? !isCrossRepository : owner === fork),
    );
    const isThis = ({ number, headRefOid }: ListedPull): boolean =>
      headRefOid === merge.head || (number === known.number && known.pushed === merge.head);
    return pulls.find(({ state }) => state === 'OPEN') ?? pulls.find((pull) => pull.state === 'MERGED' && isThis(pull));
  }

  private async merged(merge: StoredMerge, { url }: ListedPull): Promise<Proposal> {
    const { path } = this.town.rigs.get(merge.rig);
    const seen = pullView(await viewPull(path, url, this.signal));
    const { remote, into, pushed } = this.recorded(merge);
    this.note(merge, { ...seen, remote, into, pushed });
    return { kind: 'merged', commit: seen.merged ?? seen.head };
  }

  private async push(merge: StoredMerge, { repository, remote }: Place): Promise<void> {
    const { branch, head: commit } = merge;
    const tip = await remoteTip(repository, { remote, branch }, this.signal).catch((error: unknown) => {
      this.signal.throwIfAborted();
      throw new Stopped(remoteUnreachable(remote, messageOf(error), nextOf(merge)));
    });
    const { pushed, pushing } = this.recorded(merge);
    if (tip !== undefined && tip !== commit && tip !== pushed && tip !== pushing)
      if (!(await this.isBelow(repository, tip, commit)))
        throw new Stopped(foreignCommits(remote, branch, tip, nextOf(merge)));
    this.note(merge, { ...this.recorded(merge), remote, pushed: tip, pushing: commit });
    if (tip !== commit)
      await pushBranch(repository, { remote, branch, commit, from: tip }, this.signal).catch((error: unknown) => {
        this.signal.throwIfAborted();
        throw new Stopped(pushRefused(remote, branch, messageOf(error), nextOf(merge)));
      });
    this.note(merge, { ...this.recorded(merge), pushed: commit, pushing: undefined });
  }

  /** What nobody here has is above nothing. */
  private async isBelow(repository: string, tip: string, commit: string): Promise<boolean> {
    const isKnown = (await commitAt(repository, tip, this.signal)) !== undefined;
    return isKnown && isAncestor(repository, tip, commit, this.signal);
  }

  private async create(
    merge: StoredMerge,
    { repository, base, fork }: Place,
  ): Promise<{ number: number; url: string }> {
    const unit = this.town.work.get(merge.workId);
    const head = fork === undefined ? merge.branch : `${fork}:${merge.branch}`;
    return createPull(repository, { head, base, title: pullTitle(unit), body: pullBody(unit) }, this.signal);
  }

  /** The title stays: it may be somebody's by now. A text that cannot be changed is no reason to make it all again. */
  private async refresh(merge: StoredMerge, { url, body, number }: ListedPull, { repository }: Place): Promise<void> {
    const next = updatedBody(body, pullBody(this.town.work.get(merge.workId)));
    if (next === undefined) return;
    await setPullBody(repository, url, next, this.signal).catch((error: unknown) => {
      this.signal.throwIfAborted();
      this.town.log.warn(`[orchestration] the text of pull request #${number} stays as it was: ${messageOf(error)}`);
    });
  }

  private recorded({ workId }: StoredMerge): PullRequest {
    return this.town.merges.get(workId).detail.pull ?? {};
  }

  private note({ workId }: StoredMerge, pull: { [K in keyof PullRequest]: PullRequest[K] | undefined }): void {
    this.town.merges.note(workId, { pull: withoutUndefined(pull) });
  }
}

const nextOf = ({ workId }: StoredMerge): string => `gt merge ${workId}`;

/** Pure but for git: `git@host:owner/repository.git`, `https://host/owner/repository`. */
async function ownerOf(repository: string, remote: string, signal: AbortSignal): Promise<string | undefined> {
  const { code, stdout } = await runGit(repository, ['remote', 'get-url', '--push', remote], { signal });
  return code === 0 ? /[:/]([^/:]+)\/[^/]+?(?:\.git)?\/?$/.exec(stdout.trim())?.[1] : undefined;
}
