import { insteadText } from './choose-agent.ts';
import type { Params } from '../channel/protocol.ts';
import { sessionLimits } from '../config/session-limits.ts';
import { GasTownError } from '../platform/errors.ts';
import { openRepository } from '../platform/git/repository.ts';
import type { Worktree } from '../platform/git/worktree.ts';
import type { SessionId, SessionInfo } from '../domain/orchestrator.ts';
import { slingWork } from './sling.ts';
import type { Town } from './town.ts';
import type { StoredWork } from '../store/work.ts';
import { noteChoice } from './agent-selection.ts';
import { withSessionName } from './worker-names.ts';
import { branchToGoOn } from './own-worktree.ts';
import type { ReservedName } from '../sessions/session-names.ts';
import { isWorkedIn } from './cleanup.ts';
import { requireNothingToWaitFor, waitNoMore } from './waiting.ts';

/** Throws `refused` where a session has as many unfinished units already as it may have added. */
export function requireRoom(town: Town, by: string): void {
  if (town.registry.find(by) === undefined) return;
  const { openUnits } = sessionLimits(town.settings.value.limits);
  const open = town.store.work.countUnfinishedOf(by);
  if (open < openUnits) return;
  throw new GasTownError(
    'refused',
    `${by} has added ${open} units that are neither done nor cancelled, and ${openUnits} are allowed (limits.open_units in the town's settings). ` +
      'Wait until some are done, or cancel what is not needed (gt work cancel <id>).',
  );
}

/** `branch`: the unit was at work there before, and goes on with it. `onClaim`: the unit has its session's name now. */
export type SlingOrder = Params<'sling'> & { branch?: string; onClaim?: () => void };

/** Slings a unit, for whoever wants it; the host itself slings what is queued. */
export async function slingUnit(
  town: Town,
  params: SlingOrder,
  by: string,
  signal: AbortSignal,
): Promise<{ session: SessionInfo; work: StoredWork }> {
  town.manager.requireTrust();
  const { name: rig } = town.rigs.get(params.rig);
  return withSessionName(town, { role: 'polecat', rig, given: params.name }, (name) =>
    slingNamed(town, params, name, by, signal),
  );
}

async function slingNamed(
  town: Town,
  params: SlingOrder,
  name: ReservedName,
  by: string,
  signal: AbortSignal,
): Promise<{ session: SessionInfo; work: StoredWork }> {
  const { name: rigName, path: checkout, subfolder } = town.rigs.get(params.rig);
  const { branch: base } = town.rigs.baseOf(rigName);
  const rig = { name: rigName, path: (await openRepository(checkout, base)).path, subfolder };
  const wanted = {
    role: 'polecat',
    rig: rig.name,
    name: name.name,
    agent: params.agent,
    backend: params.backend,
  } as const;
  const bare = params.setup === false;
  if (!bare) await town.worktrees.mayBegin(rig.name);
  const isNew = town.work.find(params.work) === undefined;
  if (isNew) requireRoom(town, by);
  const branch =
    params.branch === undefined
      ? undefined
      : await branchToGoOn(rig.path, params.branch, `polecat/${name.name}/${params.work}`, signal);
  return town.agents.withAgent(wanted, by, async (choice) => {
    // Here nothing is awaited any more before the unit is claimed. The host slings what is queued, or has just failed with another agent.
    const state = town.work.find(params.work)?.state;
    if (by === 'host' && state !== 'queued' && state !== 'failed') {
      throw new GasTownError('work-conflict', `${params.work} is ${state ?? 'gone'} by now, so it is not slung.`);
    }
    if (params.now) waitNoMore(town, params.work, by);
    else requireNothingToWaitFor(town, params.work);
    const why = insteadText(choice);
    const asked = params.agent ?? (params.backend === undefined ? undefined : choice.agent.name);
    // A second attempt finds the unit that the first one has described.
    const described = isNew && town.work.find(params.work) !== undefined;
    const order = {
      workId: params.work,
      rig,
      name,
      agent: choice.agent,
      by,
      places: town.paths,
      isolate: (path: string, branch: string, session: SessionId, until: AbortSignal) =>
        town.worktrees.create(rig.path, path, branch, { session, rig: rig.name, bare }, until),
      discard: ({ path, branch }: Worktree, session: SessionId) =>
        town.worktrees.over(
          { repository: rig.path, path, branch },
          { session, rig: rig.name },
          () => !isWorkedIn(town, path),
        ),
      ...(branch === undefined ? {} : { branch }),
      ...(params.onClaim === undefined ? {} : { onClaim: params.onClaim }),
      ...(bare ? { bare } : {}),
      ...(asked === undefined ? {} : { asked }),
      ...(params.message === undefined || described ? {} : { message: params.message }),
      ...(why === undefined ? {} : { why }),
    };
    const slung = await slingWork(town, order, signal);
    noteChoice(town, slung.session.id, choice);
    return slung;
  });
}
