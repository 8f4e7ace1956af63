/** Submodules of a worktree: the same as in the rig's own checkout, from the objects that are there already. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessMissing } from '../config/write-atomically.ts';
import { git, gitBounds, runGit } from './git.ts';

interface Submodule {
  name: string;
  /** In the checkout, with `/`. */
  path: string;
}

/**
 * Checks out the submodules that the main checkout has, too, those within them included. Others are left alone: nobody
 * has asked for them. Objects come from the main checkout's own copies; only a commit that is not there is fetched.
 */
export async function initSubmodules(worktree: string, repository: string, signal?: AbortSignal): Promise<void> {
  const common = await git(repository, ['rev-parse', '--path-format=absolute', '--git-common-dir'], { signal });
  await initFrom(worktree, { checkout: repository, gitDir: common }, signal);
}

async function initFrom(
  folder: string,
  source: { checkout: string; gitDir: string },
  signal?: AbortSignal,
): Promise<void> {
  for (const { name, path } of await listSubmodules(folder, signal)) {
    const own = join(source.gitDir, 'modules', name);
    const checkout = join(source.checkout, path);
    const embedded = join(checkout, '.git');
    // An old one has its repository in the checkout itself.
    const gitDir = (await isFolder(own)) ? own : (await isFolder(embedded)) ? embedded : undefined;
    if (gitDir === undefined) continue;
    await initOne(folder, { name, path }, { repository: source.checkout, gitDir }, signal);
    await initFrom(join(folder, path), { checkout, gitDir }, signal);
  }
}

async function initOne(
  folder: string,
  { name, path }: Submodule,
  from: { repository: string; gitDir: string },
  signal?: AbortSignal,
): Promise<void> {
  const long = { signal, boundMs: gitBounds.transfer };
  const env = configured([
    [`submodule.${name}.url`, from.gitDir],
    // Asked for by us, of a folder that we have found; git forbids it to what a repository names.
    ['protocol.file.allow', 'always'],
  ]);
  const local = await runGit(folder, ['submodule', 'update', '--init', '--', path], { ...long, env });
  const remote = await remoteOf(from.repository, name, from.gitDir, signal);
  const inside = join(folder, path);
  const isThere = (await unlessMissing(lstat(join(inside, '.git')))) !== undefined;
  if (isThere && remote !== undefined) {
    await git(inside, ['remote', 'set-url', 'origin', remote], { signal });
    // What `init` writes where it finds nothing; here it has found our setting.
    const known = await runGit(folder, ['config', '--get', `submodule.${name}.url`], { signal });
    if (known.code !== 0) await git(folder, ['config', `submodule.${name}.url`, remote], { signal });
  }
  // Its commit has not reached the main checkout yet, for example.
  if (local.code !== 0) await git(folder, ['submodule', 'update', '--init', '--', path], long);
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
  const origin = await runGit(repository, [`--git-dir=${gitDir}`, 'config', '--get', 'remote.origin.url'], { signal });
  return origin.code === 0 ? origin.stdout.trim() : undefined;
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
async function gitlinks(folder: string, signal?: AbortSignal): Promise<string[]> {
  const staged = await git(folder, ['ls-files', '--stage', '-z'], { signal });
  return staged
    .split('\0')
    .flatMap((entry) => (entry.startsWith('160000 ') ? [entry.slice(entry.indexOf('\t') + 1)] : []));
}

/** Settings for one call. Unlike `-c` this takes a name with `=` in it. */
function configured(settings: readonly [string, string][]): Record<string, string> {
  const entries = settings.flatMap(([key, value], index): [string, string][] => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(entries) };
}

async function isFolder(path: string): Promise<boolean> {
  return (await unlessMissing(lstat(path)))?.isDirectory() ?? false;
}
