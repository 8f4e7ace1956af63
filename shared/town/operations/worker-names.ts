import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Role } from '../../orchestrator.ts';
import { nextFreeName } from '../../roles/name-pool.ts';
import { checkWorkerName } from '../../roles/names.ts';
import { hasEnded } from '../../sessions/session-info.ts';
import { polecatOf } from '../../work/sling.ts';
import { ownedStates } from '../../work/state.ts';
import type { TownParts } from '../parts.ts';

/**
 * Starts something under a valid name: the given one, or the next of the pool that is free; under none where the role exists
 * once. A chosen name is this start's own until that has ended: before it is claimed, others may be awaited.
 */
export async function withWorkerName<T>(
  town: TownParts,
  { role, rig, given }: { role: Role; rig: string; given: string | undefined },
  start: (name: string) => Promise<T>,
): Promise<T> {
  if (role !== 'crew' && role !== 'polecat') return start('');
  if (given !== undefined) {
    checkWorkerName(given);
    return start(given);
  }
  const name = freeName(town, role, rig);
  const chosen = `${rig}/${name}`;
  town.namesInHand.add(chosen);
  try {
    return await start(name);
  } finally {
    town.namesInHand.delete(chosen);
  }
}

/** No session of the rig has it, no start that is under way, and no worktree that was kept for what is in it. */
function freeName(town: TownParts, role: Role, rig: string): string {
  const live = town.registry.list({ rig, role }).filter((session) => !hasEnded(session));
  const claims = town.store.work.all().filter((work) => work.rig === rig && ownedStates.includes(work.state));
  const places = [town.paths.worktrees, town.paths.formerWorktrees];
  const worktrees = role === 'polecat' ? places.flatMap((place) => foldersIn(join(place, rig))) : [];
  const inHand = [...town.namesInHand].flatMap((each) =>
    each.startsWith(`${rig}/`) ? [each.slice(rig.length + 1)] : [],
  );
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
