import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { GasTownError } from '../../platform/errors.ts';
import type { Ask } from '../../domain/activity.ts';
import type { AskAnswer } from '../../domain/run.ts';
import type { AnsweredBy } from '../../domain/status-report.ts';
import type { Heard, PermissionRequest } from './hook-payloads.ts';
import { askOfRequest, decisionOf } from './permission.ts';

interface Pending {
  ask: Ask;
  request: PermissionRequest;
  /** Without a body there is no decision: Claude's own dialog goes on, or is over already. */
  respond: (body?: Record<string, unknown>) => void;
}

export interface AskEvents {
  asked(ask: Ask): void;
  answered(askId: string, by: AnsweredBy, cause: string): void;
}

/**
 * Permission requests whose hooks are held open, so that the user can answer here while Claude's own dialog stays usable:
 * the first answer wins. Claude does not tell when it was answered there; that is seen by what it does next.
 */
export class PendingAsks {
  private readonly open = new Map<string, Pending>();
  private readonly known = new Set<string>();
  private readonly events: AskEvents;
  private readonly now: () => number;

  constructor(events: AskEvents, now: () => number) {
    this.events = events;
    this.now = now;
  }

  /** Resolves with the hook's answer; undefined where nothing is decided here. */
  hold(request: PermissionRequest, { at, ask: wanted, signal }: Heard): Promise<Record<string, unknown> | undefined> {
    // The reporter has gone before this was reached, and will not be heard to go again.
    if (signal.aborted) return Promise.resolve(undefined);
    // One that has been closed here is not opened again under its name.
    const id = wanted === undefined || this.known.has(wanted) ? randomUUID() : wanted;
    this.known.add(id);
    const ask = askOfRequest(id, request, at);
    return new Promise((resolve) => {
      this.open.set(ask.id, { ask, request, respond: resolve });
      signal.addEventListener('abort', () => this.close(ask.id, 'nobody', 'Claude withdrew it'), { once: true });
      this.events.asked(ask);
    });
  }

  /** Rejects with `refused` when it has been answered elsewhere, with `bad-input` when the answer does not fit. */
  answer(askId: string, answer: AskAnswer): void {
    const pending = this.open.get(askId);
    if (!pending) throw new GasTownError('refused', 'This was answered in the terminal, or the turn has ended.');
    pending.respond(decisionOf(pending.request, answer));
    this.close(askId, 'here', 'answered here');
  }

  /** A tool has run, until `at`: the request for exactly this call was answered in the terminal. */
  settleTool(call: { tool_name: string; tool_input: unknown; agent_id?: string | undefined }, at: number): void {
    const fits = ({ ask, request }: Pending): boolean =>
      this.isAsked(ask, at) &&
      request.tool_name === call.tool_name &&
      request.agent_id === call.agent_id &&
      isDeepStrictEqual(request.tool_input, call.tool_input);
    const pending = [...this.open.values()].find(fits);
    if (pending) this.close(pending.ask.id, 'terminal', 'answered in the terminal');
  }

  /** Claude does not wait any more for what was asked until then. */
  settleUntil(at: number, by: AnsweredBy, cause: string): void {
    for (const { ask } of [...this.open.values()]) if (this.isAsked(ask, at)) this.close(ask.id, by, cause);
  }

  /** The session ends: nothing is decided any more. */
  release(): void {
    for (const { respond } of this.open.values()) respond();
    this.open.clear();
  }

  /** What was asked in the future was asked before the clock was set back. */
  private isAsked({ since }: Ask, at: number): boolean {
    return since <= at || since > this.now();
  }

  private close(askId: string, by: AnsweredBy, cause: string): void {
    const pending = this.open.get(askId);
    if (!pending) return;
    this.open.delete(askId);
    // After an answer of ours this changes nothing: the first call of `resolve` counts.
    pending.respond();
    this.events.answered(askId, by, cause);
  }
}
