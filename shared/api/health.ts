import { stat } from 'node:fs/promises';
import type { LastFailure } from '../domain/run.ts';
import type { CallerView, DoctorCheck, Results } from '../channel/protocol.ts';
import { messageOf } from '../platform/errors.ts';
import { gitVersion, isAtLeast, oldestGit } from '../platform/git/version.ts';
import { withoutUndefined } from '../platform/objects.ts';
import type { BackendName } from '../domain/orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';
import { adviceInEditor, adviceInTerminal } from '../domain/trouble.ts';
import type { ProblemKind, Trouble } from '../domain/trouble.ts';
import type { ApiContext } from './context.ts';
import type { BackendPart, TownSnapshot } from '../channel/views.ts';
import {
  breakerTrouble,
  escalationTrouble,
  problemTrouble,
  rigTrouble,
  sessionTroubles,
  toldOfSubject,
  workTrouble,
} from './troubles.ts';

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
  const accountAdvice = backends.find((backend) => backend.name === name)?.accountAdvice;
  const advice = adviceInTerminal({ kind: `model-${failure.kind}`, subject: { accountAdvice } });
  const until = failure.until === undefined ? '' : ` (until ${new Date(failure.until).toISOString()})`;
  return `The last turn (${sessionId} with ${agent}, at ${new Date(at).toISOString()}) failed${until}: ${failure.reason.replace(/[.\s]*$/, '')}. ${advice}`;
}

/** `gt doctor`: everything that could keep the town from working, with one thing to do about each. */
export async function examine(town: ApiContext, signal: AbortSignal): Promise<Results['town.doctor']> {
  const { backends } = await checkHealth(town, signal);
  // What the check has just found is not in it yet.
  const snapshot = { ...town.snapshot(), backends: town.views.backendViews() };
  const checks: DoctorCheck[] = [
    await gitCheck(),
    ...backends.map(({ name, ok, detail }): DoctorCheck => {
      const check = `backend ${name}`;
      return ok
        ? { name: check, state: 'ok', detail }
        : told(check, 'error', { kind: 'agent', cause: detail, subject: {} });
    }),
    ...breakerChecks(snapshot),
    ...problemChecks(snapshot),
    ...rigChecks(snapshot),
    ...snapshot.sessions.flatMap((session) =>
      sessionTroubles(session).map((trouble) => told(`session ${session.id}`, stateOf(trouble), trouble)),
    ),
    ...(await worktreeChecks(town)),
    ...snapshot.work.flatMap((unit) => {
      const trouble = workTrouble(unit, snapshot);
      return trouble === undefined ? [] : [told(`work ${unit.id}`, 'warning', trouble)];
    }),
    ...snapshot.escalations
      .filter(({ kind }) => !toldOfSubject.includes(kind))
      .map((each) => told(`escalation ${each.id}`, 'warning', escalationTrouble(each, snapshot, town.backends))),
  ];
  return { checks };
}

function told(name: string, state: 'warning' | 'error', trouble: Trouble): DoctorCheck {
  const { kind, cause } = trouble;
  return {
    name,
    state,
    detail: cause,
    kind,
    ...withoutUndefined({ advice: adviceInTerminal(trouble), adviceInEditor: adviceInEditor(trouble) }),
  };
}

/** What is broken, and what only waits. */
const stateOf = ({ kind }: Trouble): 'warning' | 'error' => (kind === 'quarantined' ? 'error' : 'warning');

async function gitCheck(): Promise<DoctorCheck> {
  try {
    const version = await gitVersion();
    if (isAtLeast(version, oldestGit)) return { name: 'git', state: 'ok', detail: version.text };
    const cause = `${version.text} is older than what Gas Town is made for`;
    const needed = `${oldestGit.major}.${oldestGit.minor}`;
    return told('git', 'warning', { kind: 'git-old', cause, subject: { needed } });
  } catch (error) {
    return told('git', 'error', { kind: 'git', cause: messageOf(error), subject: {} });
  }
}

/** What nothing is started on for now. */
function breakerChecks({ backends }: TownSnapshot): DoctorCheck[] {
  return backends.flatMap(({ name, breaker, parts = [] }) => [
    ...(breaker ? [told(`starts on ${name}`, 'warning', breakerTrouble(breaker))] : []),
    ...parts.map((part) => told(partText(name, part), 'warning', breakerTrouble(part.breaker))),
  ]);
}

function partText(backend: BackendName, { rig, program }: BackendPart): string {
  if (program !== undefined) return `starts of agent ${program}`;
  return rig === '' ? `starts on ${backend} in the town's folder` : `starts on ${backend} in rig ${rig}`;
}

/** Without rigs, which have checks of their own. */
const problemNames: Readonly<Record<Exclude<ProblemKind, 'rig' | 'consent'>, string>> = {
  settings: 'settings',
  store: 'database',
  means: 'runtime files',
  spool: 'reports',
  archive: 'archive',
  'escalation-command': 'escalation.command',
  worktree: 'worktree',
};

function problemChecks({ problems }: TownSnapshot): DoctorCheck[] {
  const checks = problems.flatMap((problem): DoctorCheck[] => {
    const { kind = 'settings' } = problem;
    return kind === 'rig' || kind === 'consent' ? [] : [told(problemNames[kind], 'warning', problemTrouble(problem))];
  });
  if (checks.some(({ kind }) => kind === 'settings')) return checks;
  return [{ name: 'settings', state: 'ok', detail: 'all settings files are valid' }, ...checks];
}

function rigChecks({ rigs }: TownSnapshot): DoctorCheck[] {
  if (rigs.length === 0)
    return [told('rigs', 'warning', { kind: 'no-rig', cause: 'the town has no rig', subject: {} })];
  return rigs.map((rig) => {
    const trouble = rigTrouble(rig);
    if (trouble) return told(`rig ${rig.name}`, trouble.kind === 'rig' ? 'error' : 'warning', trouble);
    return { name: `rig ${rig.name}`, state: 'ok', detail: `${rig.path} (${rig.defaultBranch ?? 'unknown branch'})` };
  });
}

async function worktreeChecks(town: ApiContext): Promise<DoctorCheck[]> {
  const live = town.registry.list().filter((session) => !hasEnded(session));
  const gone = await Promise.all(
    live.map(async ({ id, workDir }): Promise<DoctorCheck[]> => {
      try {
        await stat(workDir);
        return [];
      } catch {
        const cause = `its folder ${workDir} is gone`;
        return [told(`session ${id}`, 'error', { kind: 'work-dir', cause, subject: { session: id } })];
      }
    }),
  );
  return gone.flat();
}
