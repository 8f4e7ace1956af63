import { join } from 'node:path';
import type { ResolvedAgent } from '../domain/agent.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { Worktree } from '../platform/git/worktree.ts';
import { worktreePath } from '../platform/git/worktree-places.ts';
import type { WorktreePlaces } from '../platform/git/worktree-places.ts';
import type { BackendName, SessionId, SessionInfo } from '../domain/orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';
import { getOrchestrator } from './backend-orchestrator.ts';
import type { OrchestratorParts, TownOrchestrator } from './backend-orchestrator.ts';
import type { ReservedName } from '../sessions/session-names.ts';
import type { StoredWork } from '../store/work.ts';
import { ownedStates } from '../domain/work-state.ts';
import { toWorkUnit } from '../work/service.ts';
import { slingerOf } from '../work/slinger.ts';

export interface Sling {
  workId: string;
  /** `path` is the top folder of a repository that can have worktrees (see `openRepository`). */
  rig: { name: string; path: string; /** Where in it the session works; empty for the top. */ subfolder: string };
  /** The worker's, reserved for this sling. */
  name: ReservedName;
  agent: ResolvedAgent;
  /** The agent that was asked for by name; another attempt asks for it again. */
  asked?: string;
  /** Describes a unit that the town does not know yet, or a note about one that it does. */
  message?: string;
  by: string;
  /** Why this agent, where it is not the one that the role has. */
  why?: string;
  /** The branch that is gone on with; one of its own where this is absent. */
  branch?: string;
  /** The unit is claimed. */
  onClaim?: () => void;
  /** Nothing is made ready in its worktree; another attempt does not, either. */
  bare?: true;
  /** Where the town has its worktrees. */
  places: WorktreePlaces;
  /** Makes the worktree (see `createWorktree`). */
  isolate: (path: string, branch: string, session: SessionId, signal: AbortSignal) => Promise<Worktree>;
  /** Takes back the worktree of a start that failed; tells why it stays. Never rejects. */
  discard: (worktree: Worktree, session: SessionId) => Promise<string | undefined>;
}

export type SlingParts = OrchestratorParts & { orchestrators: ReadonlyMap<BackendName, TownOrchestrator> };

/**
 * One transaction: the unit is claimed, a worktree made, a session started in it and given the unit. When any of it
 * fails, or is cancelled, nothing of it stays but the unit as `failed` with the reason.
 */
export async function slingWork(
  parts: SlingParts,
  sling: Sling,
  signal: AbortSignal,
): Promise<{ session: SessionInfo; work: StoredWork }> {
  const { work } = parts;
  const { workId, rig, name, agent, by } = sling;
  const { id } = name;
  // Nothing is awaited before the claim: of two slings that come together, one finds the other's claim.
  const known = parts.store.transaction(() => claim(parts, sling, id));
  const branch = branchOf(sling);
  sling.onClaim?.();

  let worktree: Worktree | undefined;
  try {
    worktree = await sling.isolate(worktreePath(sling.places, rig.name, name.name), branch, id, signal);
    const claimed = work.get(workId);
    if (claimed.owner !== id)
      throw new GasTownError(
        'work-conflict',
        `${workId} is ${claimed.state} by now: it was taken back while its worktree was made.`,
      );
    work.move(
      claimed,
      'assigned',
      { by: 'host', note: `worktree ${worktree.path}${worktree.warning === undefined ? '' : `; ${worktree.warning}`}` },
      { base: worktree.base },
    );
    await getOrchestrator(parts.orchestrators, { agent }).spawnSession(
      {
        role: 'polecat',
        workDir: join(worktree.path, rig.subfolder),
        rig: rig.name,
        agentName: name.name,
        branch,
        initialWork: toWorkUnit(work.get(workId)),
      },
      signal,
      { agent, name, by, ...(known && sling.message ? { note: sling.message } : {}) },
    );
    return { session: parts.registry.get(id), work: work.get(workId) };
  } catch (error) {
    await undo(parts, sling, id, worktree, error, signal);
    throw error;
  }
}

const branchOf = ({ name, workId, branch }: Sling): string => branch ?? `polecat/${name.name}/${workId}`;

/** The name of the polecat that a branch is for; undefined for other branches. */
export const polecatOf = (branch: string | undefined): string | undefined =>
  /^polecat\/([^/]+)\//.exec(branch ?? '')?.[1];

/** Binds the unit to the session that is to be. Returns whether the town knew the unit before. */
function claim(parts: OrchestratorParts, sling: Sling, id: SessionId): boolean {
  const { work, registry } = parts;
  const { workId, rig, by, message, why } = sling;
  const present = registry.find(id);
  const known = work.find(workId);
  if (!known && !message) {
    throw new GasTownError(
      'unknown-work',
      `The town does not know ${workId}. Describe it with -m "<what is to be done>", or add it first: gt work add --id ${workId} "<what>".`,
    );
  }
  if (known?.state === 'assigned' && known.owner === id && !present) {
    throw new GasTownError('work-conflict', `${workId} is on its way to ${id} already.`);
  }
  const [elsewhere] = work.ownedBy(id).filter((unit) => unit.id !== workId && unit.state === 'assigned');
  if (elsewhere) {
    throw new GasTownError('name-taken', `${id} is being started already, for ${elsewhere.id}. Choose another --name.`);
  }
  if (known?.owner !== undefined && ownedStates.includes(known.state)) {
    const owner = registry.find(known.owner);
    const isOver = owner ? hasEnded(owner) && !parts.manager.isRestarting(owner.id) : known.state !== 'assigned';
    // Nobody works on it any more: it may go to somebody else.
    if (isOver)
      work.move(known, 'open', { by, note: `taken back from ${known.owner}, which has ended` }, { owner: null });
  }
  if (!known) work.add({ id: workId, type: 'issue', description: message!, rig: rig.name }, by);
  const note = `assigned to ${id}${why === undefined ? '' : `, ${why}`}`;
  const attempts = by === 'host' ? (known?.attempts ?? 0) : 0;
  const dispatch = {
    ...(sling.asked === undefined ? {} : { agent: sling.asked }),
    ...(sling.bare ? { bare: true as const } : {}),
  };
  work.assign(
    workId,
    id,
    { by, note },
    {
      branch: branchOf(sling),
      rig: rig.name,
      attempts,
      notBefore: null,
      dispatch: Object.keys(dispatch).length === 0 ? null : dispatch,
      ...slingerOf(parts.store, known, by),
    },
  );
  return known !== undefined;
}

async function undo(
  parts: OrchestratorParts,
  { workId, discard }: Sling,
  id: SessionId,
  worktree: Worktree | undefined,
  error: unknown,
  signal: AbortSignal,
): Promise<void> {
  const reason = messageOf(error);
  let note = reason;
  if (worktree) {
    const stays = await discard(worktree, id);
    if (stays !== undefined) note = `${reason} (its worktree ${worktree.path} was kept: ${stays})`;
  }
  parts.store.backlog.keep(() => {
    const unit = parts.work.get(workId);
    // Cancelled or taken back meanwhile: somebody has said what becomes of it.
    if (!ownedStates.includes(unit.state) || unit.owner !== id) return;
    const dispatch =
      mayPass(error) && !signal.aborted ? { ...unit.dispatch, startFailed: true as const } : (unit.dispatch ?? null);
    parts.work.move(unit, 'failed', { by: 'host', note }, { owner: null, dispatch });
  });
}

/** Whether the same start might succeed a moment later. A mistake in the settings or a missing program does not pass. */
function mayPass(error: unknown): boolean {
  return (
    !GasTownError.is(error) || ['spawn-failed', 'backend-unavailable', 'read-only', 'internal'].includes(error.code)
  );
}
