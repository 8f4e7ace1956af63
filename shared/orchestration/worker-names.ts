import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../domain/orchestrator.ts';
import { nextFreeName } from '../roles/name-pool.ts';
import { checkWorkerName } from '../domain/names.ts';
import { hasEnded } from '../domain/session-state.ts';
import { polecatOf } from './sling.ts';
import type { ReservedName } from '../sessions/session-names.ts';
import { ownedStates } from '../domain/work-state.ts';
import type { Town } from './town.ts';

/**
 * Starts something under a valid name: the given one, or the next of the pool that is free; under none where the role exists
 * once. The name is reserved before anything is awaited, and this start's own until that has ended. Throws `name-taken`.
 */
export async function withSessionName<T>(
  town: Town,
  { role, rig, given }: { role: Role; rig: string; given: string | undefined },
  start: (name: ReservedName) => Promise<T>,
): Promise<T> {
  const name = town.manager.names.reserve({ role, rig, name: nameOf(town, role, rig, given) });
  try {
    return await start(name);
  } finally {
    name.dispose();
  }
}

function nameOf(town: Town, role: Role, rig: string, given: string | undefined): string {
  if (role !== 'crew' && role !== 'polecat') return '';
  if (given === undefined) return freeName(town, role, rig);
  checkWorkerName(given);
  return given;
}

/**
 * No session of the rig has it, no start that is under way, and no worktree that was kept for what is in it. Polecats have
 * branches by their names, so for them it is free in every rig of the same repository.
 */
function freeName(town: Town, role: Role, rig: string): string {
  const { path } = town.rigs.get(rig);
  const rigs = role === 'polecat' ? town.rigs.names().filter((name) => town.rigs.get(name).path === path) : [rig];
  const live = town.registry.list({ role }).filter((session) => rigs.includes(session.rig) && !hasEnded(session));
  const claims = town.store.work.all().filter((work) => rigs.includes(work.rig) && ownedStates.includes(work.state));
  const places = [town.paths.worktrees, town.paths.formerWorktrees];
  const worktrees =
    role === 'polecat' ? places.flatMap((place) => rigs.flatMap((name) => foldersIn(join(place, name)))) : [];
  const inHand = town.manager.names.list().flatMap((each) => (rigs.includes(each.rig) ? [each.name] : []));
  const taken = [
    ...live.map(({ agentName }) => agentName),
    ...claims.flatMap((work) => polecatOf(work.branch) ?? []),
    ...worktrees,
    ...inHand,
  ];
  const name = nextFreeName(new Set(taken), town.rigs.get(rig).settings.namepool);
  // Whoever wrote the pool: the name becomes that of a folder.
  checkWorkerName(name);
  return name;
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // No polecat has worked in this rig yet.
    return [];
  }
}
