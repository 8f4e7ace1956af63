import type { CallerView, Params, Results } from '../../channel/protocol.ts';
import { GasTownError } from '../../errors.ts';
import type { TownParts } from '../parts.ts';

/** Claude's SessionStart hook: the answer carries the role context. */
export async function reportHook(town: TownParts, params: Params<'inside.hook'>, caller: CallerView): Promise<Results['inside.hook']> {
  if (caller.kind !== 'session') throw new GasTownError('denied', 'Only a session reports hooks.');
  await town.manager.fromInside(caller.runId, { reporter: 'hook', name: params.name, payload: params.payload });
  const session = town.store.sessions.session(caller.session);
  return session ? { additionalContext: await town.contexts.prime(session) } : {};
}

/** An event seen by gastown.js; one that belongs to no session of ours changes nothing. */
export async function reportEvent(town: TownParts, params: Params<'inside.event'>, caller: CallerView): Promise<Results['inside.event']> {
  if (caller.kind !== 'server' || caller.server !== params.server) {
    throw new GasTownError('denied', `Server ${params.server} reports for itself only.`);
  }
  await town.opencode.fromPlugin(params);
  return {};
}

export async function sessionShellEnvironment(
  town: TownParts,
  params: Params<'inside.environment'>,
): Promise<Results['inside.environment']> {
  const runId = town.opencode.runOf(params.session);
  const run = runId === undefined ? undefined : town.store.sessions.run(runId);
  const session = run && town.store.sessions.session(run.sessionId);
  return { env: run && session ? town.identityOf(session, run) : {} };
}

export async function sessionContext(town: TownParts, params: Params<'inside.context'>): Promise<Results['inside.context']> {
  const runId = town.opencode.runOf(params.session);
  const run = runId === undefined ? undefined : town.store.sessions.run(runId);
  const session = run && town.store.sessions.session(run.sessionId);
  return { text: session ? await town.contexts.prime(session) : null };
}
