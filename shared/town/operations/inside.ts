import type { CallerView, Params, Results } from '../../channel/protocol.ts';
import { GasTownError } from '../../errors.ts';
import type { StoredRun, StoredSession } from '../../store/sessions.ts';
import type { TownParts } from '../parts.ts';

/** A hook of Claude Code. The answer carries the role context (SessionStart), or the user's decision where it waits for one. */
export async function reportHook(
  town: TownParts,
  params: Params<'inside.hook'>,
  caller: CallerView,
  signal: AbortSignal,
): Promise<Results['inside.hook']> {
  if (caller.kind !== 'session') throw new GasTownError('denied', 'Only a session reports hooks.');
  const answer = await town.manager.drivers.fromInside(caller.runId, { reporter: 'hook', ...params }, signal);
  if (params.name !== 'SessionStart') return answer ? { answer } : {};
  const session = town.store.sessions.session(caller.session);
  return session ? { additionalContext: await town.contexts.prime(session) } : {};
}

/** An event seen by gastown.js; one that belongs to no session of ours changes nothing. */
export async function reportEvent(
  town: TownParts,
  params: Params<'inside.event'>,
  caller: CallerView,
): Promise<Results['inside.event']> {
  if (caller.kind !== 'server' || caller.server !== params.server) {
    throw new GasTownError('denied', `Server ${params.server} reports for itself only.`);
  }
  await town.opencode.fromPlugin(params);
  return {};
}

/** The identity for the shell of an Opencode session; empty for one that is not ours. */
export async function sessionShellEnvironment(
  town: TownParts,
  params: Params<'inside.environment'>,
  caller: CallerView,
): Promise<Results['inside.environment']> {
  const behind = await behindOpencode(town, params.session, caller);
  return { env: behind ? town.identityOf(behind.session, behind.run) : {} };
}

export async function sessionContext(
  town: TownParts,
  params: Params<'inside.context'>,
  caller: CallerView,
): Promise<Results['inside.context']> {
  const behind = await behindOpencode(town, params.session, caller);
  return { text: behind ? await town.contexts.prime(behind.session) : null };
}

/** Whose Opencode session this is, where it runs on the server that asks. */
async function behindOpencode(
  town: TownParts,
  opencodeSession: string,
  caller: CallerView,
): Promise<{ session: StoredSession; run: StoredRun } | undefined> {
  if (caller.kind !== 'server') throw new GasTownError('denied', 'Only an Opencode server asks for its sessions.');
  // A shell may be the first that is heard of a session since this host came.
  await town.manager.adopted('opencode');
  const runId = town.opencode.runOf(caller.server, opencodeSession);
  const run = runId === undefined ? undefined : town.store.sessions.run(runId);
  const session = run && town.store.sessions.session(run.sessionId);
  return run && session && { session, run };
}
