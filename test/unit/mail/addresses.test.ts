import { describe, expect, test } from 'vitest';
import { membersOf, recipientOf } from '../../../shared/mail/addresses.ts';
import type { AddressFacts } from '../../../shared/mail/addresses.ts';
import type { Role, SessionState } from '../../../shared/orchestrator.ts';
import { sessionIdOf } from '../../../shared/roles/names.ts';

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

describe('a group', () => {
  test('is everybody who runs, but never the sender', () => {
    expect(membersOf('@town', facts, 'overseer')).toHaveLength(6);
    expect(membersOf('@alpha', facts, 'alpha-toast')).toEqual(['alpha-witness', 'alpha-max', 'alpha-crew-max', 'alpha-crew-joe']);
    expect(membersOf('@beta', facts, 'alpha-toast')).toEqual([]);
    expect(() => membersOf('@alhpa', facts, 'overseer')).toThrow(/no group "@alhpa". Did you mean "alpha"\? Groups: @town, @alpha, @beta/);
  });
});
