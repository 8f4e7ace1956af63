import { expect, test } from 'vitest';
import { readHook } from '../../../shared/backends/claude/hook-facts.ts';
import { hookPayload } from '../../../shared/backends/claude/hook-payloads.ts';

function read(hook_event_name: string, more: Record<string, unknown> = {}, now = 0) {
  const reading = readHook(hookPayload.parse({ session_id: 's', hook_event_name, ...more }), now);
  return reading && [reading.fact, reading.cause];
}

const tool = { tool_name: 'Bash', tool_input: { command: 'ls' } };
const busy = { kind: 'busy' };
const idle = { kind: 'idle' };
const limit = { error: 'rate_limit', last_assistant_message: 'Usage limit reached|1735689600' };

test.each([
  ['UserPromptSubmit', { prompt: 'x' }, [busy, 'prompt submitted']],
  ['PreToolUse', tool, [busy, 'uses Bash']],
  ['PostToolUse', tool, [busy, 'used Bash']],
  ['PostToolUseFailure', tool, [busy, 'Bash failed']],
  ['PostToolUseFailure', { ...tool, is_interrupt: true }, undefined],
  ['Stop', {}, [idle, 'turn ended']],
  ['Stop', { background_tasks: [{ id: 'b' }], session_crons: [] }, [busy, 'background tasks still run']],
  ['StopFailure', { error: 'server_error', last_assistant_message: 'API Error: 529' }, [idle, 'turn failed: API Error: 529']],
  ['StopFailure', { error: 'rate_limit' }, [idle, 'turn failed: rate_limit']],
  [
    'StopFailure',
    limit,
    [{ kind: 'rate-limited', until: 1735689600000, reason: limit.last_assistant_message }, limit.last_assistant_message],
  ],
  ['PermissionRequest', tool, undefined],
  ['SubagentStop', { agent_id: 'a' }, undefined],
  ['SessionEnd', { reason: 'clear' }, undefined],
])('%s %j', (name, more, reading) => {
  expect(read(name, more)).toEqual(reading);
});

test('a limit that is over is none', () => {
  expect(read('StopFailure', limit, 1735689600001)?.[0]).toEqual(idle);
});
