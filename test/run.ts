// What `npm test` runs: every check of the project, stage after stage, all of them even when one fails.
//   npm test                          everything
//   npm test -- --only unit,editor    some steps
// The last line is `N passed, N failed`: tests, and one for each step that is no test run.

import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { valuesOf } from './support/command-line.ts';
import { runInHost } from './support/in-host/run.ts';
import { preparePackage } from './support/setup/extension-package.ts';
import { prepareTools } from './support/setup/tools.ts';
import { check, endPrograms } from './support/steps/programs.ts';
import { runStages } from './support/steps/run-stages.ts';
import type { Outcome, Stage, Step, Voice } from './support/steps/step.ts';
import { runProject } from './support/steps/vitest-project.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const OUTPUT = path.join(ROOT, '.test-output');
const PACKAGE = path.join(OUTPUT, 'gastown.vsix');
const LAYERS = ['shared', 'plugin', 'extension', 'test'].filter((room) => existsSync(path.join(ROOT, room)));

const program = (name: string, command: string, args: readonly string[], needs: readonly string[] = []): Step => ({
  name,
  needs,
  run: (voice) => check(voice, command, args),
});
const tests = (name: string, needs: readonly string[] = []): Step => ({
  name,
  needs,
  run: (voice) => runProject(voice, name, OUTPUT),
});

// What only reads and computes fills the cores side by side. What starts programs has them to itself: it is about what
// comes when.
const STAGES: readonly Stage[] = [
  [
    program('types', 'tsc', ['--noEmit']),
    program('lint', 'eslint', ['--max-warnings', '0', '.']),
    program('format', 'prettier', ['--check', '--cache', '--log-level', 'warn', '.']),
    program('layers', 'depcruise', ['--config', '.dependency-cruiser.cjs', ...LAYERS]),
    program('deadcode', 'knip', []),
    tests('unit'),
    tests('tools-tests'),
    // With what each bundle is made of: told, not judged.
    program('build', 'node', ['esbuild.config.mjs', '--meta']),
    { name: 'package', needs: ['build'], run: packageExtension },
  ],
  [{ name: 'tools', run: fetchTools }],
  [tests('component')],
  [tests('integration', ['build', 'tools'])],
  [{ name: 'in-host', needs: ['build', 'tools'], run: ({ say }) => runInHost(say) }],
  [tests('editor', ['build', 'tools'])],
  // Short, and always the same decisions. `npm run soak` goes on for as long as is wanted.
  [
    program(
      'soak',
      'node',
      ['test/soak/main.ts', '--seconds', '40', '--seed', '1', '--report', path.join(OUTPUT, 'soak.json')],
      ['tools'],
    ),
  ],
];

/** Editor tests install this package, so it is made before them. */
async function packageExtension(voice: Voice): Promise<Outcome> {
  const outcome = await check(voice, 'vsce', await preparePackage(PACKAGE));
  if (outcome.failures.length === 0)
    voice.say(`${path.relative(ROOT, PACKAGE)}: ${Math.ceil(statSync(PACKAGE).size / 1024)} KB`);
  return outcome;
}

/** Brings the editor, the browser and the agents before the tests, so that progress is seen. */
async function fetchTools({ say }: Voice): Promise<Outcome> {
  const { editor, browser, opencode, claude } = await prepareTools(say);
  say(`VS Code ${editor.version}, ${browser.version}, Opencode ${opencode.version}, Claude Code ${claude.version}`);
  return { passed: 1, failures: [] };
}

/** The steps to run: those asked for, with what they need. */
function chosenStages(): Stage[] {
  const values = valuesOf(process.argv.slice(2), { only: { type: 'string' } });
  const steps = STAGES.flat();
  const asked = values.only?.split(',') ?? steps.map(({ name }) => name);
  const unknown = asked.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    throw new Error(`Unknown step ${unknown.join(', ')}. The steps are: ${steps.map(({ name }) => name).join(', ')}.`);
  }
  const needed = new Set(
    steps.filter(({ name }) => asked.includes(name)).flatMap(({ name, needs = [] }) => [name, ...needs]),
  );
  return STAGES.map((stage) => stage.filter(({ name }) => needed.has(name))).filter((stage) => stage.length > 0);
}

async function main(): Promise<void> {
  mkdirSync(OUTPUT, { recursive: true });
  const { passed, failed, summary } = await runStages(chosenStages(), (text) => process.stdout.write(text));
  console.log(`\n━━ summary\n${summary.join('\n')}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => {
    endPrograms(signal);
    process.exit(code);
  });
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
