// Loaded by the extension host (`extensionTestsPath`), which calls `run`: runs one file of test/in-host there, with Mocha.

import { writeFile } from 'node:fs/promises';
import Mocha from 'mocha';
import { patience } from '../patience.ts';

/** One test's end. */
export interface Result {
  readonly title: string;
  /** What went wrong, with its stack. */
  readonly error?: string;
}

/** A test that takes longer has failed (ms). */
const TEST_LIMIT = 60_000;

/** Resolves when all tests have passed. In any case they have been written to the report, whose presence says that they ended. */
export async function run(): Promise<void> {
  const mocha = new Mocha({
    timeout: patience(TEST_LIMIT),
    forbidOnly: true,
    forbidPending: true,
    reporter: Mocha.reporters.Base,
  });
  mocha.addFile(given('GASTOWN_IN_HOST_TESTS'));
  const results: Result[] = [];
  await new Promise<void>((resolve) => {
    mocha
      .run(() => resolve())
      .on('pass', (test) => results.push({ title: test.fullTitle() }))
      .on('fail', (test, error: Error) =>
        results.push({ title: test.fullTitle(), error: error.stack ?? error.message }),
      );
  });
  await writeFile(given('GASTOWN_IN_HOST_REPORT'), JSON.stringify(results));
  const failed = results.filter(({ error }) => error !== undefined);
  if (failed.length > 0) throw new Error(`${failed.length} failed`);
}

function given(variable: string): string {
  const value = process.env[variable];
  if (value === undefined) throw new Error(`${variable} is not set`);
  return value;
}
