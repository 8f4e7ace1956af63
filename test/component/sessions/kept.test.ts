import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Store } from '../../../shared/store/store.ts';
import { makeCore, temporaryFolder } from '../../support/core.ts';
import { makeFakeTown } from '../../support/fake-town.ts';

let folder: ReturnType<typeof temporaryFolder>;
let core: ReturnType<typeof makeCore>;
const file = (): string => join(folder.path, 'town.db');

beforeEach(() => {
  folder = temporaryFolder('kept');
  core = makeCore(file());
});
afterEach(() => {
  if (core.store.isOpen) core.store.close();
  folder.remove();
});

const orchestrator = () => core.orchestrators.get('opencode')!;
const place = { role: 'polecat', rig: 'alpha', agentName: 'toast', workDir: '/nowhere' } as const;
const payload = { url: 'https://example.com/1', labels: ['bug', 'ü'], nested: { deep: [null, 1.5, { empty: {} }] } };
const unit = { id: 'issue-1', type: 'issue', description: 'Do it', payload, priority: 1 } as const;

describe('the payload of a unit', () => {
  test('comes back as it was given, by spawn and by assign, also after a restart', async () => {
    const id = await orchestrator().spawnSession({ ...place, initialWork: unit });
    await orchestrator().assignWork(id, { ...unit, id: 'issue-2', payload: { only: 'this' } });
    const units = (await orchestrator().getSession(id)).workUnits;
    expect(Object.fromEntries(units.map((each) => [each.id, each.payload]))).toEqual({
      'issue-1': payload,
      'issue-2': { only: 'this' },
    });
    core.store.close();
    const again = new Store(file());
    expect(again.work.get('issue-1')?.payload).toEqual(payload);
    again.close();
  });

  test.each([
    ['what JSON would change', { at: new Date(0) }, /not plain JSON/],
    ['what JSON would leave out', { call: () => 1 }, /not plain JSON/],
    [
      'a circle',
      (() => {
        const circle: Record<string, unknown> = {};
        circle['self'] = circle;
        return circle;
      })(),
      /cannot be stored: .*circular/,
    ],
    ['a log', { log: 'x'.repeat(300_000) }, /300010 characters; 262144 are kept/],
  ])('that is %s is refused, and nothing is stored', (_what, wrong, message) => {
    expect(() => core.work.add({ id: 'issue-1', description: 'Do it', payload: wrong }, 'overseer')).toThrow(message);
    expect(core.work.find('issue-1')).toBeUndefined();
  });

  test('is in what `gt work show --json` prints, but not in what every window gets at every change', async () => {
    const town = await makeFakeTown();
    town.work.add({ id: 'issue-1', description: 'Do it', payload }, 'overseer');
    expect(await town.request('work.show', { id: 'issue-1' })).toMatchObject({ payload });
    expect(JSON.stringify(await town.request('town.snapshot', {}))).not.toContain('example.com');
    town.close();
  });
});

describe('the metadata of a session', () => {
  test('comes back as it was given, also after a restart of the session and of the host', async () => {
    const metadata = { ticket: 'ABC-1', by: 'overseer', 'odd key': 'ü' };
    const id = await orchestrator().spawnSession({ ...place, metadata });
    expect((await orchestrator().getSession(id)).metadata).toEqual(metadata);
    await core.manager.restart(id, { reason: 'a test' });
    expect((await orchestrator().listSessions())[0]?.metadata).toEqual(metadata);
    core.store.close();
    core = makeCore(file());
    await core.manager.adoptAll();
    expect((await orchestrator().getSession(id)).metadata).toEqual(metadata);
  });

  test('is absent where none was given', async () => {
    const id = await orchestrator().spawnSession(place);
    expect(await orchestrator().getSession(id)).not.toHaveProperty('metadata');
  });
});
