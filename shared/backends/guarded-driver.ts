import { GasTownError, messageOf } from '../platform/errors.ts';
import type { ErrorCode } from '../platform/errors.ts';
import type { ResolvedAgent } from '../domain/agent.ts';
import { worktreeRoles } from '../domain/orchestrator.ts';
import type { BackendDriver, RunSpec } from './driver.ts';
import type { BreakerOf, Breakers } from './breakers.ts';

/** Errors of a start that say something about the backend, not about what was asked for. */
const backendErrors: readonly ErrorCode[] = ['agent-missing', 'agent-too-old', 'spawn-failed', 'backend-unavailable'];

/** Whether a start failed because of the backend, or of how it gets on with the place, so that another one may do better. */
export function isBackendFailure(error: unknown): boolean {
  if (!GasTownError.is(error)) return true;
  return backendErrors.includes(error.code) && error.about !== 'prompt' && error.about !== 'question';
}

/** Whose breaker answers for the program that a run is started with: the backend's, or that of an agent with one of its own. */
function programOf({ agent }: Pick<RunSpec, 'agent'>, usual: string): BreakerOf {
  const { backend, name, command, env } = agent;
  return command === usual && Object.keys(env).length === 0 ? { backend } : { backend, program: name };
}

/**
 * Whose breaker answers for the folder that a run is started in: the rig's, which all find what is wrong there. Nobody's
 * where a worker goes on in its own worktree, and may have written it itself: that is counted of the session alone.
 */
function placeOf({
  agent: { backend },
  role,
  rig,
  again,
}: Pick<RunSpec, 'agent' | 'role' | 'rig' | 'again'>): BreakerOf | undefined {
  return worktreeRoles.includes(role) && again ? undefined : { backend, rig };
}

/**
 * A driver whose starts are allowed first (`mayStart` rejects where not), and told, as its health checks are, to the breaker of
 * what they depend on. `usual` is the program of an agent which names none.
 */
export function guarded(
  driver: BackendDriver,
  breakers: Breakers,
  mayStart: (spec: RunSpec) => Promise<void>,
  usual: string = driver.backend,
): BackendDriver {
  const { backend } = driver;
  const failed = (of: BreakerOf | undefined, error: unknown): void => {
    if (!of) return;
    const final = GasTownError.is(error, 'agent-missing') || GasTownError.is(error, 'agent-too-old');
    breakers.take(of, { kind: 'failed', reason: messageOf(error), ...(final ? { final } : {}) });
  };
  const start = async (spec: RunSpec, signal: AbortSignal): Promise<void> => {
    await mayStart(spec);
    const program = programOf(spec, usual);
    const place = placeOf(spec);
    try {
      await driver.start(spec, signal);
    } catch (error) {
      if (isBackendFailure(error)) failed(GasTownError.is(error) && error.about === 'place' ? place : program, error);
      throw error;
    }
    for (const subject of [program, place]) if (subject) breakers.take(subject, { kind: 'started' });
  };
  const health = async (agent: ResolvedAgent, signal: AbortSignal): Promise<void> => {
    const program = programOf({ agent }, usual);
    try {
      await driver.health(agent, signal);
    } catch (error) {
      if (isBackendFailure(error)) failed(program, error);
      throw error;
    }
    breakers.take(program, { kind: 'succeeded' });
  };
  return {
    backend,
    start,
    health,
    adopt: (record) => driver.adopt(record),
    stop: (runId) => driver.stop(runId),
    deliver: (runId, delivery, signal) => driver.deliver(runId, delivery, signal),
    answer: (runId, askId, answer) => driver.answer(runId, askId, answer),
    attach: (runId, preserveFocus) => driver.attach(runId, preserveFocus),
    recall: (runId, messageIds) => driver.recall(runId, messageIds),
    lastWords: (runId) => driver.lastWords(runId),
    lastFailure: (runId) => driver.lastFailure(runId),
    identify: (token) => driver.identify(token),
    runOf: (server, programSession) => driver.runOf(server, programSession),
    onReporterEvent: (event, signal) => driver.onReporterEvent(event, signal),
    dispose: () => driver.dispose(),
  };
}
