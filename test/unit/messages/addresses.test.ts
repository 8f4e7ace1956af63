import { describe, expect, test } from 'vitest';
import { membersOf, recipientOf, rolesWithoutSession } from '../../../shared/messages/addresses.ts';
import type { AddressFacts } from '../../../shared/messages/addresses.ts';
import type { Role, SessionState } from '../../../shared/domain/orchestrator.ts';
import { sessionIdOf } from '../../../shared/domain/names.ts';

const session = (role: Role, rig: string, agentName = '', state: SessionState = 'running') => ({
  id: sessionIdOf(role, rig, agentName),
  role,
  rig,
  agentName,
  state,
  cause: 'stopped on request',
});

const facts: AddressFacts = {
  rigs: ['alpha', 'beta'],
  sessions: [
    session('deacon', ''),
    session('witness', 'alpha'),
    session('polecat', 'alpha', 'toast'),
    session('polecat', 'alpha', 'max'),
    session('crew', 'alpha', 'max'),
    session('crew', 'alpha', 'joe'),
    session('polecat', 'alpha', 'joe', 'stopped'),
    session('polecat', 'beta', 'old', 'failed'),
  ],
};
const to = (address: string) => recipientOf(address, facts);

describe('an address', () => {
  test.each([
    ['overseer', 'overseer'],
    ['alpha-toast', 'alpha-toast'],
    ['alpha/toast', 'alpha-toast'],
    ['alpha/polecats/toast', 'alpha-toast'],
    ['alpha/crew/max', 'alpha-crew-max'],
    ['alpha/polecats/max', 'alpha-max'],
    ['alpha-max', 'alpha-max'],
    ['alpha/joe', 'alpha-crew-joe'],
    ['deacon/', 'hq-deacon'],
    ['alpha/witness', 'alpha-witness'],
    // Roles that exist once, without a session: held until there is one.
    ['mayor/', 'hq-mayor'],
    ['mayor', 'hq-mayor'],
    ['alpha/refinery', 'alpha-refinery'],
    ['beta/witness', 'beta-witness'],
    ['beta-refinery', 'beta-refinery'],
  ])('%s is %s', (address, id) => {
    expect(to(address)).toBe(id);
  });

  test('E4: a name that two sessions have is refused with both, so that the sender can say which', () => {
    expect(() => to('alpha/max')).toThrow(/alpha-max \(alpha\/polecats\/max\) and alpha-crew-max \(alpha\/crew\/max\)/);
  });

  test.each([
    ['alpha/tosat', /nobody with the address.*Did you mean "alpha\/toast"/],
    ['alpha-tosat', /Did you mean "alpha-toast"/],
    ['gamma/witness', /nobody with the address "gamma\/witness".*Roles: mayor\/, deacon\/, alpha\/witness/],
    ['beta/old', /beta-old has ended \(stopped on request\)/],
    ['@alpha', /@alpha is a group. Send to it with: gt broadcast --to @alpha/],
    ['', /nobody with the address/],
  ])('%j is refused with what to do instead', (address, message) => {
    expect(() => to(address)).toThrow(message);
  });
});

describe('rigs and workers with a "-" in their names', () => {
  const twoRigs: AddressFacts = {
    rigs: ['my', 'my-app'],
    sessions: [
      session('polecat', 'my', 'app-one'),
      session('polecat', 'my-app', 'one'),
      session('polecat', 'my', 'app-witness'),
      session('crew', 'my-app', 'max'),
    ],
  };
  test.each([
    ['my-app/one', 'my-app.one'],
    ['my-app.one', 'my-app.one'],
    ['my/app-one', 'my-app-one'],
    ['my-app-one', 'my-app-one'],
    ['my/app-witness', 'my-app-witness'],
    ['my-app/witness', 'my-app.witness'],
    // As ids were before, and as one may write them: clear as long as only one is called so.
    ['my-app-crew-max', 'my-app.crew-max'],
    ['my-app-refinery', 'my-app.refinery'],
  ])('%s is %s', (address, id) => {
    expect(recipientOf(address, twoRigs)).toBe(id);
  });

  test('what two are called is refused with both', () => {
    const rigs = { rigs: [], sessions: [session('polecat', 'a-b', 'c-d'), session('polecat', 'a-b-c', 'd')] };
    expect(() => recipientOf('a-b-c-d', rigs)).toThrow(/a-b\.c-d \(a-b\/polecats\/c-d\) and a-b-c\.d/);
  });
});

describe('a group', () => {
  test('is everybody who runs, but never the sender', () => {
    expect(membersOf('@town', facts, 'overseer')).toHaveLength(6);
    expect(membersOf('@alpha', facts, 'alpha-toast')).toEqual([
      'alpha-witness',
      'alpha-max',
      'alpha-crew-max',
      'alpha-crew-joe',
    ]);
    expect(membersOf('@beta', facts, 'alpha-toast')).toEqual([]);
    expect(() => membersOf('@alhpa', facts, 'overseer')).toThrow(
      /no group "@alhpa". Did you mean "alpha"\? Groups: @town, @alpha, @beta/,
    );
  });
});

describe('roles without a session', () => {
  const addresses = (of: AddressFacts): string[] => rolesWithoutSession(of).map(({ address }) => address);

  test('are those of the town and of its rigs that do not run', () => {
    expect(rolesWithoutSession(facts)).toEqual([
      { id: 'hq-mayor', role: 'mayor', rig: '', address: 'mayor/' },
      { id: 'alpha-refinery', role: 'refinery', rig: 'alpha', address: 'alpha/refinery' },
      { id: 'beta-witness', role: 'witness', rig: 'beta', address: 'beta/witness' },
      { id: 'beta-refinery', role: 'refinery', rig: 'beta', address: 'beta/refinery' },
    ]);
  });

  test("are all of them in a town without sessions, and only the town's without rigs", () => {
    expect(addresses({ rigs: ['alpha'], sessions: [] })).toEqual([
      'mayor/',
      'deacon/',
      'alpha/witness',
      'alpha/refinery',
    ]);
    expect(addresses({ rigs: [], sessions: [] })).toEqual(['mayor/', 'deacon/']);
  });

  test.each<[SessionState, boolean]>([
    ['starting', false],
    ['running', false],
    ['paused', false],
    ['stopped', true],
    ['failed', true],
  ])('with a mayor that is %s: %s', (state, without) => {
    expect(addresses({ rigs: [], sessions: [session('mayor', '', '', state)] }).includes('mayor/')).toBe(without);
  });

  test('are accepted as recipients, by address and by id', () => {
    for (const { id, address } of rolesWithoutSession(facts)) expect([to(address), to(id)]).toEqual([id, id]);
  });
});
