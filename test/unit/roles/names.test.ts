import { describe, expect, it } from 'vitest';
import { nextFreeName } from '../../../shared/roles/name-pool.ts';
import { addressOf, checkRigName, checkWorkerName, compoundRole, sessionIdOf, sessionIdOfAddress } from '../../../shared/roles/names.ts';

describe('names of a session', () => {
  it.each([
    ['mayor', '', '', 'hq-mayor', 'mayor', 'mayor/'],
    ['deacon', '', '', 'hq-deacon', 'deacon', 'deacon/'],
    ['witness', 'myproject', '', 'myproject-witness', 'myproject/witness', 'myproject/witness'],
    ['refinery', 'myproject', '', 'myproject-refinery', 'myproject/refinery', 'myproject/refinery'],
    ['crew', 'myproject', 'max', 'myproject-crew-max', 'myproject/crew/max', 'myproject/crew/max'],
    ['polecat', 'myproject', 'worker-1', 'myproject-worker-1', 'myproject/polecats/worker-1', 'myproject/polecats/worker-1'],
  ] as const)('%s %s %s: %s, %s, %s', (role, rig, name, id, compound, address) => {
    expect(sessionIdOf(role, rig, name)).toBe(id);
    expect(compoundRole(role, rig, name)).toBe(compound);
    expect(addressOf(role, rig, name)).toBe(address);
    for (const written of [id, compound, address]) expect(sessionIdOfAddress(written)).toBe(id);
  });

  it.each([
    ['myproject/worker-1', 'myproject-worker-1'],
    ['overseer', 'overseer'],
    ['a/b/c', 'a/b/c'],
  ])('the address %s means %s', (address, id) => {
    expect(sessionIdOfAddress(address)).toBe(id);
  });
});

describe('names that people choose', () => {
  it.each(['worker-1', 'Toast', 'a', 'max_2', '007'])('may be %s', (name) => {
    expect(() => checkWorkerName(name)).not.toThrow();
    expect(() => checkRigName(name)).not.toThrow();
  });

  it.each(['', 'a b', '-x', '../x', 'a/b', 'ü', 'a.b', 'x'.repeat(65), 'a\n'])('may not be %j, and what is allowed is said', (name) => {
    expect(() => checkWorkerName(name)).toThrow(/Allowed are letters, digits, "-" and "_"/);
    expect(() => checkRigName(name)).toThrow(/Allowed are letters, digits, "-" and "_"/);
  });

  it.each(['witness', 'refinery', 'crew-max', 'overseer', 'polecats'])('may not take the id of somebody else: %s', (name) => {
    expect(() => checkWorkerName(name)).toThrow(/has a meaning of its own/);
  });

  it('leave the town its prefix', () => {
    expect(() => checkRigName('hq')).toThrow(/has a meaning of its own/);
  });
});

describe('names of polecats', () => {
  it('come from the pool, each once', () => {
    expect(nextFreeName(new Set())).toBe('furiosa');
    expect(nextFreeName(new Set(['furiosa', 'capable']))).toBe('nux');
  });

  it('come from the rig\'s own pool, and are numbered beyond it', () => {
    const pool = { names: ['ann', 'bob', 'cid'], max_before_numbering: 2 };
    expect(nextFreeName(new Set(['ann']), pool)).toBe('bob');
    expect(nextFreeName(new Set(['ann', 'bob']), pool)).toBe('polecat-3');
    expect(nextFreeName(new Set(['ann', 'bob', 'polecat-3']), pool)).toBe('polecat-4');
  });

  it('are all allowed', () => {
    const taken = new Set<string>();
    for (let count = 0; count < 60; count++) {
      const name = nextFreeName(taken);
      expect(() => checkWorkerName(name)).not.toThrow();
      taken.add(name);
    }
    expect(taken.size).toBe(60);
  });
});
