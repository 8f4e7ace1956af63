import { expect, test } from 'vitest';
import { readHook } from '../../../../shared/backends/claude/hook-facts.ts';
import { hookPayload } from '../../../../shared/backends/claude/hook-payloads.ts';

function read(hook_event_name: string, more: Record<string, unknown> = {}, now = 0) {
  const reading = readHook(hookPayload.parse({ session_id: 's', hook_event_name, ...more }), now);
  return reading && [reading.fact, reading.cause, ...(reading.failure ? [reading.failure] : [])];
}

const tool = { tool_name: 'Bash', tool_input: { command: 'ls' } };
const busy = { kind: 'busy' };
const idle = { kind: 'idle' };
/** A turn that ends by a failure: the hook, and what is read of it. */
const failure = (error: string, message: string, read: object): [string, Record<string, unknown>, unknown][] => [
  [
    'StopFailure',
    { error, last_assistant_message: message },
    [idle, `turn failed: ${message}`, { ...read, reason: message }],
  ],
];

test.each([
  ['UserPromptSubmit', { prompt: 'x' }, [busy, 'prompt submitted']],
  ['PreToolUse', tool, [busy, 'uses Bash']],
  ['PostToolUse', tool, [busy, 'used Bash']],
  ['PostToolUseFailure', tool, [busy, 'Bash failed']],
  ['PostToolUseFailure', { ...tool, is_interrupt: true }, undefined],
  ['Stop', {}, [idle, 'turn ended']],
  ['Stop', { background_tasks: [{ id: 'b' }], session_crons: [] }, [busy, 'background tasks still run']],
  ...failure('server_error', 'API Error: 529', { kind: 'provider' }),
  ...failure('overloaded', 'API Error: overloaded', { kind: 'provider' }),
  ...failure('something new', 'API Error: ?', { kind: 'provider' }),
  ...failure('authentication_failed', 'Please run /login', { kind: 'account' }),
  ...failure('billing_error', 'Credit balance is too low', { kind: 'account' }),
  ...failure('invalid_request', 'API Error: 400', { kind: 'refused' }),
  ...failure('rate_limit', 'API Error: Request rejected (429)', { kind: 'rate-limit' }),
  ...failure('rate_limit', 'Usage limit reached|1735689600', { kind: 'rate-limit', until: 1735689600000 }),
  ...failure('rate_limit', "You've hit your session limit · resets 12:30am (UTC)", {
    kind: 'rate-limit',
    until: 30 * 60_000,
  }),
  ['PermissionRequest', tool, undefined],
  ['SubagentStop', { agent_id: 'a' }, undefined],
])('%s %j', (name, more, reading) => {
  expect(read(name, more)).toEqual(reading);
});

test('a limit that is over has no end any more, and words are better than none', () => {
  expect(
    read('StopFailure', { error: 'rate_limit', last_assistant_message: 'limit|1735689600' }, 1735689600001)?.[2],
  ).toEqual({
    kind: 'rate-limit',
    reason: 'limit|1735689600',
  });
  expect(read('StopFailure', { error: 'rate_limit' })?.[2]).toEqual({ kind: 'rate-limit', reason: 'rate_limit' });
});
