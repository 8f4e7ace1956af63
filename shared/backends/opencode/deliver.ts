import { messageOf } from '../../platform/errors.ts';
import type { DeliveryOutcome } from '../driver.ts';
import { answerOf, refusedConnection, RequestError, requestMs, within } from './client.ts';
import type { Run } from './run.ts';
import type { Delivery } from '../../domain/delivery.ts';

/** Puts the text before the run's model. What cannot have arrived is told apart from what may have. */
export async function deliver(run: Run, delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome> {
  if (run.activity === 'busy') return { kind: 'not-now', reason: 'the session is in the middle of a turn' };
  const heard = run.begin(delivery);
  try {
    const parameters = {
      sessionID: run.session,
      ...run.defaults,
      parts: [{ type: 'text' as const, text: delivery.text }],
    };
    await answerOf('take the prompt', run.server.client.session.promptAsync(parameters, within(requestMs, signal)));
  } catch (error) {
    if (error instanceof RequestError && error.status !== undefined) {
      run.turn.cancel();
      return { kind: 'failed', reason: messageOf(error) };
    }
    if (refusedConnection(error)) {
      run.turn.cancel();
      return { kind: 'not-now', reason: 'the Opencode server does not answer' };
    }
    return { kind: 'uncertain', reason: `the Opencode server did not confirm the prompt: ${messageOf(error)}` };
  }
  run.accepted(heard);
  return { kind: 'accepted' };
}
