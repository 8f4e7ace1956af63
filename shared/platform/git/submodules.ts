/** Submodules of a worktree: the same as in the rig's own checkout, from the objects that are there already. */
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessMissing } from '../files.ts';
import { GasTownError, messageOf } from '../errors.ts';
import { gitPath } from './git-path.ts';
import { git, gitBounds, runGit } from './git.ts';

interface Submodule {
  name: string;
  /** In the checkout, with `/`. */
  path: string;
}

export interface SubmoduleOptions {
  signal?: AbortSignal | undefined;
  /** Those that are there already are left as they are. */
  missingOnly?: boolean;
  /** One that cannot be had is told, and the others follow; else it is an error. */
  tolerant?: boolean;
}

/**
 * Checks out the submodules that the main checkout has, too, those within them included. Objects come from the main
 * checkout's own copies; only a commit that is not there is fetched. Of others those are fetched that it is to have
 * (`submodule.active`) and has never had: upstream has added them since. The rest is left alone: nobody has asked for it.
 * Resolves with what could not be had.
 */
export async function initSubmodules(
  worktree: string,
  repository: string,
  options: SubmoduleOptions,
): Promise<string[]> {
  const warnings: string[] = [];
  const wanted = await wantedIn(worktree, repository, options.signal);
  const gitDir = await gitPath(repository, ['--git-common-dir'], { signal: options.signal });
  await initFrom(worktree, { checkout: repository, gitDir, isWanted: (path) => wanted.has(path) }, options, warnings);
  return warnings;
}

interface Source {
  checkout: string;
  gitDir: string;
  isWanted: (path: string) => boolean;
}

async function initFrom(folder: string, source: Source, options: SubmoduleOptions, warnings: string[]): Promise<void> {
  const { signal, missingOnly = false, tolerant = false } = options;
  for (const { name, path } of await listSubmodules(folder, signal)) {
    const own = join(source.gitDir, 'modules', name);
    const checkout = join(source.checkout, path);
    const embedded = join(checkout, '.git');
    const inside = join(folder, path);
    const isMain = await exists(embedded);
    const isNew = !isMain && !(await exists(own)) && source.isWanted(path);
    if (!isMain && !isNew) continue;
    // Somebody has something else in its place.
    if ((await unlessMissing(lstat(inside)))?.isDirectory() === false) continue;
    // An old one has its repository in the checkout itself.
    const gitDir = !isMain || (await isFolder(own)) ? own : await gitPath(checkout, ['--git-dir'], { signal });
    const before = (await unlessMissing(readdir(inside))) ?? [];
    try {
      if (!missingOnly || !before.includes('.git')) {
        if (isMain) await initOne(folder, { name, path }, { repository: source.checkout, gitDir }, signal);
        else await update(folder, path, signal);
      }
      await initFrom(inside, { checkout, gitDir, isWanted: () => source.isWanted(path) }, options, warnings);
    } catch (error) {
      if (GasTownError.is(error, 'cancelled') || !(tolerant || isNew)) throw error;
      // At another commit than it is to have it would look like somebody's work.
      if (before.length === 0) await empty(inside);
      warnings.push(`the submodule ${path} could not be had: ${messageOf(error).replace(/\s*\n\s*/g, ' ')}`);
    }
  }
}

/** What the repository's owner has said about submodules: each that it names is wanted, also one that comes later. */
async function wantedIn(worktree: string, repository: string, signal?: AbortSignal): Promise<Set<string>> {
  const { stdout } = await runGit(repository, ['config', '-z', '--get-all', 'submodule.active'], { signal });
  const patterns = stdout.split('\0').filter((pattern) => pattern !== '');
  return new Set(patterns.length === 0 ? [] : await gitlinks(worktree, signal, patterns));
}

async function initOne(
  folder: string,
  { name, path }: Submodule,
  from: { repository: string; gitDir: string },
  signal?: AbortSignal,
): Promise<void> {
  const { args, env } = configured([
    [`submodule.${name}.url`, from.gitDir],
    // Asked for by us, of a folder that we have found; git forbids it to what a repository names.
    ['protocol.file.allow', 'always'],
  ]);
  const local = await runGit(folder, [...args, 'submodule', 'update', '--init', '--', path], {
    signal,
    boundMs: gitBounds.transfer,
    env,
  });
  const remote = await remoteOf(from.repository, name, from.gitDir, signal);
  const inside = join(folder, path);
  if (remote !== undefined && (await exists(join(inside, '.git')))) {
    const called = await remoteNameIn(inside, [], signal);
    if (called !== undefined) await git(inside, ['remote', 'set-url', called, remote], { signal });
    // What `init` writes where it finds nothing; here it has found our setting.
    const known = await runGit(folder, ['config', '--get', `submodule.${name}.url`], { signal });
    if (known.code !== 0) await git(folder, ['config', `submodule.${name}.url`, remote], { signal });
  }
  // Its commit has not reached the main checkout yet, for example.
  if (local.code !== 0) await update(folder, path, signal);
}

async function update(folder: string, path: string, signal?: AbortSignal): Promise<void> {
  await git(folder, ['submodule', 'update', '--init', '--', path], { signal, boundMs: gitBounds.transfer });
}

/** Where the submodule comes from, as the main checkout has it. */
async function remoteOf(
  repository: string,
  name: string,
  gitDir: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const set = await runGit(repository, ['config', '--get', `submodule.${name}.url`], { signal });
  if (set.code === 0) return set.stdout.trim();
  const here = `--git-dir=${gitDir}`;
  const called = await remoteNameIn(repository, [here], signal);
  const { code, stdout } = await runGit(repository, [here, 'config', '--get', `remote.${called ?? 'origin'}.url`], {
    signal,
  });
  return code === 0 ? stdout.trim() : undefined;
}

/** The user may have it called otherwise in all their clones (`clone.defaultRemoteName`). */
async function remoteNameIn(
  folder: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<string | undefined> {
  const names = (await git(folder, [...args, 'remote'], { signal })).split('\n').filter((name) => name !== '');
  return names.includes('origin') ? 'origin' : names[0];
}

/** Those of `.gitmodules` that the index has. */
async function listSubmodules(folder: string, signal?: AbortSignal): Promise<Submodule[]> {
  if ((await unlessMissing(lstat(join(folder, '.gitmodules')))) === undefined) return [];
  const { stdout } = await runGit(
    folder,
    ['config', '-z', '-f', '.gitmodules', '--get-regexp', '^submodule\\..*\\.path$'],
    { signal },
  );
  const named = stdout.split('\0').flatMap((entry) => {
    const [key = '', path] = [entry.slice(0, entry.indexOf('\n')), entry.slice(entry.indexOf('\n') + 1)];
    return path === '' || !key.endsWith('.path')
      ? []
      : [{ name: key.slice('submodule.'.length, -'.path'.length), path }];
  });
  const linked = new Set(await gitlinks(folder, signal));
  return named.filter(({ path }) => linked.has(path));
}

/** Paths of the submodules that the index has, whether they are checked out or not. */
async function gitlinks(folder: string, signal?: AbortSignal, patterns: readonly string[] = []): Promise<string[]> {
  const staged = await git(folder, ['ls-files', '--stage', '-z', '--', ...patterns], { signal });
  return staged
    .split('\0')
    .flatMap((entry) => (entry.startsWith('160000 ') ? [entry.slice(entry.indexOf('\t') + 1)] : []));
}

/** Settings for one call. `-c` does not take a name with `=` in it, and the environment does nothing before git 2.31. */
function configured(settings: readonly [string, string][]): { args: string[]; env: Record<string, string> } {
  const odd = settings.filter(([key]) => key.includes('='));
  const entries = odd.flatMap(([key, value], index): [string, string][] => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return {
    args: settings.filter((each) => !odd.includes(each)).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    env: odd.length === 0 ? {} : { GIT_CONFIG_COUNT: String(odd.length), ...Object.fromEntries(entries) },
  };
}

const exists = async (path: string): Promise<boolean> => (await unlessMissing(lstat(path))) !== undefined;

async function empty(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  await mkdir(folder, { recursive: true });
}

async function isFolder(path: string): Promise<boolean> {
  return (await unlessMissing(lstat(path)))?.isDirectory() ?? false;
}
