import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { patience } from './test/support/patience.ts';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string };

// As esbuild does for what ships; a project takes nothing over from above, and Vitest empties what it is given.
const define = () => ({ GT_VERSION: JSON.stringify(version) });

/**
 * When a test is given up that waits for nothing that has a bound of its own (test/support/patience.ts), by what it touches
 * (ms). Never what a test is judged by: the limits are far beyond what any takes on a busy machine.
 */
const giveUp = (minutes: number) => ({ testTimeout: minutes * 60_000, hookTimeout: minutes * 60_000 });
/** What is there a moment after what made it is looked at again for as long as a person would. */
const lookAgain = (interval: number) => ({ poll: { timeout: patience(), interval } });

// Real agents take seconds to start on two cores, and then mostly wait: three files of theirs run side by side, as the
// longest, about a model in trouble, does little but wait. Of editors, which compute more, two.
export default defineConfig({
  test: {
    projects: [
      {
        define: define(),
        // Files share a process and its modules: most of the time of a pure test is the loading of what it tests.
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          exclude: ['**/*.mocked.test.ts'],
          isolate: false,
          unstubEnvs: true,
          unstubGlobals: true,
          ...giveUp(1),
        },
      },
      {
        define: define(),
        test: { name: 'unit-mocked', include: ['test/unit/**/*.mocked.test.ts'], ...giveUp(1) },
      },
      {
        define: define(),
        // What starts git mostly waits for it: one worker a core, where Vitest leaves one core to itself.
        test: {
          name: 'component',
          include: ['test/component/**/*.test.ts'],
          ...giveUp(3),
          expect: lookAgain(20),
          maxWorkers: 2,
        },
      },
      {
        test: { name: 'tools-tests', include: ['test/tools-tests/**/*.test.ts'], ...giveUp(1) },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          ...giveUp(10),
          expect: lookAgain(50),
          maxWorkers: 3,
          pool: 'forks',
        },
      },
      {
        test: {
          name: 'editor',
          include: ['test/editor/**/*.test.ts'],
          ...giveUp(10),
          expect: lookAgain(100),
          maxWorkers: 2,
          pool: 'forks',
        },
      },
    ],
  },
});
