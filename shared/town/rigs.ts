import { mkdir, realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { unknownName } from '../config/nearest.ts';
import { defaultRigSettings, rigSettings } from '../config/rig-settings.ts';
import type { RigSettings } from '../config/rig-settings.ts';
import { SettingsFile } from '../config/settings-file.ts';
import { settingsPath } from '../config/settings-path.ts';
import { GasTownError, messageOf } from '../errors.ts';
import { git, gitBounds } from '../git/git.ts';
import { openRepository } from '../git/repository.ts';
import { withoutSecrets } from '../git/without-secrets.ts';
import type { Logger } from '../process/logger.ts';
import { checkRigName } from '../roles/names.ts';
import type { Store } from '../store/store.ts';
import type { Problem, RigView } from './snapshot.ts';

interface Rig {
  name: string;
  path: string;
  settings: SettingsFile<RigSettings>;
  view: RigView;
  /** Hash of what the user has to agree to before it counts. */
  toReview?: string;
}

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
    await Promise.all(this.store.rigs().map(({ name, path }) => this.open(name, path)));
  }

  /** Rejects with `unknown-rig`, naming the nearest. */
  get(name: string): { name: string; path: string; settings: RigSettings } {
    const rig = this.rigs.get(name);
    if (!rig) throw unknownName('rig', name, this.rigs.keys());
    return { name: rig.name, path: rig.path, settings: rig.settings.value };
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
   * Adds a repository by path, or clones a URL into the town first. Rejects with `not-a-repository`, `name-taken` or
   * `bad-input`; nothing is added then.
   */
  async add(source: string, name?: string, signal?: AbortSignal): Promise<RigView> {
    const chosen = name ?? basename(source.replace(/[/\\]+$/, '')).replace(/\.git$/, '');
    checkRigName(chosen);
    // Folders whose names differ in case only are one folder on many systems.
    const taken = [...this.rigs.values()].find((rig) => rig.name.toLowerCase() === chosen.toLowerCase());
    if (taken) throw new GasTownError('name-taken', `There is a rig named ${taken.name} already (${taken.path}). Give another name.`);
    const folder = isUrl(source) ? await this.clone(source, chosen, signal) : isAbsolute(source) ? source : resolve(this.townRoot, source);
    const { path } = await openRepository(folder);
    const same = [...this.rigs.values()].find((rig) => rig.path === path);
    if (same) throw new GasTownError('name-taken', `${path} is a rig of this town already, named ${same.name}.`);
    this.store.addRig({ name: chosen, path }, this.now());
    const rig = await this.open(chosen, path);
    this.onChange();
    return rig.view;
  }

  dispose(): void {
    for (const rig of this.rigs.values()) rig.settings.dispose();
  }

  private async open(name: string, path: string): Promise<Rig> {
    const file = settingsPath(path);
    const settings = await SettingsFile.open<RigSettings>({ file, schema: rigSettings, defaults: defaultRigSettings, required: false, log: this.log });
    settings.onDidChange(() => {
      this.onSettings(name);
      this.onChange();
    });
    const rig: Rig = { name, path, settings, view: await viewOf(name, path) };
    this.rigs.set(name, rig);
    this.onSettings(name);
    return rig;
  }

  private async clone(url: string, name: string, signal?: AbortSignal): Promise<string> {
    const target = join(this.townRoot, name);
    if (await exists(target)) {
      throw new GasTownError('name-taken', `${target} exists already, so ${withoutSecrets(url)} was not cloned. Give another name, or add that folder.`);
    }
    await mkdir(this.townRoot, { recursive: true });
    const long = { signal, boundMs: gitBounds.transfer };
    try {
      await git(this.townRoot, ['clone', '--', url, target], long);
    } catch (error) {
      if (GasTownError.is(error, 'cancelled')) throw error;
      throw new GasTownError('not-a-repository', `${withoutSecrets(url)} could not be cloned: ${messageOf(error)}`, { cause: error });
    }
    try {
      await git(target, ['submodule', 'update', '--init', '--recursive'], long);
    } catch (error) {
      const advice = `The clone is in ${target}, without them: add that folder to go on so, or delete it to try again.`;
      if (GasTownError.is(error, 'cancelled')) throw new GasTownError('cancelled', `${error.message} ${advice}`);
      throw new GasTownError('not-a-repository', `The submodules of ${url} could not be cloned: ${messageOf(error)}. ${advice}`, { cause: error });
    }
    return realpath(target);
  }
}

function reviewProblem({ name, settings }: Rig): Problem {
  const message = `The repository of the rig ${name} brings programs, arguments or an environment that you have not agreed to, so nothing is started with them.`;
  const advice = `Look at them, and agree if they are as they should be: "Gas Town: Review Rig Settings…", or gt rig trust ${name}.`;
  return { file: settings.file, message, severity: 'warning', advice };
}

async function viewOf(name: string, path: string): Promise<RigView> {
  try {
    return { name, path, defaultBranch: (await openRepository(path)).branch };
  } catch (error) {
    return { name, path, problem: messageOf(error) };
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

const isUrl = (source: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(source) || /^[^/\\\s]+@[^/\\\s]+:/.test(source);
