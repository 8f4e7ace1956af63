import { defineConfig } from 'vitest/config';

// Real agents take seconds to start on two cores, and then mostly wait: two integration files
// run side by side, editor files one after another, unit tests in parallel.
// What is seen in the editor is there a moment after what made it: looked at again for as long as a person would.
const LOOK_AGAIN = { timeout: 30_000, interval: 100 };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 10_000 } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          pool: 'forks',
        },
      },
      {
        test: {
          name: 'editor',
          include: ['test/editor/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
          expect: { poll: LOOK_AGAIN },
          pool: 'forks',
        },
      },
    ],
  },
});
