import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Store } from '../../../shared/store/store.ts';
import { temporaryFolder } from '../../support/core.ts';
import { makeOlder } from '../../support/questions.ts';

test('escalations of an older version keep what they are about, in kinds, so that nothing is raised a second time [holds 8]', () => {
  const folder = temporaryFolder('escalation-keys');
  const file = join(folder.path, '.runtime', 'town.db');
  mkdirSync(join(folder.path, '.runtime'));
  const rows = [
    ['quarantined:run_1', 'alpha-toast', null],
    ['hung:run_1:1700', 'alpha-toast', null],
    ['stalled:issue-1:1800', 'alpha-toast', 'issue-1'],
    ['failed:issue-2:1900', null, 'issue-2'],
    ['escalated:gt:x-3:2000', 'alpha-toast', 'gt:x-3'],
    ['model:run_1:rate-limit', 'alpha-toast', null],
    ['wait:run_1/per_9', 'alpha-toast', null],
    ['wait:run_1/dialog@2100', 'alpha-toast', null],
    ['esc_7', 'alpha-toast', null],
    ['spooled:1-2', 'alpha-toast', null],
  ];
  const always = { severity: 'high', message: 'x', raised_by: 'host', raised_at: 5, mailed_at: 6 };
  makeOlder(file, 'escalations_before', (add) =>
    rows.forEach(([cause, session, work], index) =>
      add('escalations', {
        ...always,
        id: `e-${index}`,
        session_id: session ?? null,
        work_id: work ?? null,
        cause: cause ?? null,
      }),
    ),
  );
  const store = new Store(file);
  const keys = [
    { kind: 'quarantined', subject: 'alpha-toast', run: 'run_1' },
    { kind: 'hung', subject: 'alpha-toast', run: 'run_1', since: 1700 },
    { kind: 'stalled', subject: 'issue-1', since: 1800 },
    { kind: 'failed', subject: 'issue-2', since: 1900 },
    { kind: 'escalated', subject: 'gt:x-3', since: 2000 },
    { kind: 'model-rate-limit', subject: 'alpha-toast', run: 'run_1' },
    { kind: 'wait', subject: 'per_9', run: 'run_1' },
    { kind: 'wait', subject: 'dialog', run: 'run_1', since: 2100 },
    { kind: 'reported', subject: 'esc_7' },
    { kind: 'reported', subject: 'spooled:1-2' },
  ] as const;
  expect(
    store.escalations
      .open()
      .map(({ key }) => key)
      .reverse(),
  ).toEqual(keys);
  keys.forEach((key, index) =>
    expect(store.escalations.byKey(key)).toMatchObject({ id: `e-${index}`, raisedAt: 5, mailedAt: 6 }),
  );
  store.close();
  folder.remove();
});
