import { describe, expect, test } from 'vitest';
import { GasTownError } from '../../../shared/platform/errors.ts';
import type { SessionInfo } from '../../../shared/domain/orchestrator.ts';
import { Registry } from '../../../shared/sessions/registry.ts';
import type { RegistryChange } from '../../../shared/sessions/registry.ts';

const info = (id: string, patch: Partial<SessionInfo> = {}): SessionInfo => ({
  id,
  backend: 'opencode',
  role: 'polecat',
  agentName: id,
  rig: 'alpha',
  state: 'running',
  startedAt: 1,
  location: 'local',
  workUnits: [],
  runId: `run_${id}`,
  agent: 'opencode',
  activity: { kind: 'idle' },
  since: 1,
  cause: 'test',
  asks: [],
  children: [],
  workDir: '/nowhere',
  ...patch,
});

function registryWith(...sessions: SessionInfo[]): { registry: Registry; changes: RegistryChange[] } {
  const registry = new Registry((error) => {
    throw error;
  });
  const changes: RegistryChange[] = [];
  registry.onDidChange((change) => changes.push(change));
  for (const session of sessions) registry.register(session);
  return { registry, changes };
}

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return GasTownError.is(error) ? error.code : String(error);
  }
};

describe('TestRegistry', () => {
  test('register, get, unregister', () => {
    const { registry } = registryWith(info('a'));
    expect(registry.get('a').id).toBe('a');
    registry.unregister('a');
    expect(registry.find('a')).toBeUndefined();
    expect(registry.list()).toEqual([]);
  });

  test('an id is taken once; an unknown one is answered with the nearest', () => {
    const { registry } = registryWith(info('alpha-worker-1'));
    expect(codeOf(() => registry.register(info('alpha-worker-1')))).toBe('name-taken');
    expect(codeOf(() => registry.unregister('b'))).toBe('unknown-session');
    expect(() => registry.get('alpha-worker-2')).toThrow(/alpha-worker-1/);
  });

  test('lists by every criterion, alone and together, in the order of start', () => {
    const { registry } = registryWith(
      info('late', { startedAt: 9 }),
      info('mayor', { backend: 'claude', role: 'mayor', rig: '', startedAt: 2 }),
      info('other', { rig: 'beta', startedAt: 3 }),
      info('dead', { state: 'failed', startedAt: 4 }),
    );
    const ids = (filter: Parameters<Registry['list']>[0]) => registry.list(filter).map(({ id }) => id);
    expect(ids({})).toEqual(['mayor', 'other', 'dead', 'late']);
    expect(ids({ backend: 'claude' })).toEqual(['mayor']);
    expect(ids({ rig: 'alpha' })).toEqual(['dead', 'late']);
    expect(ids({ rig: 'alpha', state: 'running' })).toEqual(['late']);
    expect(ids({ role: 'witness' })).toEqual([]);
  });

  test('an update moves a session between the indexes and is announced', () => {
    const { registry, changes } = registryWith(info('a'));
    registry.update('a', { state: 'stopped' });
    expect(registry.list({ state: 'running' })).toEqual([]);
    expect(registry.list({ state: 'stopped' }).map(({ id }) => id)).toEqual(['a']);
    registry.unregister('a');
    expect(changes.map(({ kind, session }) => `${kind} ${session.state}`)).toEqual([
      'registered running',
      'changed stopped',
      'unregistered stopped',
    ]);
  });

  test('what was handed out does not change afterwards', () => {
    const { registry } = registryWith(info('a'));
    const before = registry.get('a');
    registry.update('a', { cause: 'later' });
    expect(before.cause).toBe('test');
  });
});
