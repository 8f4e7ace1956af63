/** What the removal of a town takes away, and what it leaves: looked at before, and said after it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RemovalItem, TownRemoval } from '../channel/protocol.ts';
import { settingsPath } from '../config/settings-path.ts';
import type { Environment } from '../platform/inherited-environment.ts';
import { findingsText } from '../platform/git/findings.ts';
import type { Role, SessionId } from '../domain/orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';
import { messageOf } from '../platform/errors.ts';
import type { ApiContext } from '../api/context.ts';
import { leftoversIn } from '../orchestration/own-files.ts';
import {
  findWorktrees,
  forgetMissing,
  reasonsFor,
  removeStandingOf,
  removeTownWorktree,
  teardownOf,
} from '../orchestration/town-worktrees.ts';
import type { TownWorktree } from '../orchestration/town-worktrees.ts';

/** What a town is removed by. */
type Parts = Pick<
  ApiContext,
  'paths' | 'settings' | 'rigs' | 'store' | 'registry' | 'manager' | 'worktrees' | 'backends' | 'log'
>;

/** Workers first, whoever gives work out last. */
const order: readonly Role[][] = [['polecat'], ['crew', 'refinery', 'witness'], ['deacon'], ['mayor']];

interface Found {
  sessions: SessionId[];
  /** `stays` says why; absent where it goes. `teardown` is the command that runs before. */
  worktrees: readonly (TownWorktree & { stays: string | undefined; teardown: string | undefined })[];
  leftovers: Awaited<ReturnType<typeof leftoversIn>>;
}

/** Looks what a removal would take away now. Changes nothing. */
export async function lookAtRemoval(town: Parts, environment: Environment): Promise<TownRemoval> {
  const worktrees = [];
  for (const each of await foundIn(town)) {
    const reasons = await reasonsFor(each, town.worktrees);
    worktrees.push({ ...each, stays: reasons.length === 0 ? undefined : findingsText(reasons) });
  }
  const stay = worktrees.filter(({ stays }) => stays !== undefined).map(({ path }) => path);
  return describe(town, environment, { sessions: living(town), worktrees, leftovers: await leftoversOf(town, stay) });
}

/**
 * Ends the sessions and takes away what lies outside of `.runtime` or belongs to git. Rejects where a session cannot be
 * ended; then others may have ended, with worktrees that had nothing to lose, and nothing else has been touched.
 */
export async function removeOutside(town: Parts, environment: Environment): Promise<TownRemoval> {
  const { paths, registry, rigs } = town;
  const sessions = living(town);
  // The end of a session removes its worktree, too.
  const before = await foundIn(town);
  for (const roles of order) {
    const ending = registry.list().filter(({ role, state }) => roles.includes(role) && state !== 'stopped');
    await Promise.all(ending.map(({ id }) => town.manager.stop(id)));
  }
  const since = (await foundIn(town)).filter(({ path }) => before.every((each) => each.path !== path));
  const worktrees = [];
  for (const each of [...before, ...since]) {
    const stays = await removeTownWorktree(each, town.worktrees);
    worktrees.push({ ...each, stays: existsSync(each.path) ? stays : undefined });
  }
  const stay = worktrees.filter(({ stays }) => stays !== undefined).map(({ path }) => path);
  const leftovers = await leftoversOf(town, stay);
  const result = await describe(town, environment, { sessions, worktrees, leftovers });
  for (const { leftover, by } of leftovers) {
    await by
      .remove(leftover)
      .catch((error: unknown) => town.log.warn(`${leftover.path} could not be removed: ${messageOf(error)}`));
  }
  for (const name of rigs.names()) {
    const { path } = rigs.get(name);
    await removeStandingOf(path, paths, name)
      .then(() => forgetMissing(path, paths))
      .catch((error: unknown) => town.log.warn(`worktrees of ${path}: ${messageOf(error)}`));
  }
  return result;
}

/** With what runs in each before it goes: afterwards nobody knows. */
async function foundIn({ paths, worktrees }: Parts): Promise<(TownWorktree & { teardown: string | undefined })[]> {
  const found = await findWorktrees(paths);
  return Promise.all(found.map(async (each) => ({ ...each, teardown: await teardownOf(each, worktrees) })));
}

const living = ({ registry }: Parts): SessionId[] =>
  registry
    .list()
    .filter((session) => !hasEnded(session))
    .map(({ id }) => id);

function leftoversOf(town: Parts, worktrees: readonly string[]): Promise<Found['leftovers']> {
  const { paths, rigs } = town;
  const all = rigs.names().map((name) => rigs.get(name));
  // Sessions of a rig that is a folder of its repository work below the top of their worktree.
  const workDirs = worktrees.flatMap((path) => [
    path,
    ...all.flatMap(({ subfolder }) => (subfolder === '' ? [] : [join(path, subfolder)])),
  ]);
  const directories = new Set([paths.root, ...all.map(({ folder }) => folder), ...workDirs]);
  return leftoversIn(town, [...directories]);
}

/** In words for people. */
async function describe(
  { paths, rigs, store, backends }: Parts,
  environment: Environment,
  { sessions, worktrees, leftovers }: Found,
): Promise<TownRemoval> {
  const goes = worktrees.filter((each) => each.stays === undefined);
  const stays = worktrees.filter((each) => each.stays !== undefined);
  const rescued = (rig: string): number =>
    store.worktrees.all().filter((each) => each.rig === rig && each.removed?.rescue !== undefined).length;
  const settings = settingsPath(paths.root);
  const shared = await Promise.all(backends.map(async ({ leftovers: own }) => (await own?.shared(environment)) ?? []));
  return {
    sessions,
    runs: goes.flatMap(({ path, teardown }) => (teardown === undefined ? [] : [{ path, what: teardown }])),
    goes: [
      {
        path: paths.runtime,
        what:
          stays.length === 0
            ? 'database, messages, archive and logs'
            : 'database, messages, archive and logs; all but the worktrees that stay',
      },
      ...goes.map(({ path, branch }) => ({
        path,
        what: branch === undefined ? 'a worktree' : `a worktree, with the branch ${branch}`,
      })),
      ...leftovers.map(({ leftover: { path, what } }) => ({ path, what })),
    ],
    stays: [
      ...stays.map(({ path, stays: why }) => ({ path, what: why ?? '' })),
      { path: settings, what: 'your settings' },
      ...(existsSync(paths.directives) ? [{ path: paths.directives, what: 'your directives' }] : []),
      ...rigs
        .names()
        .map((name): RemovalItem => ({ path: rigs.get(name).path, what: repositoryText(name, rescued(name)) })),
      ...shared.flat(),
    ],
  };
}

function repositoryText(rig: string, rescued: number): string {
  const also =
    rescued === 0
      ? ''
      : `, what ${rescued === 1 ? 'a removed worktree' : `${rescued} removed worktrees`} alone had (refs/rescue)`;
  return `the repository of ${rig}, its other branches${also} and its settings`;
}
