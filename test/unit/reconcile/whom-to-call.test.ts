import { describe, expect, test } from 'vitest';
import type { EscalationKind } from '../../../shared/domain/escalation-key.ts';
import { whomToCall } from '../../../shared/reconcile/whom-to-call.ts';
import type { StoredEscalation } from '../../../shared/store/escalations.ts';
import type { StoredMerge } from '../../../shared/store/merges.ts';
import type { StoredWork } from '../../../shared/store/work.ts';

const work: StoredWork = {
  ...{ id: 'task-1', type: 'task', title: 'Fix it', description: 'Fix it', payload: {}, priority: 2, rig: 'alpha' },
  ...{ state: 'stalled', owner: 'alpha-toast', createdAt: 1, changedAt: 2, attempts: 0 },
};

function escalation(kind: EscalationKind, changes: Partial<StoredEscalation> = {}): StoredEscalation {
  return {
    ...{ id: 'esc_1', severity: 'medium', message: 'what happened', by: 'host', sessionId: 'alpha-toast' },
    ...{ workId: 'task-1', key: { kind, subject: 'task-1' }, raisedAt: 3 },
    ...changes,
  };
}

const merge = (changes: Partial<StoredMerge> = {}): StoredMerge => ({
  ...{ workId: 'task-1', rig: 'alpha', branch: 'polecat/toast/task-1', target: 'main', base: 'b', head: 'abc' },
  ...{ state: 'conflict', round: 1, conflictRounds: 2, createdAt: 1, changedAt: 2 },
  detail: { conflicts: [{ files: ['a.ts'] }] },
  ...changes,
});

describe('who is called about an escalation', () => {
  test.each<[EscalationKind, Partial<StoredEscalation>, string | undefined]>([
    ['stalled', {}, 'alpha-witness'],
    ['escalated', {}, 'alpha-witness'],
    ['hung', {}, 'alpha-witness'],
    ['hung', { sessionId: 'my-app.crew-max' }, 'my-app.witness'],
    ['reported', { by: 'alpha-toast' }, 'alpha-witness'],
    ['quarantined', {}, 'hq-deacon'],
    ['quarantined', { sessionId: 'alpha-witness' }, 'hq-deacon'],
    // It is about itself, or by itself.
    ['quarantined', { sessionId: 'hq-deacon' }, undefined],
    ['stalled', { sessionId: 'alpha-witness' }, undefined],
    ['reported', { by: 'alpha-witness', sessionId: 'alpha-witness' }, undefined],
    // For the user, or whoever slung the unit.
    ['reported', { by: 'overseer' }, undefined],
    ['reported', { by: 'hq-mayor', sessionId: 'hq-mayor' }, undefined],
    ['hung', { sessionId: 'hq-mayor' }, undefined],
    ['wait', {}, undefined],
    ['failed', {}, undefined],
    ['model-account', {}, undefined],
    ['circles', {}, undefined],
    ['calls', { sessionId: 'alpha-witness' }, undefined],
  ])('%s %j: %s', (kind, changes, to) => {
    expect(whomToCall({ kind: 'escalation', escalation: escalation(kind, changes), work })?.to).toBe(to);
  });

  test('the message has the facts in our line, and what others say below it', () => {
    expect(whomToCall({ kind: 'escalation', escalation: escalation('stalled'), work })).toEqual({
      id: 'call_esc_1',
      role: 'witness',
      rig: 'alpha',
      to: 'alpha-witness',
      body:
        'task-1 has stalled. Look at it: gt work show task-1. ' +
        'When it is dealt with: gt escalate close esc_1 -m "<what was done>". What was escalated:\nwhat happened',
    });
  });
});

describe('the refinery', () => {
  test('is called for a conflict and a gate that failed, once for each head of a round', () => {
    const call = whomToCall({ kind: 'merge', merge: merge(), work });
    expect(call).toMatchObject({ id: 'call_task-1_conflict_1_abc', to: 'alpha-refinery' });
    expect(call?.body).toContain('it conflicts with main in a.ts');
    const gates = [{ name: 'test_command', state: 'failed' as const, took: 1 }];
    expect(
      whomToCall({ kind: 'merge', merge: merge({ state: 'gate-failed', detail: { gates } }), work })?.body,
    ).toContain('test_command failed');
  });

  test('is not called for what needs no judgement, nor for what is its own', () => {
    expect(whomToCall({ kind: 'merge', merge: merge({ state: 'review' }), work })).toBeUndefined();
    expect(whomToCall({ kind: 'merge', merge: merge(), work: { ...work, owner: 'alpha-refinery' } })).toBeUndefined();
  });
});

test('the deacon is called when nothing is started with a backend, or a part of it', () => {
  const reason = 'opencode was not found';
  expect(whomToCall({ kind: 'breaker', of: { backend: 'opencode' }, reason, at: 7 })).toMatchObject({
    id: 'call_down_opencode_7',
    to: 'hq-deacon',
    body: expect.stringMatching(/^Nothing is started with opencode now\.[^\n]*\nopencode was not found$/) as string,
  });
  expect(whomToCall({ kind: 'breaker', of: { backend: 'claude', rig: 'my app' }, reason, at: 7 })?.id).toBe(
    'call_down_claude-in-the-rig-my-app_7',
  );
});
