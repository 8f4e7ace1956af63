import { stat } from 'node:fs/promises';
import type { TurnFailure } from '../../backends/driver.ts';
import { againstText } from '../../backends/choose.ts';
import type { CallerView, DoctorCheck, Results } from '../../channel/protocol.ts';
import { messageOf } from '../../errors.ts';
import type { BackendName } from '../../orchestrator.ts';
import { hasEnded } from '../../sessions/session-info.ts';
import { ownedStates } from '../../work/state.ts';
import type { TownParts } from '../parts.ts';
import type { LastFailure } from '../../work/trouble.ts';

/** The person checks: what is rate-limited may then be tried again at once, whatever its provider said. */
export function checkHealthByHand(
  town: TownParts,
  caller: CallerView,
  signal: AbortSignal,
): Promise<Results['town.health']> {
  return checkHealth(town, signal, caller.kind === 'person');
}

/** Asks every backend how it is; one that fails says what is wrong and what to do. One that works is used again. */
async function checkHealth(town: TownParts, signal: AbortSignal, byHand = false): Promise<Results['town.health']> {
  const backends = await Promise.all(
    [...town.orchestrators.values()].map(async (orchestrator) => {
      const name = orchestrator.name();
      try {
        await orchestrator.healthCheck(signal);
        if (byHand) town.breakers.tryNow(name);
        const last = town.lastFailure(name);
        const detail = last === undefined ? 'ok' : providerDetail(name, last);
        town.builder.setBackend({
          name,
          health: last === undefined ? 'ok' : 'failing',
          ...(last === undefined ? {} : { detail }),
        });
        return { name, ok: last === undefined, detail };
      } catch (error) {
        const detail = messageOf(error);
        town.builder.setBackend({ name, health: 'failing', detail });
        return { name, ok: false, detail };
      }
    }),
  );
  town.changed();
  return { backends };
}

/** The program works, but the last turn on it did not: the provider's words, and what to do. */
function providerDetail(name: BackendName, { sessionId, agent, at, failure }: LastFailure): string {
  const until = failure.until === undefined ? '' : ` (until ${new Date(failure.until).toISOString()})`;
  return `The last turn (${sessionId} with ${agent}, at ${new Date(at).toISOString()}) failed${until}: ${failure.reason.replace(/[.\s]*$/, '')}. ${advice(name, failure)}`;
}

function advice(name: BackendName, { kind }: TurnFailure): string {
  switch (kind) {
    case 'rate-limit':
      return 'Wait for the end of the limit, or name agents that take over: "failover" in the settings.';
    case 'account':
      return name === 'claude'
        ? 'Sign in: run "claude" in a terminal, then /login; or look at your plan.'
        : 'Sign in: "opencode auth login"; or look at your account at the provider.';
    case 'provider':
      return "Look at the provider's status page, your network and proxy; sessions go on by themselves when it works again.";
    case 'refused':
      return "Look at the agent's model and arguments in the settings, and at the session's conversation.";
  }
}

/** `gt doctor`: everything that could keep the town from working, with advice. */
export async function examine(town: TownParts, signal: AbortSignal): Promise<Results['town.doctor']> {
  const { backends } = await checkHealth(town, signal);
  const checks: DoctorCheck[] = [
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

/** What nothing is started on for now. */
function breakerChecks(town: TownParts): DoctorCheck[] {
  return town.builder.backendViews().flatMap(({ name, breaker }): DoctorCheck[] => {
    if (!breaker) return [];
    const advice =
      'Put right what is named, then "Gas Town: Check Health" (gt health) tries it at once; "failover" in the settings names agents that take over.';
    return [{ name: `starts on ${name}`, state: 'warning', detail: `stopped: ${againstText(breaker)}`, advice }];
  });
}

function settingsChecks(town: TownParts): DoctorCheck[] {
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

function rigChecks(town: TownParts): DoctorCheck[] {
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

async function worktreeChecks(town: TownParts): Promise<DoctorCheck[]> {
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

function workChecks(town: TownParts): DoctorCheck[] {
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
