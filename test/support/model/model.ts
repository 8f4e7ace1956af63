import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { anthropicError, anthropicStream, anthropicWhole } from './anthropic.ts';
import { decide, type Memory } from './decide.ts';
import { Gates } from './gates.ts';
import { openaiError, openaiStream, openaiWhole } from './openai.ts';
import { type Arrival, Recorder } from './record.ts';
import type { Reply } from './reply.ts';
import type { ModelRequest } from './request.ts';
import { Rulebook } from './rules.ts';
import type { Answer } from './script.ts';
import { type Failure, ScriptError, type Usage } from './steps.ts';
import { wireCall } from './tools.ts';
import { sendBroken, sendJson, sendStream, silence } from './wire.ts';

/** A failure for the next turns whose last user text fits `match` (without it: any), whatever is scripted for them. */
export type GlobalFailure = Failure & { readonly match?: RegExp };

const dialects = {
  openai: { whole: openaiWhole, stream: openaiStream, error: openaiError },
  anthropic: { whole: anthropicWhole, stream: anthropicStream, error: anthropicError },
} as const;

/** The model behind the server: decides each answer, sends it, and records both. */
export class Model {
  readonly rules = new Rulebook();
  readonly recorder = new Recorder();
  readonly gates = new Gates();
  readonly #memory: Memory = { failures: new Map(), givenUp: new Set() };
  readonly #live = new Set<ServerResponse>();
  #failures: { readonly failure: GlobalFailure; left: number }[] = [];
  #served = 0;

  /**
   * Adds a global failure. Only turns and compactions fail, so that its `times` do not depend on when a title is asked
   * for.
   */
  fail(failure: GlobalFailure): void {
    this.#failures.push({ failure, left: failure.times ?? 1 });
  }

  /** Back to the start: no rules, no failures, nothing recorded; answers that are under way are broken off. */
  reset(): void {
    this.rules.clear();
    this.gates.clear();
    this.#failures = [];
    this.#memory.failures.clear();
    this.#memory.givenUp.clear();
    for (const response of this.#live) response.destroy();
    this.recorder.clear();
  }

  /** Answers one request to a model. */
  async answer(arrival: Arrival, request: ModelRequest, response: ServerResponse): Promise<void> {
    const entry = this.recorder.add(arrival, request);
    const hungUp = new AbortController();
    this.#live.add(response);
    response.once('close', () => {
      this.#live.delete(response);
      hungUp.abort();
    });
    let textKey: string | undefined;
    try {
      const decision = decide(request, this.rules, this.#memory);
      if (request.kind === 'turn') textKey = decision.textKey;
      if (decision.rule !== undefined) entry.rule = decision.rule;
      const global = this.#nextFailure(request, entry.text);
      const answer: Answer = global === undefined ? decision.answer : { ...decision.answer, failure: global };
      entry.step = describe(answer);
      this.recorder.changed(entry);
      const { failure } = answer;
      if (global === undefined && failure !== undefined) {
        this.#memory.failures.set(decision.turnKey, (this.#memory.failures.get(decision.turnKey) ?? 0) + 1);
      }
      const refused = failure !== undefined && 'status' in failure && isFinal(failure.status);
      if (refused && textKey !== undefined) this.#memory.givenUp.add(textKey);
      await this.#send(request, answer, response, hungUp.signal);
      entry.outcome = failure === undefined ? 'answered' : 'status' in failure ? 'failed' : 'cut';
    } catch (error) {
      if (error instanceof ScriptError) {
        entry.step = 'script error';
        entry.outcome = 'failed';
        sendJson(response, 400, dialects[request.dialect].error(400, `scripted model: ${error.message}`));
      } else if (hungUp.signal.aborted || response.destroyed) {
        entry.outcome = 'aborted';
        if (textKey !== undefined) this.#memory.givenUp.add(textKey);
      } else {
        entry.outcome = 'failed';
        throw error;
      }
    } finally {
      this.recorder.changed(entry);
    }
  }

  async #send(request: ModelRequest, answer: Answer, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const dialect = dialects[request.dialect];
    const { failure } = answer;
    if (answer.wait > 0) await sleep(answer.wait, undefined, { signal });
    const held = async (): Promise<void> => {
      if (answer.hold !== undefined) await Promise.race([this.gates.passed(answer.hold), silence(signal)]);
    };
    const refuses = failure !== undefined && 'status' in failure;
    const hangs = failure !== undefined && 'hang' in failure && failure.hang === true;
    // A stream begins at once, as that of a model that thinks: what it says is what the gate holds.
    if (refuses || hangs || !request.stream) await held();
    if (refuses) {
      const body = failure.body ?? dialect.error(failure.status, `scripted failure ${failure.status}`);
      sendJson(response, failure.status, body, failure.headers);
      return;
    }
    if (hangs) return silence(signal);
    const reply = this.#reply(request, answer);
    if (request.stream) await sendStream(response, dialect.stream(reply), { failure, held }, signal);
    else if (failure !== undefined) await sendBroken(response, dialect.whole(reply), failure, signal);
    else sendJson(response, 200, dialect.whole(reply));
  }

  #reply(request: ModelRequest, answer: Answer): Reply {
    this.#served += 1;
    const history = JSON.stringify([request.conversation, request.items, this.#served]);
    const id = createHash('sha256').update(history).digest('hex').slice(0, 20);
    const calls = answer.calls.map((call, index) => ({ ...wireCall(request.dialect, call), id: `${id}${index}` }));
    // A stream has to begin before it can be cut or fall silent.
    const silent = answer.failure !== undefined && answer.said.length === 0;
    const said = silent ? [{ text: 'This answer stays incomplete.', chunks: 2, delay: 0 }] : answer.said;
    return { id, model: request.model, said, calls, usage: { ...estimate(request, answer), ...answer.usage } };
  }

  #nextFailure(request: ModelRequest, text: string): Failure | undefined {
    if (request.kind === 'title' || request.kind === 'other') return undefined;
    const due = this.#failures.find(
      ({ failure, left }) => left > 0 && (failure.match === undefined || text.search(failure.match) >= 0),
    );
    if (due === undefined) return undefined;
    due.left -= 1;
    return due.failure;
  }
}

/** What an answer is, in words, for the record. */
function describe({ said, calls, failure }: Answer): string {
  if (failure !== undefined)
    return 'status' in failure ? `status ${failure.status}` : 'cut' in failure ? 'cut' : 'hang';
  return [...(said.length > 0 ? ['text'] : []), ...calls.map(({ tool }) => tool)].join(' ');
}

/** A status after which agent programs do not try again. */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && ![408, 409, 429].includes(status);
}

/** Token counts by the usual rule of thumb of four characters each. */
function estimate(request: ModelRequest, answer: Answer): Required<Usage> {
  const heard = [...request.system, ...request.items.map(({ text }) => text)].join('').length;
  const told = answer.said.map(({ text }) => text).join('').length + JSON.stringify(answer.calls).length;
  return { input: tokens(heard), cached: 0, cacheWrite: 0, output: tokens(told) };
}

/** Tokens in that many characters, as {@link Model} counts them when a script gives no usage. */
export function tokens(characters: number): number {
  return Math.max(1, Math.ceil(characters / 4));
}
