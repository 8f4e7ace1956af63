import { expect, test } from 'vitest';
import { givenBy } from '../../../extension/commands/command-arguments.ts';
import type { RowTarget } from '../../../extension/views/tree-node.ts';

const rows: Record<string, RowTarget> = {
  town: { kind: 'town' },
  'rig:a': { kind: 'rig', rig: 'a' },
  'role:a/crew': { kind: 'role', rig: 'a', role: 'crew' },
  'session:s': { kind: 'session', session: 's' },
  'ask:s/1': { kind: 'ask', session: 's', run: 'r', ask: '1' },
  'ask:s/dialog': { kind: 'ask', session: 's', run: 'r' },
  'child:s/c': { kind: 'child', session: 's', child: 'c' },
  'work:w': { kind: 'work', work: 'w' },
  'escalation:e': { kind: 'escalation', escalation: 'e', session: 's' },
  'escalation:f': { kind: 'escalation', escalation: 'f' },
};

test('a row answers the questions that it can', () => {
  expect(Object.keys(rows).map((row) => givenBy(row, (id) => rows[id]))).toEqual([
    {},
    { rig: 'a' },
    { rig: 'a', role: 'crew' },
    { session: 's' },
    { session: 's', run: 'r', ask: '1' },
    { session: 's', run: 'r' },
    { session: 's' },
    { work: 'w' },
    { escalation: 'e', session: 's' },
    { escalation: 'f' },
  ]);
});

test('an argument object answers by name; what is no answer is left out', () => {
  expect(givenBy({ rig: 'a', work: 'w', other: 'x', agent: 3 }, () => undefined)).toEqual({ rig: 'a', work: 'w' });
  expect([undefined, null, 3, 'gone', []].map((argument) => givenBy(argument, () => undefined))).toEqual([
    {},
    {},
    {},
    {},
    {},
  ]);
});
