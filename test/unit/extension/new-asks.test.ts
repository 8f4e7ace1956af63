import { expect, test } from 'vitest';
import { fitsInMessage, waitingCauses } from '../../../extension/notifications/new-asks.ts';
import { ask, asking, session, town } from './fixtures.ts';

const keys = (...sessions: ReturnType<typeof session>[]) => waitingCauses(town({ sessions })).map((cause) => cause.key);

test('each ask is one cause, the same for as long as it is open', () => {
  const first = keys(asking([ask()]), session({ id: 'other' }));
  expect(keys(asking([ask(), ask({ id: 'ask-2' })], { since: 5 }))).toEqual([...first, 'run-1/ask-2']);
});

test('a new run that asks under the same id is a new cause', () => {
  expect(keys(asking([ask()], { runId: 'run-2' }))).not.toEqual(keys(asking([ask()])));
});

test('a session that only says that it waits is one cause for as long as it does', () => {
  expect(keys(asking([], { since: 5, cause: 'waiting' }))).toEqual(
    keys(asking([], { since: 5, cause: 'still waiting' })),
  );
  expect(keys(asking([], { since: 5 }))).not.toEqual(keys(asking([], { since: 6 })));
});

test('a session that has ended waits for nobody', () => {
  expect(keys(asking([ask()], { state: 'failed' }))).toEqual([]);
});

test('only what can be read whole in a message can be allowed from it', () => {
  const fits = [
    ask(),
    ask({ title: 'x'.repeat(101) }),
    ask({ title: 'Bash: npm test &&…' }),
    ask({ title: 'a\nb' }),
    ask({ kind: 'plan' }),
    ask({ kind: 'question' }),
    ask({ resolvable: false }),
  ].map(fitsInMessage);
  expect(fits).toEqual([true, false, false, false, false, false, false]);
});
