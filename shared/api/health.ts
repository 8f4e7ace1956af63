import { stat } from 'node:fs/promises';
import type { TurnFailure, LastFailure } from '../domain/run.ts';
import type { OpenBreaker } from '../domain/circuit-breaker.ts';
import { againstText } from '../orchestration/choose-agent.ts';
import type { Backends } from '../backends/backend.ts';
import type { CallerView, DoctorCheck, Results } from '../channel/protocol.ts';
import { messageOf } from '../platform/errors.ts';
import { gitVersion, isAtLeast, oldestGit } from '../platform/git/version.ts';
import type { BackendName } from '../domain/orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';
import { ownedStates } from '../domain/work-state.ts';
import type { ApiContext } from './context.ts';
import type { BackendPart } from '../channel/views.ts';

/** The user checks: what is rate-limited may then be tried again at once, whatever its provider said. */
export function checkHealthByHand(
  town: ApiContext,
  caller: CallerView,
  signal: AbortSignal,
): Promise<Results['town.health']> {
  return checkHealth(town, signal, caller.kind === 'person');
}

/** Asks every backend how it is; one that fails says what is wrong and what to do. One that works is used again. */
async function checkHealth(town: ApiContext, signal: AbortSignal, byHand = false): Promise<Results['town.health']> {
  const backends = await Promise.all(
    [...town.orchestrators.values()].map(async (orchestrator) => {
      const name = orchestrator.name();
      try {
        await orchestrator.healthCheck(signal);
        if (byHand) town.breakers.tryNow(name);
        const last = town.breakers.lastFailures.get(name);
        const detail = last === undefined ? 'ok' : providerDetail(town, name, last);
        town.views.setBackend({
          name,
          health: last === undefined ? 'ok' : 'failing',
          ...(last === undefined ? {} : { detail }),
        });
        return { name, ok: last === undefined, detail };
      } catch (error) {
        const detail = messageOf(error);
        town.views.setBackend({ name, health: 'failing', detail });
        return { name, ok: false, detail };
      }
    }),
  );
  town.changed();
  return { backends };
}

/** The program works, but the last turn on it did not: the provider's words, and what to do. */
function providerDetail(
  { backends }: Pick<ApiContext, 'backends'>,
  name: BackendName,
  { sessionId, agent, at, failure }: LastFailure,
): string {
  const until = failure.until === undefined ? '' : ` (until ${new Date(failure.until).toISOString()})`;
  return `The last turn (${sessionId} with ${agent}, at ${new Date(at).toISOString()}) failed${until}: ${failure.reason.replace(/[.\s]*$/, '')}. ${advice(
    backends.find((backend) => backend.name === name),
    failure,
  )}`;
}

function advice(backend: Backends[number] | undefined, { kind }: TurnFailure): string {
  switch (kind) {
    case 'rate-limit':
      return 'Wait for the end of the limit, or name agents that take over: "failover" in the settings.';
    case 'account':
      return backend?.accountAdvice ?? 'Look at your account at the provider.';
    case 'provider':
      return "Look at the provider's status page, your network and proxy; sessions go on by themselves when it works again.";
    case 'refused':
      return "Look at the agent's model and arguments in the settings, and at the session's conversation.";
    case 'circles':
      return "Look at the session's conversation, and at the context limit that its program has for the model.";
  }
}

/** `gt doctor`: everything that could keep the town from working, with advice. */
export async function examine(town: ApiContext, signal: AbortSignal): Promise<Results['town.doctor']> {
  const { backends } = await checkHealth(town, signal);
  const checks: DoctorCheck[] = [
    await gitCheck(),
    ...backends.map(({ name, ok, detail }): DoctorCheck => ({
      name: `backend ${name}`,
      state: ok ? 'ok' : 'error',
      detail,
    })),
    ...breakerChecks(town),
    ...settingsChecks(town),
    ...rigChecks(town),
    ...(await worktreeChecks(town)),
    ...workChecks(town),
  ];
  return { checks };
}

async function gitCheck(): Promise<DoctorCheck> {
  try {
    const version = await gitVersion();
    if (isAtLeast(version, oldestGit)) return { name: 'git', state: 'ok', detail: version.text };
    const advice = `Install git ${oldestGit.major}.${oldestGit.minor} or newer: with this one worktrees may not be made or removed as they should be.`;
    return { name: 'git', state: 'warning', detail: `${version.text} is older than what Gas Town is made for`, advice };
  } catch (error) {
    return {
      name: 'git',
      state: 'error',
      detail: messageOf(error),
      advice: 'Install git, or put it on the PATH of the editor: nothing is started in a rig without it.',
    };
  }
}

/** What nothing is started on for now. */
function breakerChecks(town: ApiContext): DoctorCheck[] {
  const advice =
    'Put right what is named, then "Gas Town: Check Health" (gt health) tries it at once; "failover" in the settings names agents that take over.';
  const check = (name: string, breaker: OpenBreaker): DoctorCheck => ({
    name,
    state: 'warning',
    detail: `stopped: ${againstText(breaker)}`,
    advice,
  });
  return town.views
    .backendViews()
    .flatMap(({ name, breaker, parts = [] }) => [
      ...(breaker ? [check(`starts on ${name}`, breaker)] : []),
      ...parts.map((part) => check(partText(name, part), part.breaker)),
    ]);
}

function partText(backend: BackendName, { rig, program }: BackendPart): string {
  if (program !== undefined) return `starts of agent ${program}`;
  return rig === '' ? `starts on ${backend} in the town's folder` : `starts on ${backend} in rig ${rig}`;
}

function settingsChecks(town: ApiContext): DoctorCheck[] {
  const problems = town.snapshot().problems;
  if (problems.length === 0) return [{ name: 'settings', state: 'ok', detail: 'all settings files are valid' }];
  return problems.map(
    ({ file, line, message, advice = 'Correct the file; until then the last good settings are in force.' }) => ({
      name: 'settings',
      state: 'warning',
      detail: `${file ? `${file}${line === undefined ? '' : `:${line}`}: ` : ''}${message}`,
      advice,
    }),
  );
}

function rigChecks(town: ApiContext): DoctorCheck[] {
  const views = town.rigs.views();
  if (views.length === 0)
    return [
      {
        name: 'rigs',
        state: 'warning',
        detail: 'the town has no rig',
        advice: 'Add a repository: "Gas Town: Add Rig".',
      },
    ];
  return views.map(({ name, path, problem, defaultBranch }) =>
    problem === undefined
      ? { name: `rig ${name}`, state: 'ok', detail: `${path} (${defaultBranch ?? 'unknown branch'})` }
      : { name: `rig ${name}`, state: 'error', detail: problem },
  );
}

async function worktreeChecks(town: ApiContext): Promise<DoctorCheck[]> {
  const live = town.registry.list().filter((session) => !hasEnded(session));
  const gone = await Promise.all(
    live.map(async (session): Promise<DoctorCheck[]> => {
      try {
        await stat(session.workDir);
        return [];
      } catch {
        const detail = `its folder ${session.workDir} is gone`;
        return [{ name: `session ${session.id}`, state: 'error', detail, advice: `Stop it: gt stop ${session.id}` }];
      }
    }),
  );
  return gone.flat();
}

function workChecks(town: ApiContext): DoctorCheck[] {
  return town.store.work
    .all()
    .filter((work) => ownedStates.includes(work.state))
    .flatMap((work): DoctorCheck[] => {
      const owner = work.owner === undefined ? undefined : town.registry.find(work.owner);
      if (owner && !hasEnded(owner)) return [];
      const detail = `${work.id} is ${work.state}, but ${work.owner ?? 'nobody'} does not run`;
      return [
        {
          name: `work ${work.id}`,
          state: 'warning',
          detail,
          advice: `Give it to another session: gt sling ${work.id} ${work.rig || '<rig>'}`,
        },
      ];
    });
}
