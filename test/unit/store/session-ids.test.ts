import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrations } from '../../../shared/store/migrations.ts';
import { Store } from '../../../shared/store/store.ts';
import { temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let store: Store | undefined;
beforeEach(() => (folder = temporaryFolder('session-ids')));
afterEach(() => {
  store?.close();
  store = undefined;
  folder.remove();
});

/** A database as it was before ids had one grammar, with these rows; opened by the store of today. */
function migrated(rows: string): Store {
  const file = join(folder.path, '.runtime', 'town.db');
  mkdirSync(join(folder.path, '.runtime'));
  const before = migrations.findIndex((sql) => sql.includes('TABLE renamed'));
  const db = new DatabaseSync(file);
  for (const sql of migrations.slice(0, before)) db.exec(sql);
  db.exec(`${rows}; PRAGMA user_version = ${before}`);
  db.close();
  store = new Store(file);
  return store;
}
const session = (id: string, role: string, rig: string, name: string): string => `
  INSERT INTO sessions (id, backend, role, agent_name, rig, agent, agent_config, work_dir, run_id, created_at)
    VALUES ('${id}', 'claude', '${role}', '${name}', '${rig}', 'claude', '{"name":"claude","backend":"claude","command":"claude","args":[],"env":{}}', '/w', 'run-${id}', 1);
  INSERT INTO runs (id, session_id, token, state, started_at) VALUES ('run-${id}', '${id}', 'token-${id}', 'running', 1);`;
const message = (id: string, sender: string, recipient: string): string => `
  INSERT INTO messages (id, sender, recipient, kind, subject, body, state, sent_at) VALUES ('${id}', '${sender}', '${recipient}', 'mail', '', 'x', 'accepted', 1);`;
const unit = (id: string, rig: string, owner: string, dispatch: string): string => `
  INSERT INTO work (id, type, title, description, payload, priority, rig, state, owner, created_at, changed_at, dispatch)
    VALUES ('${id}', 'task', 't', 'd', '{}', 2, '${rig}', 'assigned', '${owner}', 1, 1, ${dispatch});
  INSERT INTO work_history (work_id, at, state, by) VALUES ('${id}', 1, 'assigned', '${owner}');`;

test('a living session keeps its run, its work, its mail and what was raised about it', () => {
  const migratedStore = migrated(`
    INSERT INTO rigs VALUES ('my-app', '/r', 1);
    ${session('my-app-one', 'polecat', 'my-app', 'one')}
    ${session('my-app-crew-max', 'crew', 'my-app', 'max')}
    ${session('hq-mayor', 'mayor', '', '')}
    ${unit('u-1', 'my-app', 'my-app-one', `'{"to":"my-app-crew-max","agent":"x"}'`)}
    ${message('m-1', 'hq-mayor', 'my-app-one')} ${message('m-2', 'my-app-one', 'hq-mayor')} ${message('m-3', 'my-app-one', 'my-app-witness')}
    INSERT INTO escalations (id, severity, message, raised_by, session_id, cause, raised_at) VALUES ('e-1', 'high', 'x', 'my-app-one', 'my-app-one', 'c', 1);
    INSERT INTO events (at, session_id, type, detail) VALUES (1, 'my-app-one', 'session.status', '{}');
    INSERT INTO restarts VALUES ('my-app-one', 7, 'x');
    INSERT INTO handoffs VALUES ('u-1', 'my-app-one', 'my-app-crew-max', '');`);
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
  const { sessions, messages } = migrated(`
    INSERT INTO rigs VALUES ('my-app', '/r', 1); INSERT INTO rigs VALUES ('my', '/s', 1);
    ${session('my-app-witness', 'polecat', 'my', 'app-witness')}
    ${message('m-1', 'hq-mayor', 'my-app-witness')}`);
  expect(sessions.session('my-app-witness')).toMatchObject({ role: 'polecat', rig: 'my' });
  expect(messages.inbox('my-app-witness', true)).toHaveLength(1);
});

test("a town without such rigs stays as it is, ended workers' units included", () => {
  const { sessions, work } = migrated(`
    INSERT INTO rigs VALUES ('alpha', '/r', 1);
    ${session('alpha-worker-1', 'polecat', 'alpha', 'worker-1')}
    ${unit('u-1', 'alpha', 'alpha-gone', 'NULL')}`);
  expect(sessions.session('alpha-worker-1')).toBeDefined();
  expect(work.get('u-1')?.owner).toBe('alpha-gone');
});

test('a unit of a worker that is forgotten names it as it would be called now', () => {
  const { work } = migrated(
    `INSERT INTO rigs VALUES ('my-app', '/r', 1); ${unit('u-1', 'my-app', 'my-app-gone', 'NULL')}`,
  );
  expect(work.get('u-1')?.owner).toBe('my-app.gone');
});
