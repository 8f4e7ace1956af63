/** What the reporters inside sessions tell and ask, whatever their backend: its driver knows what it means. */
import type { CallerView, Params, Results } from '../channel/protocol.ts';
import { GasTownError } from '../platform/errors.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import type { ApiContext } from './context.ts';

/** From the reporter of one session. The answer carries what its program is to do, or the role context where the driver wants that with it. */
export async function reportHook(
  town: ApiContext,
  params: Params<'inside.hook'>,
  caller: CallerView,
  signal: AbortSignal,
): Promise<Results['inside.hook']> {
  if (caller.kind !== 'session') throw new GasTownError('denied', 'Only a session reports hooks.');
  const { wantsContext, answer } = await town.manager.drivers.onReporterEvent(
    { by: { runId: caller.runId }, ...params },
    signal,
  );
  const session = wantsContext && town.store.sessions.session(caller.session);
  return {
    ...(answer ? { answer } : {}),
    ...(session ? { additionalContext: await town.contexts.prime(session) } : {}),
  };
}

/** From the reporter of a server; what belongs to no session of ours changes nothing. */
export async function reportEvent(
  town: ApiContext,
  params: Params<'inside.event'>,
  caller: CallerView,
  signal: AbortSignal,
): Promise<Results['inside.event']> {
  if (caller.kind !== 'server' || caller.server !== params.server) {
    throw new GasTownError('denied', `Server ${params.server} reports for itself only.`);
  }
  const { server, seq, name, payload } = params;
  await town.manager.drivers.onReporterEvent({ by: { server }, seq, name, payload }, signal);
  return {};
}

/** The identity for the shell of a session on the server; empty for one that is not ours. */
export async function sessionShellEnvironment(
  town: ApiContext,
  params: Params<'inside.environment'>,
  caller: CallerView,
): Promise<Results['inside.environment']> {
  const behind = await sessionOnServer(town, params.session, caller);
  return { env: behind ? town.identityOf(behind.session, behind.run) : {} };
}

export async function sessionContext(
  town: ApiContext,
  params: Params<'inside.context'>,
  caller: CallerView,
): Promise<Results['inside.context']> {
  const behind = await sessionOnServer(town, params.session, caller);
  return { text: behind ? await town.contexts.prime(behind.session) : null };
}

/** Whose session this is, by the id that its program has given it, where it runs on the server that asks. */
async function sessionOnServer(
  town: ApiContext,
  programSession: string,
  caller: CallerView,
): Promise<{ session: StoredSession; run: StoredRun } | undefined> {
  if (caller.kind !== 'server')
    throw new GasTownError('denied', 'Only the server of an agent program asks for its sessions.');
  const runId = await town.manager.drivers.runOf(caller.server, programSession);
  const run = runId === undefined ? undefined : town.store.sessions.run(runId);
  const session = run && town.store.sessions.session(run.sessionId);
  return run && session && { session, run };
}
