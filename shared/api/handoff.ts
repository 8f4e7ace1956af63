import type { CallerView, Params, Results } from '../channel/protocol.ts';
import { GasTownError } from '../platform/errors.ts';
import { checkWorkerName, identityOfId, sessionIdOf, sessionIdOfAddress } from '../domain/names.ts';
import { dispatchingRoles } from '../roles/permissions.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { SessionId } from '../domain/orchestrator.ts';
import type { StoredWork } from '../store/work.ts';
import { ownedStates } from '../domain/work-state.ts';
import { handOff } from '../orchestration/handoff.ts';
import type { Receiver } from '../orchestration/handoff.ts';
import { handOverNote } from '../orchestration/handoff-note.ts';
import { nameOfCaller } from './caller.ts';
import type { ApiContext } from './context.ts';
import { noteChoice } from '../orchestration/agent-selection.ts';
import { withSessionName } from '../orchestration/worker-names.ts';

type Given = Params<'work.handoff'>;

/** `gt handoff`: a unit, its branch and worktree, and what is to be known about it, go to another session. */
export async function handOffWork(
  town: ApiContext,
  params: Given,
  caller: CallerView,
  signal: AbortSignal,
): Promise<Results['work.handoff']> {
  const from = sessionIdOfAddress(params.from);
  requireRight(town, caller, from);
  if (params.context.trim() === '')
    throw new GasTownError('bad-input', 'Say what the new session has to know: -m "<context>".');
  const work = unitOf(town, from, params.work);
  const target = targetOf(town, params.to, work, from);
  const by = nameOfCaller(caller);
  // A session that hands off its own unit may end with it, and with it the command that waits for the answer.
  const own = caller.kind === 'session' && caller.session === from ? new AbortController().signal : signal;
  const note = `${params.context.trim()}\n\n${await handOverNote(town, from, work)}`.trim();
  let tried = false;
  const go = async (to: Receiver): Promise<Results['work.handoff']> => {
    const now = town.work.get(work.id);
    // An attempt with another agent finds it as the one before has left it: nobody's, as its old owner has ended.
    const isLeft = tried && now.state === 'open' && now.owner === undefined;
    // Others may have been at the unit, and the receiver may have ended, while something was awaited.
    const unit = isLeft ? now : unitOf(town, from, work.id);
    tried = true;
    if (to.kind === 'session' && hasEnded(town.registry.get(to.session.id))) {
      throw new GasTownError('refused', `${to.session.id} has ended by now. Name another session.`);
    }
    const session = await handOff(town, { work: unit, from, to, note, by }, own);
    return { work: town.views.work(town.work.get(work.id)), session: town.views.session(session) };
  };
  if (target.kind === 'session') {
    const { id, agent } = target.session;
    if (params.agent !== undefined || params.backend !== undefined) {
      throw new GasTownError(
        'bad-input',
        `${id} runs already, with ${agent}. Leave out --agent and --backend, or name a new polecat.`,
      );
    }
    return go(target);
  }
  town.manager.requireTrust();
  return withSessionName(town, { role: 'polecat', rig: work.rig, given: target.name }, (name) => {
    const wanted = {
      role: 'polecat',
      rig: work.rig,
      name: target.name,
      agent: params.agent,
      backend: params.backend,
    } as const;
    return town.agents.withAgent(wanted, by, async (choice) => {
      noteChoice(town, name.id, choice);
      return go({ kind: 'new', name, choice });
    });
  });
}

/** A session may hand off what is its own; what is another's only who may assign, too. */
function requireRight(town: ApiContext, caller: CallerView, from: SessionId): void {
  if (caller.kind !== 'session' || caller.session === from) return;
  if (dispatchingRoles.includes(town.registry.get(caller.session).role)) return;
  throw new GasTownError(
    'denied',
    `${caller.session} may only hand off its own work, not that of ${from}. Write to the mayor: gt mail send mayor/`,
  );
}

function unitOf(town: ApiContext, from: SessionId, wanted: string | undefined): StoredWork {
  const units = town.work.ownedBy(from);
  if (wanted !== undefined) {
    const unit = town.work.get(wanted);
    if (unit.owner === from && ownedStates.includes(unit.state)) return unit;
    const has =
      unit.owner === undefined || !ownedStates.includes(unit.state) ? `it is ${unit.state}` : `${unit.owner} has it`;
    throw new GasTownError('work-conflict', `${from} does not have ${wanted}: ${has}.`);
  }
  const [only, ...others] = units;
  if (only === undefined) {
    town.registry.get(from);
    throw new GasTownError('unknown-work', `${from} has no work to hand off.`);
  }
  if (others.length === 0) return only;
  throw new GasTownError('bad-input', `${from} has ${units.map(({ id }) => id).join(', ')}. Say which: --work <id>.`);
}

function targetOf(
  town: ApiContext,
  to: string,
  work: StoredWork,
  from: SessionId,
): { kind: 'session'; session: ReturnType<ApiContext['registry']['get']> } | { kind: 'new'; name: string } {
  const known = [sessionIdOfAddress(to), ...(work.rig === '' ? [] : [sessionIdOf('polecat', work.rig, to)])];
  if (known.includes(from)) throw new GasTownError('refused', `${from} has ${work.id} already. Name another session.`);
  const session = known.map((id) => town.registry.find(id)).find((found) => found !== undefined && !hasEnded(found));
  if (session) {
    if (session.rig !== '' && work.rig !== '' && session.rig !== work.rig) {
      throw new GasTownError(
        'refused',
        `${session.id} belongs to the rig ${session.rig}, but ${work.id} to ${work.rig}. Name a session of ${work.rig}.`,
      );
    }
    return { kind: 'session', session };
  }
  if (work.rig === '')
    throw new GasTownError(
      'bad-input',
      `${work.id} belongs to no rig, so no polecat can be started for it. Name a session that runs.`,
    );
  const identity = identityOfId(sessionIdOfAddress(to));
  // As ids were written before rigs with a "-" got a "." behind them.
  const prefix = `${work.rig}-`;
  const given = to.startsWith(prefix) ? to.slice(prefix.length) : to;
  const name = identity?.role === 'polecat' && identity.rig === work.rig ? identity.name : given;
  checkWorkerName(name);
  return { kind: 'new', name };
}
