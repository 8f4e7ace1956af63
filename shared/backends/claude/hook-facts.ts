import type { Fact } from '../../sessions/status.ts';
import type { HookPayload } from './hook-payloads.ts';

/** What a hook says about the session's activity. Undefined: nothing. */
export interface HookReading {
  fact: Extract<Fact, { kind: 'busy' | 'idle' | 'rate-limited' }>;
  cause: string;
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
    case 'StopFailure':
      return readFailure(hook.error, hook.last_assistant_message, now);
    case 'PermissionRequest':
    case 'SubagentStart':
    case 'SubagentStop':
    case 'SessionEnd':
      return undefined;
  }
}

function readFailure(error: string, message: string, now: number): HookReading {
  const reason = message.trim() || error;
  const until = error === 'rate_limit' ? limitEnd(message) : undefined;
  if (until !== undefined && until > now) return { fact: { kind: 'rate-limited', until, reason }, cause: reason };
  return { fact: { kind: 'idle' }, cause: `turn failed: ${reason}` };
}

/** Epoch milliseconds; Claude writes `…limit reached|1735689600` for a usage limit, and no time for other limits. */
function limitEnd(message: string): number | undefined {
  const seconds = /\|(\d{10})\b/.exec(message)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
