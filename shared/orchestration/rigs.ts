import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { findTown } from '../config/find-town.ts';
import { unknownName } from '../platform/did-you-mean.ts';
import { mergeQueuePolicy } from '../config/merge-queue-settings.ts';
import { defaultRigSettings, rigSettings } from '../config/rig-settings.ts';
import type { RigSettings } from '../config/rig-settings.ts';
import { SettingsFile } from '../config/settings-file.ts';
import type { WorktreeSettings } from '../config/worktree-settings.ts';
import { settingsPath } from '../config/settings-path.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Disposable, Event } from '../platform/emitter.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { BaseWish } from '../platform/git/base-branch.ts';
import { askGit } from '../platform/git/ask.ts';
import { git, gitBounds } from '../platform/git/git.ts';
import { checkoutOf, isBareRepository, openRepository, requireCommitted } from '../platform/git/repository.ts';
import { withoutSecrets } from '../platform/git/without-secrets.ts';
import type { Logger } from '../platform/logger.ts';
import { checkRigName } from '../domain/names.ts';
import type { Store, StoredRig } from '../store/store.ts';
import type { RigView } from '../channel/views.ts';
import { consentCause } from '../domain/consent.ts';
import type { Problem } from '../domain/problem.ts';
import { nameOfSource, rigSource } from './rig-source.ts';

interface Rig extends RigPlace {
  settings: Pick<SettingsFile<RigSettings>, 'file' | 'value' | 'problems' | 'onDidChange' | 'dispose'>;
  view: RigView;
  /** The branch that the settings named when it was looked at. */
  base: string | undefined;
  /** Hash of what the user has to agree to before it counts. */
  toReview?: string;
}

/** A rig that has not answered by then is opened without it, when a host starts. In ms. */
const answerMs = 3_000;

/** Where a rig is. */
export interface RigPlace {
  name: string;
  /** Top folder of the repository's checkout: what git is asked there. */
  path: string;
  /** The rig's folder below it, where its sessions work; empty for the whole repository. */
  subfolder: string;
  /** Both together. */
  folder: string;
}

/** What a folder inside of a repository stands for: itself, or the repository around it. */
export type RigExtent = 'folder' | 'repository';

/** The town's rigs: which repositories they are, and their settings files. */
export class Rigs implements Disposable {
  private readonly store: Store;
  private readonly townRoot: string;
  private readonly now: () => number;
  private readonly log: Logger;
  private readonly townWorktrees: () => WorktreeSettings | undefined;
  private readonly rigs = new Map<string, Rig>();
  private readonly disposables = new DisposableStore();
  private readonly changed: Emitter<void>;
  private readonly settingsChanged: Emitter<string>;
  /** A rig came, has other settings, or something else to be agreed to. */
  readonly onDidChange: Event<void>;
  /** With the name of a rig that came, or whose settings have changed. */
  readonly onDidChangeSettings: Event<string>;

  constructor(options: {
    store: Store;
    townRoot: string;
    now: () => number;
    log: Logger;
    /** What the town's settings say for all rigs. */
    townWorktrees?: () => WorktreeSettings | undefined;
  }) {
    this.store = options.store;
    this.townRoot = options.townRoot;
    this.now = options.now;
    this.log = options.log;
    this.townWorktrees = options.townWorktrees ?? (() => undefined);
    const failed = (error: unknown): void => this.log.error(`a listener failed: ${messageOf(error)}`);
    this.changed = new Emitter(failed);
    this.settingsChanged = new Emitter(failed);
    this.onDidChange = this.changed.event;
    this.onDidChangeSettings = this.settingsChanged.event;
  }

  /**
   * Opens what the store knows. A rig that is gone or broken stays listed, with what is wrong; so does one that does not
   * answer (a dead mount, a program of git's that hangs), and that holds up nobody: it is opened when it does.
   */
  async load(): Promise<void> {
    await Promise.all(this.store.rigs().map((stored) => this.openInTime(placeOf(stored))));
  }

  private async openInTime(place: RigPlace): Promise<void> {
    const opening = this.open(place);
    const inTime = new AbortController();
    const late = delay(answerMs, true, { signal: inTime.signal }).catch(() => false);
    const isLate = await Promise.race([opening.then(() => false), late]);
    inTime.abort();
    if (!isLate) return;
    const { name, folder } = place;
    const problem = `its folder ${folder}, or git in it, does not answer. It is tried on; look whether the disk is there, and what "git status" does in it.`;
    const settings = withoutSettings(settingsPath(folder));
    this.rigs.set(name, { ...place, settings, base: undefined, view: { name, path: folder, problem } });
    this.log.warn(`[orchestration] the rig ${name} does not answer: ${problem}`);
    const opened = (): void => this.changed.fire();
    void opening.then(opened, (error: unknown) => {
      this.log.warn(`[orchestration] the rig ${name} could not be opened: ${messageOf(error)}`);
    });
  }

  /** Rejects with `unknown-rig`, naming the nearest. */
  get(name: string): RigPlace & { settings: RigSettings } {
    const rig = this.rigs.get(name);
    if (!rig) throw unknownName('rig', name, this.rigs.keys());
    return {
      name: rig.name,
      path: rig.path,
      subfolder: rig.subfolder,
      folder: rig.folder,
      settings: rig.settings.value,
    };
  }

  /** The worktree that a session works in: its work dir without the rig's sub-folder. */
  worktreeOf({ rig, workDir }: { rig: string; workDir: string }): string {
    const below = join(sep, this.get(rig).subfolder);
    return below !== sep && workDir.endsWith(below) ? workDir.slice(0, -below.length) : workDir;
  }

  /** Where the branches of new work start. What pull requests have brought is at the remote only. */
  baseOf(name: string): BaseWish {
    const { subfolder, settings } = this.get(name);
    const { base, fetch = mergeQueuePolicy(settings.merge_queue).strategy === 'pr' || undefined } =
      this.worktreesOf(settings);
    return {
      subfolder,
      ...(base === undefined ? {} : { branch: base }),
      ...(fetch === undefined ? {} : { fetch }),
    };
  }

  private worktreesOf({ worktrees }: RigSettings): WorktreeSettings {
    return { ...this.townWorktrees(), ...worktrees };
  }

  names(): string[] {
    return [...this.rigs.keys()].sort();
  }

  views(): RigView[] {
    return [...this.rigs.values()]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ view, toReview }) => (toReview === undefined ? view : { ...view, toReview }));
  }

  problems(): Problem[] {
    return [...this.rigs.values()].flatMap((rig) => [
      ...rig.settings.problems,
      ...(rig.view.problem === undefined
        ? []
        : [{ kind: 'rig' as const, message: `Rig ${rig.name}: ${rig.view.problem}` }]),
      ...(rig.toReview === undefined ? [] : [reviewProblem(rig)]),
    ]);
  }

  /** `hash` of what is to be agreed to; undefined where there is nothing, or the user has. */
  setToReview(name: string, hash: string | undefined): void {
    const rig = this.rigs.get(name);
    if (!rig || rig.toReview === hash) return;
    if (hash === undefined) delete rig.toReview;
    else rig.toReview = hash;
    this.changed.fire();
  }

  /**
   * Adds a repository by path, or clones a URL or a bare repository into the town first (see `rigSource`). A folder inside of a repository is added only when
   * `extent` says what is meant. Rejects with `not-a-repository`, `inside-repository`, `name-taken`, `refused` or
   * `bad-input`; nothing is added then.
   */
  async add(source: string, name?: string, extent?: RigExtent, signal?: AbortSignal): Promise<RigView> {
    const chosen = name ?? nameOfSource(source);
    checkRigName(chosen);
    // Folders whose names differ in case only are one folder on many systems.
    const taken = [...this.rigs.values()].find((rig) => rig.name.toLowerCase() === chosen.toLowerCase());
    if (taken)
      throw new GasTownError(
        'name-taken',
        `There is a rig named ${taken.name} already (${taken.path}). Give another name.`,
      );
    const place = rigSource(source, this.townRoot);
    const folder =
      'url' in place || (await isBareRepository(place.folder))
        ? await this.clone('url' in place ? place.url : place.folder, chosen, signal)
        : place.folder;
    const opened = await openRepository(await checkoutOf(folder));
    const { path } = opened;
    if (opened.subfolder !== '' && extent === undefined) {
      throw new GasTownError(
        'inside-repository',
        `${folder} is not a repository of its own, but the folder ${opened.subfolder} of ${path}. Nothing was added. Say what the rig is to be: that folder, or the whole repository.`,
      );
    }
    const subfolder = extent === 'repository' ? '' : opened.subfolder;
    if (subfolder !== '') await requireCommitted(opened);
    const stored = { name: chosen, path: join(path, subfolder), ...(subfolder === '' ? {} : { repository: path }) };
    const same = [...this.rigs.values()].find((rig) => rig.folder === stored.path);
    if (same) throw new GasTownError('name-taken', `${stored.path} is a rig of this town already, named ${same.name}.`);
    this.store.addRig(stored, this.now());
    const rig = await this.open(placeOf(stored));
    this.changed.fire();
    return rig.view;
  }

  dispose(): void {
    void this.disposables.dispose();
  }

  private async open(place: RigPlace): Promise<Rig> {
    const { name, folder } = place;
    const file = settingsPath(folder);
    // A town that is its own rig has one settings file, the town's, and what that says holds for the rig, too. That of a rig
    // that is another town is not for this one.
    const isTown = file === settingsPath(await realpath(this.townRoot)) || (await findTown(folder)) === folder;
    const settings: Rig['settings'] = isTown
      ? withoutSettings(file)
      : await SettingsFile.open<RigSettings>({
          file,
          schema: rigSettings,
          defaults: defaultRigSettings,
          required: false,
          log: this.log,
        });
    this.disposables.add(settings);
    const { base } = this.worktreesOf(settings.value);
    const rig: Rig = { ...place, settings, base, view: await viewOf(place, base) };
    this.disposables.add(
      settings.onDidChange(() => {
        this.settingsChanged.fire(name);
        this.changed.fire();
        void this.lookAgain(rig);
      }),
    );
    this.rigs.set(name, rig);
    this.settingsChanged.fire(name);
    return rig;
  }

  /** The town's settings have changed: they may name another branch. */
  refresh(): void {
    for (const rig of this.rigs.values()) void this.lookAgain(rig);
  }

  private async lookAgain(rig: Rig): Promise<void> {
    const { base } = this.worktreesOf(rig.settings.value);
    if (base === rig.base) return;
    rig.base = base;
    const view = await viewOf(rig, base);
    if (isDeepStrictEqual(view, rig.view)) return;
    rig.view = view;
    this.changed.fire();
  }

  private async clone(url: string, name: string, signal?: AbortSignal): Promise<string> {
    const target = join(this.townRoot, name);
    if (await exists(target)) {
      throw new GasTownError(
        'name-taken',
        `${target} exists already, so ${withoutSecrets(url)} was not cloned. Give another name, or add that folder.`,
      );
    }
    await mkdir(this.townRoot, { recursive: true });
    const long = { signal, boundMs: gitBounds.transfer };
    try {
      await git(this.townRoot, ['clone', '--', url, target], long);
    } catch (error) {
      if (GasTownError.is(error, 'cancelled')) throw error;
      throw new GasTownError('not-a-repository', `${withoutSecrets(url)} could not be cloned: ${messageOf(error)}`, {
        cause: error,
      });
    }
    if ((await askGit(target, ['rev-list', '--max-count=1', '--all'])) === '') {
      // Made by us just now, and nothing is in it.
      await rm(target, { recursive: true, force: true });
      throw new GasTownError(
        'not-a-repository',
        `${withoutSecrets(url)} has no commit yet: worktrees need one. Make a first commit there.`,
      );
    }
    try {
      await git(target, ['submodule', 'update', '--init', '--recursive'], long);
      // As a clone with --recurse-submodules has it: also those that come later are wanted.
      await git(target, ['config', 'submodule.active', '.'], signal);
    } catch (error) {
      const advice = `The clone is in ${target}, without them: add that folder to go on so, or delete it to try again.`;
      if (GasTownError.is(error, 'cancelled')) throw new GasTownError('cancelled', `${error.message} ${advice}`);
      throw new GasTownError(
        'not-a-repository',
        `The submodules of ${withoutSecrets(url)} could not be cloned: ${messageOf(error)}. ${advice}`,
        { cause: error },
      );
    }
    return realpath(target);
  }
}

function reviewProblem({ name, settings }: Rig): Problem {
  const kind = 'consent';
  return { kind, subject: { rig: name }, file: settings.file, message: consentCause(name), severity: 'warning' };
}

function placeOf({ name, path, repository = path }: StoredRig): RigPlace {
  return { name, path: repository, subfolder: relative(repository, path), folder: path };
}

const withoutSettings = (file: string): Rig['settings'] => ({
  file,
  value: defaultRigSettings,
  problems: [],
  onDidChange: () => ({ dispose: () => undefined }),
  dispose: () => undefined,
});

async function viewOf({ name, path, subfolder, folder }: RigPlace, base: string | undefined): Promise<RigView> {
  const view = { name, path: folder, ...(subfolder === '' ? {} : { repository: path }) };
  try {
    return { ...view, defaultBranch: (await openRepository(path, base)).branch };
  } catch (error) {
    return { ...view, problem: messageOf(error) };
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
