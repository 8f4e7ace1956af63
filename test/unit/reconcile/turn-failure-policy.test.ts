import { describe, expect, test } from 'vitest';
import { troublePolicy } from '../../../shared/config/provider-failure-settings.ts';
import { decideTrouble } from '../../../shared/reconcile/turn-failure-policy.ts';
import type { TroubleAction, TroubleFacts } from '../../../shared/reconcile/turn-failure-policy.ts';

const now = 1_000_000;
const policy = troublePolicy({ grace_seconds: 60, pause_seconds: 30, longest_pause_seconds: 100, max_redeliveries: 3 });
const limit = (until?: number): TroubleFacts['failure'] => ({
  kind: 'rate-limit',
  reason: '429',
  ...(until === undefined ? {} : { until }),
});
const failing: TroubleFacts['failure'] = { kind: 'provider', reason: '500' };
const account: TroubleFacts['failure'] = { kind: 'account', reason: '401' };
const refused: TroubleFacts['failure'] = { kind: 'refused', reason: '400' };
const circles: TroubleFacts['failure'] = { kind: 'circles', reason: 'compacted 20 times' };
const facts = (failure: TroubleFacts['failure'], more: Partial<TroubleFacts> = {}): TroubleFacts => ({
  failure,
  now,
  redeliveries: 0,
  owes: true,
  ...more,
});
const other = { alternative: 'claude' };

describe('after a turn that the provider made fail', () => {
  test.each<[string, TroubleFacts, Partial<TroubleAction>]>([
    ['a limit parks until its end', facts(limit(now + 500_000)), { kind: 'park', until: now + 500_000, goOn: true }],
    ['a limit goes on with another agent', facts(limit(now + 500_000), other), { kind: 'fail-over', agent: 'claude' }],
    ['a limit that ends soon is waited for', facts(limit(now + 60_000), other), { kind: 'park', until: now + 60_000 }],
    [
      'a limit without an end goes on with another agent',
      facts(limit(), other),
      { kind: 'fail-over', agent: 'claude' },
    ],
    ['a limit without an end parks for the first pause', facts(limit()), { kind: 'park', until: now + 30_000 }],
    ['a limit whose end is over is one without an end', facts(limit(now - 1)), { kind: 'park', until: now + 30_000 }],
    [
      'a failing provider parks for longer each time',
      facts(failing, { redeliveries: 1 }),
      { kind: 'park', until: now + 60_000 },
    ],
    [
      'but never for longer than the longest pause',
      facts(failing, { redeliveries: 2 }),
      { kind: 'park', until: now + 100_000 },
    ],
    ['a failing provider goes on with another agent', facts(failing, other), { kind: 'fail-over', agent: 'claude' }],
    [
      'after so many times somebody has to look',
      facts(failing, { redeliveries: 3 }),
      { kind: 'escalate', reason: 'the provider fails: 500 (3 times in a row)' },
    ],
    [
      'also where another agent is free: that has been tried',
      facts(limit(now + 500_000), { ...other, redeliveries: 3 }),
      { kind: 'escalate' },
    ],
    [
      'what goes in circles does so with any agent',
      facts(circles, other),
      { kind: 'escalate', reason: 'it goes in circles: compacted 20 times' },
    ],
    ['also where nobody waits for it', facts(circles, { owes: false }), { kind: 'escalate' }],
    [
      'an account does not mend by itself',
      facts(account),
      { kind: 'escalate', reason: 'the provider does not take this account: 401' },
    ],
    ['another agent has another account', facts(account, other), { kind: 'fail-over', agent: 'claude' }],
    ['a refused request is refused again', facts(refused), { kind: 'escalate' }],
    ['another model may take it', facts(refused, other), { kind: 'fail-over', agent: 'claude' }],
    [
      'a session that owes nothing only shows its limit',
      facts(limit(now + 500_000), { ...other, owes: false }),
      { kind: 'park', until: now + 500_000, goOn: false },
    ],
    ['and nothing else', facts(failing, { owes: false }), { kind: 'nothing' }],
  ])('%s', (_what, given, action) => {
    expect(decideTrouble(given, policy)).toMatchObject(action);
  });
});
