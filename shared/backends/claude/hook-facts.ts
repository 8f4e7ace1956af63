import type { StatusReport } from '../../domain/status-report.ts';
import type { TurnFailure } from '../../domain/run.ts';
import type { Sign } from '../repetition.ts';
import type { HookPayload } from './hook-payloads.ts';
import { resetTime } from './reset-time.ts';

/** What a hook says about the session's activity. Undefined: nothing. */
export interface HookReading {
  fact: Extract<StatusReport, { kind: 'busy' | 'idle' }>;
  cause: string;
  /** The turn ended because of the provider. */
  failure?: TurnFailure;
}

/** Pure. The state file has the last word; hooks are quicker by up to 0.3 s and say why. */
export function readHook(hook: HookPayload, now: number): HookReading | undefined {
  switch (hook.hook_event_name) {
    case 'UserPromptSubmit':
      return { fact: { kind: 'busy' }, cause: 'prompt submitted' };
    case 'PreToolUse':
      return { fact: { kind: 'busy' }, cause: `uses ${hook.tool_name}` };
    case 'PostToolUse':
      return { fact: { kind: 'busy' }, cause: `used ${hook.tool_name}` };
    case 'PostToolUseFailure':
      // After an interrupt the turn is over, and only the file tells.
      return hook.is_interrupt ? undefined : { fact: { kind: 'busy' }, cause: `${hook.tool_name} failed` };
    case 'Stop':
      if (hook.background_tasks.length > 0 || hook.session_crons.length > 0) {
        return { fact: { kind: 'busy' }, cause: 'background tasks still run' };
      }
      return { fact: { kind: 'idle' }, cause: 'turn ended' };
    case 'StopFailure': {
      const failure = failureOf(hook.error, hook.last_assistant_message, now);
      return { fact: { kind: 'idle' }, cause: `turn failed: ${failure.reason}`, failure };
    }
    case 'PermissionRequest':
    case 'SubagentStart':
    case 'SubagentStop':
    case 'PostCompact':
      return undefined;
  }
}

/** Pure. What a hook says of whether the turn gets on. */
export function signOf(hook: HookPayload): Sign | undefined {
  if (hook.hook_event_name === 'PostCompact') return hook.trigger === 'auto' ? { kind: 'compaction' } : undefined;
  if (hook.hook_event_name !== 'PostToolUse' && hook.hook_event_name !== 'PostToolUseFailure') return undefined;
  const { tool_use_id: id, tool_name: tool, did } = hook;
  return id === undefined || did === undefined ? undefined : { kind: 'call', id, tool, did };
}

/** Pure. `error`: Claude Code's word for it; `message`: what it says to people; `now`: when it said so. */
export function failureOf(error: string, message: string, now: number): TurnFailure {
  const reason = message.trim() || error;
  const kind = failureKinds[error] ?? 'provider';
  const until = kind === 'rate-limit' ? limitEnd(message, now) : undefined;
  return { kind, reason, ...(until !== undefined && until > now ? { until } : {}) };
}

/** Claude Code's words for what made a turn fail; whatever is not here may pass. */
const failureKinds: Readonly<Record<string, TurnFailure['kind']>> = {
  rate_limit: 'rate-limit',
  authentication_failed: 'account',
  account_on_hold: 'account',
  billing_error: 'account',
  oauth_org_not_allowed: 'account',
  verification_required: 'account',
  cloud_credential_error: 'account',
  invalid_request: 'refused',
  model_not_found: 'refused',
  max_output_tokens: 'refused',
};

/**
 * Epoch milliseconds. Claude writes `…limit reached|1735689600`, or for people `resets 3:45pm (Europe/Berlin)` and
 * `resets Nov 24, 3pm (UTC)`; no time for other limits.
 */
function limitEnd(message: string, now: number): number | undefined {
  const seconds = /\|(\d{10})\b/.exec(message)?.[1];
  if (seconds !== undefined) return Number(seconds) * 1000;
  return resetTime(message, now);
}
