import { GasTownError, messageOf } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { BackendDriver, RunSpec } from './driver.ts';
import type { Breakers } from './breakers.ts';

/** Errors of a start that say something about the backend, not about what was asked for. */
const backendErrors: readonly ErrorCode[] = ['agent-missing', 'agent-too-old', 'spawn-failed', 'backend-unavailable'];

/** Whether a start failed because of the backend, so that another one may do better. */
export function isBackendFailure(error: unknown): boolean {
  return !GasTownError.is(error) || backendErrors.includes(error.code);
}

/** A driver whose starts and health checks are told to the breaker of its backend. */
export function guarded(driver: BackendDriver, breakers: Breakers): BackendDriver {
  const { backend } = driver;
  const told = async (act: Promise<void>, good: 'started' | 'succeeded'): Promise<void> => {
    try {
      await act;
      breakers.take({ backend }, { kind: good });
    } catch (error) {
      if (isBackendFailure(error)) {
        const final = GasTownError.is(error, 'agent-missing') || GasTownError.is(error, 'agent-too-old');
        breakers.take({ backend }, { kind: 'failed', reason: messageOf(error), ...(final ? { final } : {}) });
      }
      throw error;
    }
  };
  return {
    backend,
    start: (spec: RunSpec, signal) => told(driver.start(spec, signal), 'started'),
    health: (signal) => told(driver.health(signal), 'succeeded'),
    adopt: (record) => driver.adopt(record),
    stop: (runId) => driver.stop(runId),
    deliver: (runId, delivery, signal) => driver.deliver(runId, delivery, signal),
    answer: (runId, askId, answer) => driver.answer(runId, askId, answer),
    attach: (runId) => driver.attach(runId),
    recall: (runId, messageIds) => driver.recall(runId, messageIds),
    lastWords: (runId) => driver.lastWords(runId),
    lastFailure: (runId) => driver.lastFailure(runId),
    fromInside: (runId, event) => driver.fromInside(runId, event),
    dispose: () => driver.dispose(),
  };
}
