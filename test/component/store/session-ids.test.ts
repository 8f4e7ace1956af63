import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Store } from '../../../shared/store/store.ts';
import { temporaryFolder } from '../../support/core.ts';
import { makeOlder } from '../../support/questions.ts';

let folder: ReturnType<typeof temporaryFolder>;
let store: Store | undefined;
beforeEach(() => (folder = temporaryFolder('session-ids')));
afterEach(() => {
  store?.close();
  store = undefined;
  folder.remove();
});

type Add = Parameters<Parameters<typeof makeOlder>[2]>[0];

/** A database as it was before ids had one grammar, with these rows; opened by the store of today. */
function migrated(...rows: ((add: Add) => void)[]): Store {
  const file = join(folder.path, '.runtime', 'town.db');
  mkdirSync(join(folder.path, '.runtime'));
  makeOlder(file, 'TABLE renamed', (add) => {
    for (const row of rows) row(add);
  });
  store = new Store(file);
  return store;
}
const rig =
  (name: string, path = '/r') =>
  (add: Add): void =>
    add('rigs', { name, path, added_at: 1 });
const session =
  (id: string, role: string, rigName: string, name: string) =>
  (add: Add): void => {
    const agent = '{"name":"claude","backend":"claude","command":"claude","args":[],"env":{}}';
    add('sessions', {
      id,
      backend: 'claude',
      role,
      agent_name: name,
      rig: rigName,
      agent: 'claude',
      agent_config: agent,
      work_dir: '/w',
      run_id: `run-${id}`,
      created_at: 1,
    });
    add('runs', { id: `run-${id}`, session_id: id, token: `token-${id}`, state: 'running', started_at: 1 });
  };
const message =
  (id: string, sender: string, recipient: string) =>
  (add: Add): void =>
    add('messages', { id, sender, recipient, kind: 'mail', subject: '', body: 'x', state: 'accepted', sent_at: 1 });
const unit =
  (id: string, rigName: string, owner: string, dispatch: string | null = null) =>
  (add: Add): void => {
    const always = {
      type: 'task',
      title: 't',
      description: 'd',
      payload: '{}',
      priority: 2,
      state: 'assigned',
      created_at: 1,
      changed_at: 1,
    };
    add('work', { ...always, id, rig: rigName, owner, dispatch });
    add('work_history', { work_id: id, at: 1, state: 'assigned', by: owner });
  };

test('a living session keeps its run, its work, its mail and what was raised about it', () => {
  const migratedStore = migrated(
    rig('my-app'),
    session('my-app-one', 'polecat', 'my-app', 'one'),
    session('my-app-crew-max', 'crew', 'my-app', 'max'),
    session('hq-mayor', 'mayor', '', ''),
    unit('u-1', 'my-app', 'my-app-one', '{"to":"my-app-crew-max","agent":"x"}'),
    message('m-1', 'hq-mayor', 'my-app-one'),
    message('m-2', 'my-app-one', 'hq-mayor'),
    message('m-3', 'my-app-one', 'my-app-witness'),
    (add) => {
      add('escalations', {
        id: 'e-1',
        severity: 'high',
        message: 'x',
        raised_by: 'my-app-one',
        session_id: 'my-app-one',
        cause: 'c',
        raised_at: 1,
      });
      add('events', { at: 1, session_id: 'my-app-one', type: 'session.status', detail: '{}' });
      add('restarts', { session_id: 'my-app-one', at: 7, reason: 'x' });
      add('handoffs', { work_id: 'u-1', from_session: 'my-app-one', to_session: 'my-app-crew-max', note: '' });
    },
  );
  const { sessions, work, messages, escalations, handoffs } = migratedStore;
  expect(sessions.session('my-app.one')).toMatchObject({
    role: 'polecat',
    rig: 'my-app',
    agentName: 'one',
    runId: 'run-my-app-one',
  });
  expect(sessions.run('run-my-app-one')).toMatchObject({ sessionId: 'my-app.one', token: 'token-my-app-one' });
  expect(sessions.session('my-app.crew-max')).toBeDefined();
  expect(sessions.session('my-app-one')).toBeUndefined();
  expect(sessions.session('hq-mayor')).toBeDefined();
  expect(work.ownedBy('my-app.one')).toMatchObject([{ id: 'u-1', dispatch: { to: 'my-app.crew-max', agent: 'x' } }]);
  expect(work.history('u-1')).toMatchObject([{ by: 'my-app.one' }]);
  expect(messages.inbox('my-app.one', true).map(({ id }) => id)).toEqual(['m-1']);
  expect(messages.get('m-2')).toMatchObject({ from: 'my-app.one' });
  // Nobody has the role yet: whoever gets it finds the letter.
  expect(messages.inbox('my-app.witness', true).map(({ id }) => id)).toEqual(['m-3']);
  expect(escalations.get('e-1')).toMatchObject({ sessionId: 'my-app.one', by: 'my-app.one' });
  expect(migratedStore.events('my-app.one')).toHaveLength(1);
  expect(sessions.restartsSince('my-app.one', 0)).toEqual([7]);
  expect(handoffs.all()).toMatchObject([{ from: 'my-app.one', to: 'my-app.crew-max' }]);
});

test('an id that two could have stays with the session that had it', () => {
  const { sessions, messages } = migrated(
    rig('my-app'),
    rig('my', '/s'),
    session('my-app-witness', 'polecat', 'my', 'app-witness'),
    message('m-1', 'hq-mayor', 'my-app-witness'),
  );
  expect(sessions.session('my-app-witness')).toMatchObject({ role: 'polecat', rig: 'my' });
  expect(messages.inbox('my-app-witness', true)).toHaveLength(1);
});

test("a town without such rigs stays as it is, ended workers' units included", () => {
  const { sessions, work } = migrated(
    rig('alpha'),
    session('alpha-worker-1', 'polecat', 'alpha', 'worker-1'),
    unit('u-1', 'alpha', 'alpha-gone'),
  );
  expect(sessions.session('alpha-worker-1')).toBeDefined();
  expect(work.get('u-1')?.owner).toBe('alpha-gone');
});

test('a unit of a worker that is forgotten names it as it would be called now', () => {
  const { work } = migrated(rig('my-app'), unit('u-1', 'my-app', 'my-app-gone'));
  expect(work.get('u-1')?.owner).toBe('my-app.gone');
});
