import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { mergeQueuePolicy } from '../config/merge-queue-settings.ts';
import type { MergeConflict } from '../domain/merge.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { Town } from '../orchestration/town.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import { messageOf } from '../platform/errors.ts';
import { headOf, mergeBase } from '../platform/git/changes.ts';
import { defaultBranchOf } from '../platform/git/default-branch.ts';
import { gitPath } from '../platform/git/git-path.ts';
import { changedNames, hasMergeTree, mergeTrees, withThrowAwayObjects } from '../platform/git/merge-tree.ts';
import { Timer } from '../platform/timer.ts';
import { watchFile } from '../platform/watch-file.ts';
import type { ForecastBoard } from './forecast-board.ts';
import { trialsOf } from './trial-pairs.ts';
import type { ChangingTip, Tip, Trial } from './trial-pairs.ts';

/** Several commits within so long are one look. In ms. */
const gatherMs = 2_000;
/** So many branches of a rig are looked at, those that changed last. */
const mostTips = 60;
/** So many answers of git are kept for a rig; they hold for ever, as they are about commits. */
const mostKnown = 4_000;

interface ForecastParts {
  town: Town;
  board: ForecastBoard;
  changed: () => void;
}

/**
 * Which open branches would conflict with their target and with each other, found out without a checkout. Only a commit, a
 * merge that changes, or a target that moves lets it look; then one process of git's at a time runs for a rig.
 */
export class Forecast implements Disposable {
  private readonly parts: ForecastParts;
  private readonly disposables = new DisposableStore();
  private readonly rigs = new Map<string, RigForecast>();
  private isStarted = false;

  /** `changed`: something that callers see has changed. */
  constructor(town: Town, board: ForecastBoard, changed: () => void) {
    this.parts = { town, board, changed };
    this.disposables.add(town.merges.onDidChange(({ rig }) => this.ofRig(rig)?.look()));
    this.disposables.add(town.work.onDidChange(({ rig }) => this.ofRig(rig)?.look()));
  }

  /** Looks at what is open, and follows it from now on. */
  start(): void {
    this.isStarted = true;
    for (const rig of this.parts.town.rigs.names()) this.ofRig(rig)?.look();
  }

  async dispose(): Promise<void> {
    this.isStarted = false;
    await Promise.all([...[...this.rigs.values()].map((rig) => rig.dispose()), this.disposables.dispose()]);
  }

  private ofRig(rig: string): RigForecast | undefined {
    const known = this.rigs.get(rig);
    if (known) return known;
    if (!this.isStarted || !this.parts.town.rigs.names().includes(rig)) return undefined;
    const made = new RigForecast(this.parts, rig);
    this.rigs.set(rig, made);
    return made;
  }
}

/** The tips that go into one branch. */
type ByTarget = Map<string, Tip[]>;

class RigForecast implements Disposable {
  private readonly town: Town;
  private readonly board: ForecastBoard;
  private readonly changed: () => void;
  private readonly rig: string;
  private readonly timer = new Timer(() => this.begin());
  private readonly ending = new AbortController();
  /** Answers of git, by what was asked. */
  private readonly known = new Map<string, readonly string[] | undefined>();
  private readonly watched = new Map<string, Disposable>();
  private defaultTarget: string | undefined;
  private seen: ByTarget = new Map();
  private hasMoved = true;
  private isDue = false;
  private running: Promise<void> | undefined;
  private again = false;

  constructor({ town, board, changed }: ForecastParts, rig: string) {
    this.town = town;
    this.board = board;
    this.changed = changed;
    this.rig = rig;
  }

  /** Something may be another; looked at in a moment, with what else comes until then. */
  look(): void {
    if (this.isDue || this.ending.signal.aborted) return;
    this.isDue = true;
    this.timer.set(gatherMs);
  }

  async dispose(): Promise<void> {
    this.ending.abort();
    this.timer.dispose();
    for (const watching of this.watched.values()) watching.dispose();
    await this.running;
  }

  private get isOver(): boolean {
    return this.ending.signal.aborted || !this.town.store.isOpen || !this.town.rigs.names().includes(this.rig);
  }

  private begin(): void {
    this.isDue = false;
    this.again = true;
    this.running ??= this.run().finally(() => {
      this.running = undefined;
      if (this.again && !this.isOver) this.begin();
    });
  }

  private async run(): Promise<void> {
    while (this.again && !this.isOver) {
      this.again = false;
      try {
        await this.forecast();
      } catch (error) {
        if (!this.isOver) this.town.log.warn(`[orchestration] no forecast for ${this.rig}: ${messageOf(error)}`);
      }
    }
  }

  private async forecast(): Promise<void> {
    const open = this.tips();
    if (open.some(({ target }) => target === undefined))
      this.defaultTarget ??= await defaultBranchOf(this.town.rigs.get(this.rig).path);
    if (this.isOver) return;
    const byTarget: ByTarget = new Map();
    for (const { work, head, target = this.defaultTarget } of open)
      if (target !== undefined) byTarget.set(target, [...(byTarget.get(target) ?? []), { work, head }]);
    await this.watch([...byTarget.keys()]);
    if (!this.hasMoved && isDeepStrictEqual(byTarget, this.seen)) return;
    this.hasMoved = false;
    this.seen = byTarget;
    const conflicts = new Map<string, MergeConflict[]>();
    const files = new Map<string, readonly string[]>();
    for (const [target, tips] of byTarget) await this.forecastFor(target, tips, { conflicts, files });
    if (this.isOver) return;
    this.board.set(this.rig, { conflicts, files });
    this.changed();
  }

  /** Branches that wait, and those on which sessions have committed by now. */
  private tips(): (Tip & { target?: string })[] {
    const { merges, registry, work, rigs } = this.town;
    const target = mergeQueuePolicy(rigs.get(this.rig).settings.merge_queue).target;
    const live = registry
      .list()
      .filter((session) => session.rig === this.rig && !hasEnded(session))
      .flatMap(({ id }) => work.ownedBy(id))
      .flatMap(({ id, rig, result }) =>
        rig !== this.rig || result === undefined || result.commits === 0
          ? []
          : [{ work: id, head: result.head, ...(target === undefined ? {} : { target }) }],
      );
    const waiting = merges
      .open()
      .filter(({ rig, workId }) => rig === this.rig && live.every(({ work: id }) => id !== workId))
      .map(({ workId, head, target: into }) => ({ work: workId, head, target: into }));
    return [...live, ...waiting.slice(-mostTips)].slice(0, mostTips);
  }

  private async forecastFor(
    target: string,
    tips: readonly Tip[],
    { conflicts, files: ofAll }: { conflicts: Map<string, MergeConflict[]>; files: Map<string, readonly string[]> },
  ): Promise<void> {
    const { path: repository } = this.town.rigs.get(this.rig);
    const { signal } = this.ending;
    const onto = await headOf(repository, target, signal);
    if (onto === undefined) return;
    const changing: ChangingTip[] = [];
    for (const tip of tips) {
      const [base] = (await this.ask(`base ${onto} ${tip.head}`, async () => {
        const found = await mergeBase(repository, onto, tip.head, signal);
        return found === undefined ? undefined : [found];
      })) ?? [undefined];
      // It is gone, or has nothing in common with the target: the merge says so.
      if (base === undefined) continue;
      const files = await this.ask(`names ${base} ${tip.head}`, () => changedNames(repository, base, tip.head, signal));
      changing.push({ ...tip, base, files: files ?? [] });
      conflicts.set(tip.work, []);
      ofAll.set(tip.work, files ?? []);
    }
    const trials = trialsOf(onto, changing);
    const canTry = await hasMergeTree();
    if (canTry) await this.tryAll(repository, trials);
    else for (const trial of trials) if (trial.shared.length > 0) this.know(keyOf(trial), trial.shared);
    for (const trial of trials) {
      const files = this.known.get(keyOf(trial)) ?? [];
      if (files.length === 0) continue;
      const { a, b } = trial;
      const said = { files, ...(canTry ? {} : { untried: true as const }) };
      conflicts.get(b.work)?.push(a.work === undefined ? said : { work: a.work, ...said });
      if (a.work !== undefined) conflicts.get(a.work)?.push({ work: b.work, ...said });
    }
  }

  private async tryAll(repository: string, trials: readonly Trial[]): Promise<void> {
    const open = trials.filter((trial) => !this.known.has(keyOf(trial)));
    if (open.length === 0) return;
    const pairs = open.map(({ a, b }) => [a.head, b.head] as const);
    const results = await withThrowAwayObjects(repository, (env) =>
      mergeTrees(repository, pairs, { env, signal: this.ending.signal }),
    );
    for (const [at, trial] of open.entries()) {
      const result = results[at];
      this.know(keyOf(trial), result?.kind === 'conflict' ? result.files : []);
    }
  }

  /** What git says to it, once; nothing where it cannot tell now. */
  private async ask(
    question: string,
    answer: () => Promise<readonly string[] | undefined>,
  ): Promise<readonly string[] | undefined> {
    if (this.known.has(question)) return this.known.get(question);
    try {
      const found = await answer();
      this.know(question, found);
      return found;
    } catch (error) {
      if (this.isOver) throw error;
      return undefined;
    }
  }

  private know(question: string, answer: readonly string[] | undefined): void {
    this.known.set(question, answer);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= mostKnown) break;
      this.known.delete(oldest);
    }
  }

  /** Targets are watched as long as something is open for them. */
  private async watch(targets: readonly string[]): Promise<void> {
    for (const [target, watching] of this.watched) {
      if (targets.includes(target)) continue;
      watching.dispose();
      this.watched.delete(target);
    }
    for (const target of targets) {
      if (this.watched.has(target)) continue;
      const { path } = this.town.rigs.get(this.rig);
      const common = await gitPath(path, ['--git-common-dir'], this.ending.signal);
      const stop = watchFile(join(common, 'refs', 'heads', ...target.split('/')), () => {
        this.hasMoved = true;
        this.look();
      });
      this.watched.set(target, { dispose: stop });
      this.hasMoved = true;
    }
  }
}

const keyOf = ({ a, b }: Trial): string => `trial ${a.head} ${b.head}`;
