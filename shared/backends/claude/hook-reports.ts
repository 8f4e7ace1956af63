import type { ChildSession } from '../../domain/orchestrator.ts';
import { DisposableStore } from '../../platform/disposable-store.ts';
import { Timer } from '../../platform/timer.ts';
import type { DriverHost } from '../driver.ts';
import type { Circles } from './circles.ts';
import { readHook } from './hook-facts.ts';
import type { Heard, HookPayload } from './hook-payloads.ts';
import type { PendingAsks } from './pending-asks.ts';
import type { Startup } from './startup.ts';
import type { Turn } from './turn.ts';

/** The state file follows a hook within 0.3 s (measured); then its word counts. In ms. */
const fileLag = 500;

export interface HookReportsParts {
  runId: string;
  host: DriverHost;
  startup: Startup | undefined;
  asks: PendingAsks;
  turn: Turn;
  circles: Circles;
  /** Lets the state file have the last word, after a hook has said this. */
  insist: (said: 'busy' | 'idle') => void;
  /** A turn begins now, or is about to. */
  begun: () => void;
}

/** The prompt goes back into the composer; nobody is told, and the model does not see it. */
const refusal = {
  decision: 'block',
  reason: 'Gas Town: this is not what was typed. It is taken back and sent in another way.',
};

/** What a run's hooks tell: of its asks, its turn, its sub-agents, and of what it is doing. */
export class HookReports {
  /** What the last hook that told said that the session does. */
  said: 'busy' | 'idle' | undefined;
  private readonly parts: HookReportsParts;
  private readonly children = new Map<string, ChildSession>();
  /** When the hook of the newest prompt was started. */
  private submittedAt = 0;
  /** When the newest hook that told what the session does was started. */
  private toldAt = 0;
  private readonly disposables = new DisposableStore();
  private readonly insistTimer = this.disposables.add(
    new Timer(() => {
      if (this.said) this.parts.insist(this.said);
    }),
  );

  constructor(parts: HookReportsParts) {
    this.parts = parts;
  }

  /** Resolves with the hook's answer: a decision about a permission, or the refusal of a prompt. */
  async take(hook: HookPayload, heard: Heard): Promise<Record<string, unknown> | undefined> {
    const { host, runId, asks, turn, startup } = this.parts;
    host.progress(runId);
    this.forgetFuture(host.now());
    // Whatever comes after the prompt has been submitted is a sign that the model has it; not what is only heard after it.
    if (hook.hook_event_name === 'UserPromptSubmit') this.submittedAt = heard.at;
    else if (heard.at >= this.submittedAt) turn.alive(hook.prompt_id);
    this.parts.circles.take(hook);
    switch (hook.hook_event_name) {
      case 'PermissionRequest':
        return asks.hold(hook, heard);
      case 'UserPromptSubmit':
        this.parts.begun();
        if (!turn.submitted(hook.prompt, hook.prompt_id)) return refusal;
        startup?.promptSubmitted();
        break;
      case 'PostToolUse':
      case 'PostToolUseFailure':
        asks.settleTool(hook, heard.at);
        break;
      case 'SubagentStart':
        this.setChild(hook.agent_id, {
          id: hook.agent_id ?? '',
          title: hook.agent_type ?? 'sub-agent',
          activity: 'busy',
        });
        break;
      case 'SubagentStop':
        this.setChild(hook.agent_id, undefined);
        break;
      case 'PreToolUse':
      case 'PostCompact':
      case 'Stop':
      case 'StopFailure':
    }
    this.report(hook, heard.at);
    return undefined;
  }

  dispose(): void {
    void this.disposables.dispose();
  }

  /** The clock was set back: what was told before it would make all that comes look older until it has caught up. */
  private forgetFuture(now: number): void {
    if (this.toldAt > now) this.toldAt = 0;
    if (this.submittedAt > now) this.submittedAt = 0;
  }

  private report(hook: HookPayload, at: number): void {
    const { host, runId, turn } = this.parts;
    // What runs beside the session may be heard after what came later.
    if (at < this.toldAt) return;
    this.toldAt = at;
    const reading = readHook(hook, host.now());
    if (!reading) return;
    const { fact, cause, failure } = reading;
    // Before the session is idle: nothing more is put before a model that does not answer.
    if (failure) turn.end(failure, hook.prompt_id);
    host.report(runId, 'inside', fact, cause);
    if (fact.kind !== 'busy') turn.end(undefined, hook.prompt_id);
    this.said = fact.kind;
    this.insistTimer.set(fileLag);
  }

  private setChild(id: string | undefined, child: ChildSession | undefined): void {
    if (id === undefined) return;
    if (child) this.children.set(id, child);
    else this.children.delete(id);
    this.parts.host.setChildren(this.parts.runId, [...this.children.values()]);
  }
}
