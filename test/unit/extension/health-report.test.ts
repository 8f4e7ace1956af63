import { expect, test } from 'vitest';
import { healthReport } from '../../../extension/commands/health-report.ts';
import type { DoctorCheck } from '../../../shared/channel/protocol.ts';
import { context } from './fixtures.ts';

const check = (name: string, state: DoctorCheck['state']): DoctorCheck => ({ name, state, detail: 'as it is' });
/** The sentence that the report begins with. */
const summary = (works: boolean, ...checks: DoctorCheck[]): string | undefined =>
  healthReport(
    'town',
    { backends: [{ name: 'claude', ok: works, detail: 'as it is' }] },
    { checks: [check('backend claude', works ? 'ok' : 'error'), ...checks] },
    context.t,
  ).split('\n')[2];

test('everything works only where nothing is wrong', () => {
  expect(summary(true, check('git', 'ok'))).toBe('Everything works.');
  expect(summary(true, check('rigs', 'warning'))).toBe('No errors, 1 warning.');
  expect(summary(true, check('rigs', 'warning'), check('trust', 'warning'))).toBe('No errors, 2 warnings.');
});

test('what is wrong is counted, a backend once', () => {
  expect(summary(false)).toBe('1 error, no warnings.');
  expect(summary(false, check('git', 'error'), check('rigs', 'warning'))).toBe('2 errors, 1 warning.');
});
