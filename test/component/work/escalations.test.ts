import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomIds } from '../../../shared/platform/ids.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { Store } from '../../../shared/store/store.ts';
import { Escalations } from '../../../shared/work/escalations.ts';
import type { NewEscalation } from '../../../shared/work/escalations.ts';
import { temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let store: Store;
let escalations: Escalations;
let clock = 1_000;

beforeEach(() => {
  folder = temporaryFolder('escalations');
  store = new Store(join(folder.path, 'town.db'));
  escalations = new Escalations(store, () => (clock += 1), silentLogger, randomIds);
});
afterEach(() => {
  store.close();
  folder.remove();
});

const hung: NewEscalation = {
  severity: 'high',
  message: 'No progress',
  by: 'host',
  sessionId: 'alpha-toast',
  workId: 'issue-1',
  key: { kind: 'hung', subject: 'alpha-toast', run: 'run-1' },
};

test('what has the same key is raised once, also after it was closed [holds 4]', () => {
  const told: string[] = [];
  escalations.onDidChange(({ id }) => told.push(id));
  const first = escalations.raise(hung);
  expect(escalations.raise({ ...hung, message: 'Still none' })).toEqual(first);
  expect(escalations.list()).toEqual([first]);
  escalations.close(first.id, 'overseer', 'Restarted it');
  expect(escalations.raise(hung)).toMatchObject({ id: first.id, closedBy: 'overseer', note: 'Restarted it' });
  expect(escalations.list()).toEqual([]);
  expect(told).toEqual([first.id, first.id]);
});

test('closing twice changes nothing, and an unknown one names those that are open', () => {
  const { id } = escalations.raise(hung);
  const closed = escalations.close(id, 'overseer');
  expect(escalations.close(id, 'hq-mayor', 'me too')).toEqual(closed);
  const other = escalations.raise({ ...hung, key: { kind: 'hung', subject: 'alpha-toast', run: 'run-2' } });
  expect(() => escalations.close('esc_x', 'overseer')).toThrow(`Known open escalations: ${other.id}.`);
});

test('open ones come newest first and are still there for the next host', () => {
  const first = escalations.raise(hung);
  const second = escalations.raise({
    severity: 'low',
    message: 'Look at this',
    by: 'alpha-toast',
    key: { kind: 'reported', subject: 'other' },
  });
  store.close();
  store = new Store(join(folder.path, 'town.db'));
  escalations = new Escalations(store, () => clock, silentLogger, randomIds);
  expect(escalations.list()).toEqual([second, first]);
});

test("raising and closing stand in the session's timeline", () => {
  const { id } = escalations.raise(hung);
  escalations.close(id, 'overseer', 'Done');
  expect(store.events('alpha-toast').map(({ type, detail }) => [type, detail])).toEqual([
    ['escalation.raised', { escalation: id, severity: 'high', message: 'No progress', work: 'issue-1', by: 'host' }],
    [
      'escalation.closed',
      { escalation: id, severity: 'high', message: 'No progress', work: 'issue-1', by: 'overseer', note: 'Done' },
    ],
  ]);
});
