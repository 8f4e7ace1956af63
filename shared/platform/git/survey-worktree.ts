/** What is in a worktree that exists nowhere else: the one judgement that every removal goes by. */
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { unlessMissing } from '../files.ts';
import { messageOf } from '../errors.ts';
import { adminFolder } from './admin-folder.ts';
import type { Finding } from './findings.ts';
import { git, runGit } from './git.ts';
import type { IsRebuildable } from './rebuildable.ts';
import { readable } from './file-names.ts';
import { surveyFiles } from './survey-files.ts';
import type { FilesOptions, FilesSurvey } from './survey-files.ts';
import { untouchedSince } from './set-up-files.ts';

export interface WorktreePlace {
  /** Top of the main checkout. */
  repository: string;
  path: string;
  /** The branch that goes with it. */
  branch?: string;
}

export interface SurveyOptions {
  /** Whole paths of what the town itself has written there. */
  own: readonly string[];
  isRebuildable: IsRebuildable;
}

export interface WorktreeSurvey {
  findings: Finding[];
  /** False where somebody has deleted the folder. */
  isThere: boolean;
  /** Where git keeps what belongs to it alone; absent where that could not be found. */
  admin?: string;
  /** The commit that is checked out; absent on a branch without commits. */
  head?: string;
  /** `refs/heads/…`; absent with a detached HEAD. */
  headRef?: string;
  /** Where `branch` is; absent where there is no such branch. */
  branchTip?: string;
  /** `branch` has commits that are nowhere else, so it does not go. */
  branchHolds?: boolean;
  /** Commits that its logs and its own refs name. */
  tips: string[];
  files?: FilesSurvey;
}

/** Never rejects: what could not be looked at is a finding. To be called in turn (see `inTurn`). */
export async function surveyWorktree(place: WorktreePlace, options: SurveyOptions): Promise<WorktreeSurvey> {
  try {
    return await survey(place, options);
  } catch (error) {
    return { findings: [{ kind: 'unknown', reason: messageOf(error) }], isThere: true, tips: [] };
  }
}

async function survey(place: WorktreePlace, options: SurveyOptions): Promise<WorktreeSurvey> {
  const { path, repository } = place;
  const admin = await adminFolder(place);
  if (admin === undefined) throw new Error('git does not know it as a worktree');
  const findings: Finding[] = [];
  const locked = await unlessMissing(readFile(join(admin, 'locked'), 'utf8'));
  if (locked !== undefined) findings.push({ kind: 'locked', reason: locked.trim() });
  const operation = await operationIn(admin);
  if (operation !== undefined) findings.push({ kind: 'operation', name: operation });
  const commits = await surveyCommits(place, admin);
  findings.push(...commits.findings);
  const isThere = (await unlessMissing(lstat(path))) !== undefined;
  const common = { isThere, admin, tips: commits.tips, ...commits.at };
  if (!isThere) return { findings, ...common };
  const link = (await readFile(join(path, '.git'), 'utf8')).replace(/^gitdir: /, '').trim();
  if ((await realpath(resolve(path, link))) !== (await realpath(admin)))
    throw new Error('its .git leads to another repository');
  // Git writes the index last: without one nobody has ever worked in it.
  if ((await unlessMissing(lstat(join(admin, 'index')))) === undefined && (await readdir(path)).length === 1)
    return { findings, ...common };
  const untouched = await untouchedSince(admin, path);
  const looked: Looked = { ...options, untouched, base: { path: repository, outside: path } };
  const files = await surveyFiles(path, looked);
  const within = await surveyWithin(path, admin, files, looked);
  const named = (kind: 'uncommitted' | 'ignored' | 'flagged'): Finding[] =>
    files[kind].length === 0 ? [] : [{ kind, files: files[kind].map(readable) }];
  findings.push(...named('uncommitted'), ...named('flagged'), ...named('ignored'));
  if (within.nested.length > 0) findings.push({ kind: 'nested', folders: within.nested });
  if (within.submodules.length > 0) findings.push({ kind: 'submodule', folders: within.submodules });
  return { findings, files, ...common };
}

const operations: Readonly<Record<string, string>> = {
  'rebase-merge': 'a rebase',
  'rebase-apply': 'a rebase',
  MERGE_HEAD: 'a merge',
  CHERRY_PICK_HEAD: 'a cherry-pick',
  REVERT_HEAD: 'a revert',
  BISECT_LOG: 'a bisect',
};

async function operationIn(admin: string): Promise<string | undefined> {
  for (const [file, name] of Object.entries(operations)) if (await unlessMissing(lstat(join(admin, file)))) return name;
  return undefined;
}

/** Refs that each worktree has of its own. */
const ownRefs = ['refs/worktree', 'refs/bisect', 'refs/rewritten'];

/** For rev-list: what is reached without this worktree and the branch that goes with it. */
export function elsewhere(branch: string | undefined): string[] {
  const gone = branch === undefined ? [] : [`--exclude=refs/heads/${branch}`];
  return ['--not', ...gone, ...ownRefs.map((refs) => `--exclude=${refs}/*`), '--glob=refs/*'];
}

async function surveyCommits(
  { repository, branch }: WorktreePlace,
  admin: string,
): Promise<{
  findings: Finding[];
  tips: string[];
  at: Pick<WorktreeSurvey, 'head' | 'headRef' | 'branchTip' | 'branchHolds'>;
}> {
  const here = `--git-dir=${admin}`;
  const ask = async (...args: string[]): Promise<string | undefined> => {
    const { code, stdout } = await runGit(repository, [here, ...args]);
    return code === 0 ? stdout.trim() : undefined;
  };
  const head = await ask('rev-parse', '--verify', '--quiet', 'HEAD^{commit}');
  const headRef = await ask('symbolic-ref', '--quiet', 'HEAD');
  const branchTip =
    branch === undefined ? undefined : await ask('rev-parse', '--verify', '--quiet', `refs/heads/${branch}`);
  if (head === undefined && headRef === undefined) throw new Error('its HEAD leads to no commit');
  const logs = [...(head === undefined ? [] : ['HEAD']), ...(branchTip === undefined ? [] : [`refs/heads/${branch}`])];
  const logged = logs.length === 0 ? '' : await git(repository, [here, 'rev-list', '--walk-reflogs', ...logs]);
  const pseudo = ['ORIG_HEAD', 'MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'REBASE_HEAD'];
  const refs = await git(repository, [here, 'for-each-ref', '--format=%(objectname)', ...ownRefs]);
  const input = [...pseudo, ...refs.split('\n').filter((line) => line !== '')]
    .map((name) => `${name}^{commit}\n`)
    .join('');
  const checked = await git(repository, [here, 'cat-file', '--batch-check=%(objectname) %(objecttype)'], { input });
  const named = checked
    .split('\n')
    .flatMap((line) => (line.endsWith(' commit') ? [line.slice(0, line.indexOf(' '))] : []));
  const tips = [...new Set([...logged.split('\n'), ...named].filter((line) => line !== ''))];
  const unmerged = [head, branchTip].filter((commit) => commit !== undefined);
  const count = async (from: readonly string[], not: readonly string[]): Promise<number> =>
    from.length === 0
      ? 0
      : Number(
          await git(repository, ['rev-list', '--count', '--stdin', ...elsewhere(branch), ...not], {
            input: from.join('\n'),
          }),
        );
  const [ahead, loose] = [await count(unmerged, []), await count(tips, unmerged)];
  const branchHolds = branchTip !== undefined && ahead > 0 && (await count([branchTip], [])) > 0;
  return {
    findings: [
      ...(ahead > 0 ? [{ kind: 'unmerged' as const, commits: ahead }] : []),
      ...(loose > 0 ? [{ kind: 'loose' as const, commits: loose }] : []),
    ],
    tips,
    at: {
      ...(head === undefined ? {} : { head }),
      ...(headRef === undefined ? {} : { headRef }),
      ...(branchTip === undefined ? {} : { branchTip }),
      branchHolds,
    },
  };
}

/** `base` is the same folder in the main checkout. */
type Looked = SurveyOptions & Required<Pick<FilesOptions, 'base' | 'untouched'>>;

const below = (options: Looked, name: string): Looked => ({
  ...options,
  base: { ...options.base, path: join(options.base.path, name) },
});

interface Within {
  nested: string[];
  submodules: string[];
}

/** Repositories inside that have something of their own. Paths are from `root`, for people. */
async function surveyWithin(root: string, gitDir: string, files: FilesSurvey, options: Looked): Promise<Within> {
  const nested: string[] = [];
  const submodules = files.moved.map(readable);
  for (const name of files.nested.map(readable)) {
    if (await hasOwnWork(join(root, name), gitDir, [], below(options, name))) nested.push(name);
  }
  const pinned = files.links.map(({ commit }) => commit);
  for (const name of files.links.map(({ path }) => readable(path))) {
    if (await unlessMissing(lstat(join(root, name, '.git')))) {
      if (await hasOwnWork(join(root, name), gitDir, pinned, below(options, name))) submodules.push(name);
    }
  }
  // Also those that are checked out no more.
  for (const module of await gitDirsIn(join(gitDir, 'modules'))) {
    if (await hasOwnCommits(module, pinned))
      submodules.push(relative(join(gitDir, 'modules'), module).split(`${sep}modules${sep}`).join('/'));
  }
  return { nested, submodules: [...new Set(submodules)] };
}

/** Whether a repository inside has what its remotes do not have. A checkout whose repository is somewhere else always counts. */
async function hasOwnWork(folder: string, of: string, pinned: readonly string[], options: Looked): Promise<boolean> {
  const dot = join(folder, '.git');
  const facts = await lstat(dot);
  let gitDir = dot;
  if (!facts.isDirectory()) {
    if (!facts.isFile()) return true;
    gitDir = resolve(folder, (await readFile(dot, 'utf8')).replace(/^gitdir: /, '').trim());
    if (!(await realpath(gitDir)).startsWith(`${await realpath(of)}${sep}`)) return true;
  }
  // Git would answer for the repository around one that is broken.
  if ((await realpath(await git(folder, ['rev-parse', '--show-toplevel']))) !== (await realpath(folder))) return true;
  const files = await surveyFiles(folder, options);
  if ([files.uncommitted, files.ignored, files.flagged, files.moved].some((found) => found.length > 0)) return true;
  if (await hasOwnCommits(gitDir, pinned)) return true;
  const within = await surveyWithin(folder, gitDir, files, options);
  return within.nested.length + within.submodules.length > 0;
}

/** Whether its refs and logs have commits that neither its remotes nor the repository around it have. */
async function hasOwnCommits(gitDir: string, pinned: readonly string[]): Promise<boolean> {
  const args = [
    `--git-dir=${gitDir}`,
    `--work-tree=${gitDir}`,
    'rev-list',
    '--max-count=1',
    '--ignore-missing',
    '--all',
    '--reflog',
    '--not',
    '--remotes',
    ...pinned,
  ];
  return (await git(gitDir, args)) !== '';
}

async function gitDirsIn(folder: string): Promise<string[]> {
  const entries = (await unlessMissing(readdir(folder, { withFileTypes: true }))) ?? [];
  const names = entries.map(({ name }) => name);
  if (['HEAD', 'objects', 'refs'].every((name) => names.includes(name)))
    return [folder, ...(await gitDirsIn(join(folder, 'modules')))];
  const found: string[] = [];
  for (const entry of entries) if (entry.isDirectory()) found.push(...(await gitDirsIn(join(folder, entry.name))));
  return found;
}
