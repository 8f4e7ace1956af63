import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { execute } from './programs.ts';
import type { Outcome, Voice } from './step.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');

/** The part of Vitest's JSON report that is read here. */
interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

/** Runs the tests of one project of vitest.config.ts, and of those whose names continue its own; `output` is the folder for the report. */
export async function runProject(voice: Voice, project: string, output: string): Promise<Outcome> {
  const report = path.join(output, `${project}.json`);
  rmSync(report, { force: true });
  const code = await execute(voice, 'vitest', [
    'run',
    '--project',
    `${project}*`,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  if (!existsSync(report)) return { passed: 0, failures: [`vitest ended with code ${code} and left no report`] };
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  const failures = testResults.flatMap((file) => failuresOf(file));
  if (failures.length === 0 && code !== 0)
    failures.push(`vitest ended with code ${code}, though no test failed: see above`);
  if (failures.length === 0 && numPassedTests === 0) failures.push('no test ran');
  return { passed: numPassedTests, failures, skipped: testResults.flatMap((file) => skippedOf(file)) };
}

/** Tests that failed; a file that could not be loaded counts as one. */
function failuresOf(file: Report['testResults'][number]): string[] {
  const name = path.relative(ROOT, file.name);
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0 && file.status === 'failed') return [`${name}: ${firstLine(file.message)}`];
  return failed.map((test) => `${name}: ${test.fullName}: ${firstLine(test.failureMessages?.[0] ?? test.status)}`);
}

/** Tests that did not run: here they cannot (`skipIf`, `runIf`), or one before them in the same editor failed. */
function skippedOf({ name, assertionResults }: Report['testResults'][number]): string[] {
  return assertionResults
    .filter(({ status }) => status !== 'passed' && status !== 'failed')
    .map(({ fullName }) => `${path.relative(ROOT, name)}: ${fullName}`);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
