import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MethodName, Params } from '../../../shared/channel/protocol.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;
beforeEach(async () => {
  town = await makeFakeTown();
  await town.request('session.spawn', { role: 'crew', rig: 'alpha', name: 'max' });
  await town.request('work.add', { id: 'issue-1', description: 'Do it', rig: 'alpha' });
});
afterEach(() => {
  vi.restoreAllMocks();
  town.close();
});

const operations = [
  'spawnSession',
  'terminateSession',
  'listSessions',
  'assignWork',
  'sendMessage',
  'broadcastMessage',
  'healthCheck',
] as const;

test.each<[MethodName, Params<MethodName>, (typeof operations)[number]]>([
  ['session.spawn', { role: 'crew', rig: 'alpha', name: 'ada' }, 'spawnSession'],
  ['sling', { work: 'issue-1', rig: 'alpha' }, 'spawnSession'],
  ['work.assign', { id: 'issue-1', session: 'alpha-crew-max' }, 'assignWork'],
  ['message.send', { to: 'alpha-crew-max', type: 'nudge', body: 'Hello' }, 'sendMessage'],
  ['message.broadcast', { body: 'Hello' }, 'broadcastMessage'],
  ['session.list', {}, 'listSessions'],
  ['town.health', {}, 'healthCheck'],
  ['session.stop', { session: 'alpha-crew-max' }, 'terminateSession'],
])("%s is the orchestrator's operation", async (method, params, operation) => {
  const orchestrator = town.orchestrators.get('opencode')!;
  const calls = operations.map((name) => [name, vi.spyOn(orchestrator, name)] as const);
  await town.request(method, params);
  expect(calls.flatMap(([name, spy]) => (spy.mock.calls.length === 1 ? [name] : []))).toEqual([operation]);
});

test("work that a caller from outside starts with says who asked as the user does, and keeps the caller's metadata apart", async () => {
  const orchestrator = town.orchestrators.get('opencode')!;
  const config = {
    role: 'crew',
    rig: 'alpha',
    agentName: 'ada',
    workDir: town.rig,
    metadata: { ticket: 'GT-7' },
  } as const;
  await orchestrator.spawnSession({
    ...config,
    initialWork: { id: 'issue-2', type: 'issue', description: 'Do that', payload: { a: 1 }, priority: 2 },
  });
  expect(town.registry.get('alpha-crew-ada').metadata).toEqual({ ticket: 'GT-7' });
  expect(town.work.get('issue-2')).toMatchObject({ owner: 'alpha-crew-ada', payload: { a: 1 } });
  expect(town.store.work.history('issue-2').map(({ by }) => by)).toEqual(['overseer', 'overseer']);
});
