import fc from 'fast-check';
import { expect, test } from 'vitest';
import { policyOf } from '../../../shared/orchestration/policy-of.ts';
import { gatherFacts } from '../../../shared/reconcile/gather.ts';
import { reconcile } from '../../../shared/reconcile/rules.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { takesWork } from './support.ts';

/** What can happen to the n-th worker and its unit. What is not possible at that moment is refused, and changes nothing. */
const happenings: Readonly<Record<string, (town: FakeTown, worker: string, work: string) => unknown>> = {
  sling: (town, worker, work) =>
    town.request('sling', { work, rig: 'alpha', name: worker.replace('alpha-', ''), message: 'Do it' }),
  take: (town, worker) => takesWork(town, worker),
  busy: (town, worker) => town.busy(worker),
  idle: (town, worker) => town.idle(worker),
  die: (town, worker) => town.die(worker),
  'die with others': (town, worker) => town.die(worker, 'its server went', 'server-1'),
  vanish: (town, worker) => town.vanish(worker),
  done: (town, worker, work) => town.request('work.done', { id: work, message: 'ok', uncommitted: true }, worker),
  fail: (town, worker, work) => town.request('work.done', { id: work, status: 'failed', message: 'no' }, worker),
  cancel: (town, _worker, work) => town.request('work.cancel', { id: work }),
  requeue: (town, _worker, work) => town.request('work.requeue', { id: work }),
  stop: (town, worker) => town.request('session.stop', { session: worker }),
  reset: (town, worker) => town.request('session.reset', { session: worker }),
  nudge: (town, worker) => town.request('message.send', { to: worker, type: 'nudge', body: 'And?' }),
  'a minute': (town) => town.pass(60_000),
  'an hour': (town) => town.pass(3_600_000),
};

const step = fc.tuple(fc.constantFrom(...Object.keys(happenings)), fc.integer({ min: 1, max: 2 }));

async function happens(town: FakeTown, [what, n]: readonly [string, number]): Promise<void> {
  try {
    await happenings[what]?.(town, `alpha-w${n}`, `issue-${n}`);
  } catch {
    // It was not possible just then.
  }
  await town.settled();
}

test('who looks at what has changed leaves nothing to do for who looks at everything [holds 9]', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
      const town = await makeFakeTown({ restarts: { max: 1 }, idle_stop_minutes: 10 });
      try {
        const sources = {
          ...town,
          policyOf: (rig: string) => policyOf(town, rig),
          hasRig: (rig: string) => town.rigs.names().includes(rig),
          sleepAfterMs: () => undefined,
        };
        let inHand: ReadonlySet<string> = new Set();
        town.reconciler.disposables.add(town.reconciler.onDidLook((subjects) => (inHand = subjects)));
        // Two have begun, so that what happens is possible more often than not.
        const begun = [1, 2].flatMap((n) => [['sling', n] as const, ['take', n] as const]);
        for (const each of [...begun, ...steps]) {
          await happens(town, each);
          const { actions } = reconcile(gatherFacts(sources, new Set()));
          const left = actions.filter((action) => !inHand.has('session' in action ? action.session : action.work));
          expect(left, `after ${JSON.stringify(each)}`).toEqual([]);
        }
      } finally {
        town.close();
      }
    }),
    { numRuns: 8, endOnFailure: true },
  );
});
