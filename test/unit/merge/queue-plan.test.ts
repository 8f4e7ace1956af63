import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agingMs, divide, inOrder, planQueue } from '../../../shared/merge/queue-plan.ts';
import type { Waiting } from '../../../shared/merge/queue-plan.ts';

const waiting = (workId: string, priority: number, since: number, target = 'main'): Waiting => ({
  workId,
  priority,
  since,
  target,
});
const policy = { batchSize: 2, batchWaitMs: 0 };

describe('the order', () => {
  test('is by priority, then the oldest first', () => {
    const given = [waiting('task-1', 2, 0), waiting('task-2', 0, 30), waiting('task-3', 2, 10)];
    expect(inOrder(given, 40).map(({ workId }) => workId)).toEqual(['task-2', 'task-1', 'task-3']);
  });

  test('lets the least urgent one come before all that is newer by the levels of priority between them', () => {
    const old = waiting('task-1', 4, 0);
    expect(inOrder([waiting('task-2', 0, 3 * agingMs), old], 4 * agingMs)[0]?.workId).toBe('task-2');
    expect(inOrder([waiting('task-2', 0, 5 * agingMs), old], 6 * agingMs)[0]?.workId).toBe('task-1');
  });
});

describe('a batch', () => {
  test('is of one target, and no larger than the policy says', () => {
    const given = [
      waiting('task-1', 1, 0),
      waiting('task-2', 2, 0, 'v1'),
      waiting('task-3', 2, 1),
      waiting('task-4', 2, 2),
    ];
    expect(planQueue(given, [], policy, 10)).toEqual({ kind: 'try', batch: ['task-1', 'task-3'], suspects: [] });
  });

  test('waits for others as long as the policy says, and not when it is full', () => {
    const wait = { batchSize: 2, batchWaitMs: 100 };
    expect(planQueue([waiting('task-1', 2, 50)], [], wait, 60)).toEqual({ kind: 'wait', until: 150 });
    // It was queued before the clock was set back.
    expect(planQueue([waiting('task-1', 2, 5_000)], [], wait, 60).kind).toBe('try');
    expect(planQueue([waiting('task-1', 2, 50)], [], wait, 150)).toMatchObject({ kind: 'try' });
    expect(planQueue([waiting('task-1', 2, 50), waiting('task-2', 2, 60)], [], wait, 60)).toMatchObject({
      kind: 'try',
    });
  });

  test('that failed is tried in halves before all others, without those that are not queued any more', () => {
    const suspects = divide(['task-1', 'task-2', 'task-3'], []);
    expect(suspects).toEqual([['task-1', 'task-2'], ['task-3']]);
    const given = [waiting('task-2', 4, 0), waiting('task-3', 4, 0), waiting('task-9', 0, 0)];
    expect(planQueue(given, suspects, policy, 10)).toEqual({ kind: 'try', batch: ['task-2'], suspects: [['task-3']] });
  });
});

test('E23: with steady arrivals of more urgent ones the oldest is in the next batch', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ priority: fc.integer({ min: 0, max: 3 }), since: fc.integer({ min: 1, max: 1_000 }) })),
      fc.integer({ min: 2, max: 5 }),
      (others, batchSize) => {
        const given = [
          waiting('oldest', 4, 0),
          ...others.map(({ priority, since }, at) => waiting(`task-${at}`, priority, since)),
        ];
        const plan = planQueue(given, [], { batchSize, batchWaitMs: 0 }, 1_001);
        return plan.kind === 'try' && plan.batch.includes('oldest');
      },
    ),
  );
});

test('E23: also one at a time, whatever comes, it is served within four levels of aging', () => {
  const old = waiting('oldest', 4, 0);
  for (let now = 0; ; now += agingMs / 4) {
    const plan = planQueue([old, waiting('new', 0, now)], [], { batchSize: 1, batchWaitMs: 0 }, now);
    if (plan.kind === 'try' && plan.batch.includes('oldest')) break;
    expect(now).toBeLessThanOrEqual(4 * agingMs);
  }
});
