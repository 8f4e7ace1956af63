import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { schemas } from '../../../shared/channel/protocol.ts';
import type { CallerView, MethodName } from '../../../shared/channel/protocol.ts';
import { roles } from '../../../shared/domain/orchestrator.ts';
import { dispatchingRoles } from '../../../shared/roles/permissions.ts';
import { carryOut } from '../../../shared/api/dispatch.ts';
import { kindOfCaller, requireRight, rights } from '../../../shared/api/rights.ts';
import type { CallerKind, Right } from '../../../shared/api/rights.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

type Method = Exclude<MethodName, 'hello'>;
const methods = Object.keys(schemas).filter((method): method is Method => method !== 'hello');
const columns: readonly CallerKind[] = ['user', 'dispatcher', 'worker', 'server'];
const words: Readonly<Record<string, Right>> = { '✓': 'yes', own: 'own', '': 'no' };

/** What SECURITY.md says: one entry for each time that a method is named in the table. */
const written = readFileSync(resolve('SECURITY.md'), 'utf8')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .flatMap(([, , named = '', ...cells]) =>
    [...named.matchAll(/`([a-z]+(?:\.[a-z]+)?)`/g)].map(([, method]) => ({ method, cells: cells.slice(0, 4) })),
  );

test('SECURITY.md names every method once, with the rights that the code has', () => {
  expect(written.map(({ method }) => method).sort()).toEqual([...methods].sort());
  for (const { method, cells } of written) {
    const said = Object.fromEntries(columns.map((column, index) => [column, words[cells[index] ?? '?']]));
    expect({ method, ...said }).toEqual({ method, ...rights[method as Method] });
  }
});

test('who a caller is for the table', () => {
  const session: CallerView = { kind: 'session', session: 's', runId: 'r' };
  const kinds = roles.map((role) => [role, kindOfCaller(session, role)]);
  expect(kinds).toEqual(roles.map((role) => [role, dispatchingRoles.includes(role) ? 'dispatcher' : 'worker']));
  expect(kindOfCaller({ kind: 'person' }, undefined)).toBe('user');
  expect(kindOfCaller({ kind: 'server', server: 's' }, undefined)).toBe('server');
});

test.each([
  [
    { kind: 'session', session: 'p', runId: 'r' },
    'worker',
    'rig.add',
    'p may not do "rig.add": it is for the user only.',
  ],
  [
    { kind: 'session', session: 'p', runId: 'r' },
    'worker',
    'sling',
    /^p may not do "sling": only the mayor.*gt mail send mayor\/\.$/,
  ],
  [{ kind: 'person' }, 'user', 'inside.context', /it is for the plugin of an agent program's server/],
  [{ kind: 'server', server: 's' }, 'server', 'town.snapshot', /^The plugin of an agent program's server may not do/],
] as const)('%j, a %s, is told why it may not do %s', (caller, kind, method, message) => {
  expect(() => requireRight(caller, kind, method)).toThrow(message);
});

let town: FakeTown;
beforeAll(async () => {
  town = await makeFakeTown();
  for (const agentName of ['ann', 'bob'])
    await town.request('session.spawn', { role: 'polecat', rig: 'alpha', name: agentName });
  await town.request('session.spawn', { role: 'mayor' });
});
afterAll(() => town.close());

test('every method that a caller may not use is refused before anything is looked at', async () => {
  const callers: [CallerKind, CallerView][] = [
    ['user', { kind: 'person' }],
    ['dispatcher', { kind: 'session', session: 'hq-mayor', runId: 'r' }],
    ['worker', { kind: 'session', session: 'alpha-ann', runId: 'r' }],
    ['server', { kind: 'server', server: 's' }],
  ];
  for (const [kind, caller] of callers) {
    for (const method of methods.filter((each) => rights[each][kind] === 'no')) {
      await expect(
        carryOut(town, caller, method, {}, new AbortController().signal),
        `${kind} ${method}`,
      ).rejects.toMatchObject({ code: 'denied' });
    }
  }
});

test('B3: an escalation is closed by who raised it, a role that dispatches or the user; by no other worker', async () => {
  const raise = async (by: string, message: string) =>
    (await town.request('work.escalate', { severity: 'high', message }, by)).id;
  const close = (id: string, by?: string) => town.request('escalation.close', { id }, by);
  const [first, second, third] = [
    await raise('alpha-ann', 'one'),
    await raise('alpha-ann', 'two'),
    await raise('alpha-ann', 'three'),
  ];
  await expect(close(first, 'alpha-bob')).rejects.toMatchObject({
    code: 'denied',
    message: `${first} was raised by alpha-ann, so it is not for alpha-bob to close.`,
  });
  expect((await town.request('escalation.list', {})).escalations).toHaveLength(3);
  for (const [id, by] of [
    [first, 'alpha-ann'],
    [second, 'hq-mayor'],
    [third, undefined],
  ] as const) {
    expect(await close(id, by)).toMatchObject({ id, closedBy: by ?? 'overseer' });
  }
});

test.each([
  ['session.log', { session: 'alpha-bob' }, 'is not yours to read'],
  ['mail.inbox', { session: 'alpha-bob' }, 'is not yours to read'],
  ['work.handoff', { from: 'alpha-bob', to: 'alpha-ann', context: 'x' }, 'may only hand off its own work'],
] as const)("own means own: a worker does not do %s with what is another's", async (method, params, message) => {
  await expect(town.request(method, params, 'alpha-ann')).rejects.toThrow(message);
});

test("own means own: a worker neither reads, archives nor ends what is another's", async () => {
  const { id } = await town.request('message.send', { to: 'alpha-bob', type: 'mail', body: 'For you' });
  await town.request('work.add', { id: 'of-bob', description: 'Do it.' });
  await town.request('work.assign', { id: 'of-bob', session: 'alpha-bob' });
  await expect(town.request('message.show', { id }, 'alpha-ann')).rejects.toThrow('There is no message');
  await expect(town.request('mail.archive', { id }, 'alpha-ann')).rejects.toThrow('only alpha-bob can archive it');
  await expect(town.request('mail.archive', { id })).rejects.toThrow('only alpha-bob can archive it');
  expect((await town.request('message.list', { session: 'alpha-bob' }, 'alpha-ann')).messages).toEqual([]);
  await expect(town.request('work.done', { id: 'of-bob' }, 'alpha-ann')).rejects.toMatchObject({ code: 'denied' });
});
