import { mkdir, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { findTown } from '../config/find-town.ts';
import { unknownName } from '../config/nearest.ts';
import { defaultRigSettings, rigSettings } from '../config/rig-settings.ts';
import type { RigSettings } from '../config/rig-settings.ts';
import { SettingsFile } from '../config/settings-file.ts';
import { settingsPath } from '../config/settings-path.ts';
import { GasTownError, messageOf } from '../errors.ts';
import { git, gitBounds } from '../git/git.ts';
import { checkoutOf, openRepository, requireCommitted } from '../git/repository.ts';
import { withoutSecrets } from '../git/without-secrets.ts';
import type { Logger } from '../process/logger.ts';
import { checkRigName } from '../roles/names.ts';
import type { Store, StoredRig } from '../store/store.ts';
import type { Problem, RigView } from './snapshot.ts';

interface Rig extends RigPlace {
  settings: Pick<SettingsFile<RigSettings>, 'file' | 'value' | 'problems' | 'onDidChange' | 'dispose'>;
  view: RigView;
  /** Hash of what the user has to agree to before it counts. */
  toReview?: string;
}

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
export class Rigs {
  private readonly store: Store;
  private readonly townRoot: string;
  private readonly now: () => number;
  private readonly log: Logger;
  private readonly onChange: () => void;
  private readonly rigs = new Map<string, Rig>();
  /** Called with a rig that came, or whose settings have changed. */
  onSettings: (name: string) => void = () => undefined;

  constructor(options: { store: Store; townRoot: string; now: () => number; log: Logger; onChange: () => void }) {
    this.store = options.store;
    this.townRoot = options.townRoot;
    this.now = options.now;
    this.log = options.log;
    this.onChange = options.onChange;
  }

  /** Opens what the store knows. A rig that is gone or broken stays listed, with what is wrong. */
  async load(): Promise<void> {
    await Promise.all(this.store.rigs().map((stored) => this.open(placeOf(stored))));
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
      ...(rig.view.problem === undefined ? [] : [{ message: `Rig ${rig.name}: ${rig.view.problem}` }]),
      ...(rig.toReview === undefined ? [] : [reviewProblem(rig)]),
    ]);
  }

  /** `hash` of what is to be agreed to; undefined where there is nothing, or the user has. */
  setToReview(name: string, hash: string | undefined): void {
    const rig = this.rigs.get(name);
    if (!rig || rig.toReview === hash) return;
    if (hash === undefined) delete rig.toReview;
    else rig.toReview = hash;
    this.onChange();
  }

  /**
   * Adds a repository by path, or clones a URL into the town first. A folder inside of a repository is added only when
   * `extent` says what is meant. Rejects with `not-a-repository`, `inside-repository`, `name-taken`, `refused` or
   * `bad-input`; nothing is added then.
   */
  async add(source: string, name?: string, extent?: RigExtent, signal?: AbortSignal): Promise<RigView> {
    const chosen = name ?? basename(source.replace(/[/\\]+$/, '')).replace(/\.git$/, '');
    checkRigName(chosen);
    // Folders whose names differ in case only are one folder on many systems.
    const taken = [...this.rigs.values()].find((rig) => rig.name.toLowerCase() === chosen.toLowerCase());
    if (taken)
      throw new GasTownError(
        'name-taken',
        `There is a rig named ${taken.name} already (${taken.path}). Give another name.`,
      );
    const folder = isUrl(source)
      ? await this.clone(source, chosen, signal)
      : isAbsolute(source)
        ? source
        : resolve(this.townRoot, source);
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
    this.onChange();
    return rig.view;
  }

  dispose(): void {
    for (const rig of this.rigs.values()) rig.settings.dispose();
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
    settings.onDidChange(() => {
      this.onSettings(name);
      this.onChange();
    });
    const rig: Rig = { ...place, settings, view: await viewOf(place) };
    this.rigs.set(name, rig);
    this.onSettings(name);
    return rig;
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
    try {
      await git(target, ['submodule', 'update', '--init', '--recursive'], long);
    } catch (error) {
      const advice = `The clone is in ${target}, without them: add that folder to go on so, or delete it to try again.`;
      if (GasTownError.is(error, 'cancelled')) throw new GasTownError('cancelled', `${error.message} ${advice}`);
      throw new GasTownError(
        'not-a-repository',
        `The submodules of ${url} could not be cloned: ${messageOf(error)}. ${advice}`,
        { cause: error },
      );
    }
    return realpath(target);
  }
}

function reviewProblem({ name, settings }: Rig): Problem {
  const message = `The repository of the rig ${name} brings programs, arguments or an environment that you have not agreed to, so nothing is started with them.`;
  const advice = `Look at them, and agree if they are as they should be: "Gas Town: Review Rig Settings…", or gt rig trust ${name}.`;
  return { file: settings.file, message, severity: 'warning', advice };
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

async function viewOf({ name, path, subfolder, folder }: RigPlace): Promise<RigView> {
  const view = { name, path: folder, ...(subfolder === '' ? {} : { repository: path }) };
  try {
    return { ...view, defaultBranch: (await openRepository(path)).branch };
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

const isUrl = (source: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\//i.test(source) || /^[^/\\\s]+@[^/\\\s]+:/.test(source);
