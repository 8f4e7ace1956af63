import { GasTownError } from '../../platform/errors.ts';
import type { AskAnswer } from '../../domain/run.ts';
import { answerOf, RequestError, requestMs, within } from './client.ts';
import type { Run } from './run.ts';

/** Answers an ask of the run or of its sub-agents. Rejects with `refused` where nobody waits for it any more. */
export async function answerAsk(run: Run, askId: string, answer: AskAnswer): Promise<void> {
  const kind = run.askKind(askId);
  if (kind === undefined) throw new GasTownError('refused', 'Nobody waits for this answer any more.');
  try {
    if (kind === 'permission') await answerOf('take the answer', replyTo(run, askId, answer));
    else await answerOf('take the answer', tell(run, askId, answer));
  } catch (error) {
    if (!(error instanceof RequestError && error.status === 404)) throw error;
    throw new GasTownError('refused', 'This was answered elsewhere, or the turn has ended.', { cause: error });
  }
}

function replyTo(run: Run, requestID: string, answer: AskAnswer) {
  if (answer.kind === 'answers') throw new GasTownError('bad-input', 'A permission is allowed or denied.');
  const reply =
    answer.kind === 'deny' ? ('reject' as const) : answer.remember ? ('always' as const) : ('once' as const);
  const message = answer.kind === 'deny' && answer.message !== undefined ? { message: answer.message } : {};
  const parameters = { requestID, directory: run.directory, reply, ...message };
  return run.server.client.permission.reply(parameters, within(requestMs));
}

function tell(run: Run, requestID: string, answer: AskAnswer) {
  const { question } = run.server.client;
  const at = { requestID, directory: run.directory };
  const options = within(requestMs);
  if (answer.kind === 'deny') return question.reject(at, options);
  if (answer.kind === 'answers') return question.reply({ ...at, answers: answer.answers }, options);
  throw new GasTownError('bad-input', 'A question is answered by choosing or by a text.');
}
