import { describe, expect, it } from 'vitest';
import { nextFreeName } from '../../../shared/roles/name-pool.ts';
import {
  addressOf,
  checkRigName,
  checkWorkerName,
  compoundRole,
  identityOfId,
  looseId,
  sessionIdOf,
  sessionIdOfAddress,
} from '../../../shared/domain/names.ts';

describe('names of a session', () => {
  it.each([
    ['mayor', '', '', 'hq-mayor', 'mayor', 'mayor/'],
    ['deacon', '', '', 'hq-deacon', 'deacon', 'deacon/'],
    ['witness', 'myproject', '', 'myproject-witness', 'myproject/witness', 'myproject/witness'],
    ['refinery', 'myproject', '', 'myproject-refinery', 'myproject/refinery', 'myproject/refinery'],
    ['crew', 'myproject', 'max', 'myproject-crew-max', 'myproject/crew/max', 'myproject/crew/max'],
    [
      'polecat',
      'myproject',
      'worker-1',
      'myproject-worker-1',
      'myproject/polecats/worker-1',
      'myproject/polecats/worker-1',
    ],
    ['witness', 'my-app', '', 'my-app.witness', 'my-app/witness', 'my-app/witness'],
    ['crew', 'my-app', 'max', 'my-app.crew-max', 'my-app/crew/max', 'my-app/crew/max'],
    ['polecat', 'my-app', 'one', 'my-app.one', 'my-app/polecats/one', 'my-app/polecats/one'],
    ['polecat', 'my', 'app-one', 'my-app-one', 'my/polecats/app-one', 'my/polecats/app-one'],
    ['polecat', 'my', 'app-witness', 'my-app-witness', 'my/polecats/app-witness', 'my/polecats/app-witness'],
    ['polecat', 'a-', 'b-', 'a-.b-', 'a-/polecats/b-', 'a-/polecats/b-'],
  ] as const)('%s %s %s: %s, %s, %s', (role, rig, name, id, compound, address) => {
    expect(sessionIdOf(role, rig, name)).toBe(id);
    expect(compoundRole(role, rig, name)).toBe(compound);
    expect(addressOf(role, rig, name)).toBe(address);
    for (const written of [id, compound, address]) expect(sessionIdOfAddress(written)).toBe(id);
    expect(identityOfId(id)).toEqual({ role, rig, name });
  });

  it('are different for any two of different role, rig or name, and are read back', () => {
    const seen = new Map<string, string>();
    const parts = [
      'a',
      'my',
      'app',
      'my-app',
      'app-one',
      'my-app-one',
      'one',
      'crew',
      'crew-a',
      'app-crew-a',
      'app-witness',
      'witness',
      'a-',
      'a-b',
      'hq',
      'mayor',
    ];
    const isAllowed = (check: (name: string) => void, name: string): boolean => {
      try {
        check(name);
        return true;
      } catch {
        return false;
      }
    };
    const rigs = parts.filter((each) => isAllowed(checkRigName, each));
    const names = parts.filter((each) => isAllowed(checkWorkerName, each));
    const all = rigs.flatMap((rig) => [
      ...(['witness', 'refinery'] as const).map((role) => ({ role, rig, name: '' })),
      ...(['crew', 'polecat'] as const).flatMap((role) => names.map((name) => ({ role, rig, name }))),
    ]);
    expect(all.length).toBeGreaterThan(300);
    for (const identity of [...all, { role: 'mayor' as const, rig: '', name: '' }]) {
      const id = sessionIdOf(identity.role, identity.rig, identity.name);
      expect(seen.get(id), id).toBeUndefined();
      seen.set(id, id);
      expect(identityOfId(id)).toEqual(identity);
    }
  });

  it.each([
    '',
    'mayor',
    'overseer',
    'host',
    'hq',
    'hq-toast',
    'hq-',
    'my.one',
    'my-app.',
    '-one',
    '.one',
    'my-app.crew-',
    'a b-c',
    'a/b',
    'a-b.c.d',
  ])('%j is the id of nobody', (text) => expect(identityOfId(text)).toBeUndefined());

  it('had a form that two could have, which is still understood where it is clear', () => {
    expect(looseId({ role: 'polecat', rig: 'my-app', name: 'one' })).toBe('my-app-one');
    expect(looseId({ role: 'polecat', rig: 'my', name: 'app-one' })).toBe('my-app-one');
    expect(looseId({ role: 'mayor', rig: '', name: '' })).toBe('hq-mayor');
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

  it.each(['', 'a b', '-x', '../x', 'a/b', 'ü', 'a.b', 'x'.repeat(65), 'a\n'])(
    'may not be %j, and what is allowed is said',
    (name) => {
      expect(() => checkWorkerName(name)).toThrow(/Allowed are letters, digits, "-" and "_"/);
      expect(() => checkRigName(name)).toThrow(/Allowed are letters, digits, "-" and "_"/);
    },
  );

  it.each(['witness', 'Witness', 'refinery', 'crew-max', 'Crew-max', 'overseer', 'polecats'])(
    'may not take the id of somebody else: %s',
    (name) => {
      expect(() => checkWorkerName(name)).toThrow(/has a meaning of its own|is the id of a crew member/);
    },
  );

  it.each(['con', 'NUL', 'aux', 'Com1', 'LPT9'])('may not be a device of Windows: %s', (name) => {
    for (const check of [checkWorkerName, checkRigName])
      expect(() => check(name)).toThrow(/Windows has no folders of that name/);
    expect(() => checkWorkerName(`${name}-2`)).not.toThrow();
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

  it("come from the rig's own pool, and are numbered beyond it", () => {
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
