// What `npm test` runs: every check of the project, one after another, all of them even when one fails.
//   npm test                          everything
//   npm test -- --only unit,editor    some steps
// The last line is `N passed, N failed`: tests, and one for each step that is no test run.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { preparePackage } from './support/setup/extension-package.ts';
import { prepareTools } from './support/setup/tools.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const OUTPUT = path.join(ROOT, '.test-output');
const PACKAGE = path.join(OUTPUT, 'gastown.vsix');
const LAYERS = ['shared', 'plugin', 'extension', 'test'].filter((room) => existsSync(path.join(ROOT, room)));

/** One step's result. `failures` has a line for each thing that failed. */
interface Outcome {
  readonly passed: number;
  readonly failures: readonly string[];
}

interface Step {
  readonly name: string;
  /** Steps that must have passed. */
  readonly needs?: readonly string[];
  readonly run: () => Promise<Outcome>;
}

const STEPS: readonly Step[] = [
  { name: 'types', run: () => check('tsc', ['--noEmit']) },
  { name: 'lint', run: () => check('eslint', ['--max-warnings', '0', '.']) },
  { name: 'layers', run: () => check('depcruise', ['--config', '.dependency-cruiser.cjs', ...LAYERS]) },
  { name: 'deadcode', run: () => check('knip', []) },
  { name: 'build', run: () => check('node', ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', 'esbuild.config.mjs']) },
  { name: 'package', needs: ['build'], run: packageExtension },
  { name: 'unit', run: () => tests('unit') },
  { name: 'tools', run: fetchTools },
  { name: 'integration', needs: ['build', 'tools'], run: () => tests('integration') },
  { name: 'editor', needs: ['build', 'tools'], run: () => tests('editor') },
  // Short, and always the same decisions. `npm run soak` goes on for as long as is wanted.
  {
    name: 'soak',
    needs: ['tools'],
    run: () =>
      check('node', [
        '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
        'test/soak/main.ts',
        '--seconds',
        '40',
        '--seed',
        '1',
        '--report',
        path.join(OUTPUT, 'soak.json'),
      ]),
  },
];

/** The program that runs now: when this process is told to end, so is that. */
let running: ChildProcess | undefined;

/** Runs a program of node_modules/.bin with its output shown. Resolves to its exit code. */
function execute(program: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const executable = program === 'node' ? process.execPath : path.join(ROOT, 'node_modules/.bin', program);
    running = spawn(executable, [...args], { cwd: ROOT, stdio: 'inherit' });
    running.once('error', reject);
    running.once('exit', (code) => resolve(code ?? 1));
  });
}

async function check(program: string, args: readonly string[]): Promise<Outcome> {
  const code = await execute(program, args);
  return code === 0 ? { passed: 1, failures: [] } : { passed: 0, failures: [`${program} ended with code ${code}`] };
}

/** Editor tests install this package, so it is made before them. */
async function packageExtension(): Promise<Outcome> {
  const outcome = await check('vsce', await preparePackage(PACKAGE));
  if (outcome.failures.length === 0)
    console.log(`${path.relative(ROOT, PACKAGE)}: ${Math.ceil(statSync(PACKAGE).size / 1024)} KB`);
  return outcome;
}

/** Brings the editor, the browser and the agents before the tests, so that progress is seen. */
async function fetchTools(): Promise<Outcome> {
  const { editor, browser, opencode, claude } = await prepareTools(console.log);
  console.log(
    `VS Code ${editor.version}, ${browser.version}, Opencode ${opencode.version}, Claude Code ${claude.version}`,
  );
  return { passed: 1, failures: [] };
}

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

async function tests(project: string): Promise<Outcome> {
  const report = path.join(OUTPUT, `${project}.json`);
  rmSync(report, { force: true });
  const code = await execute('vitest', [
    'run',
    '--project',
    project,
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
  return { passed: numPassedTests, failures };
}

/** Tests that did not pass, skipped ones included; a file that could not be loaded counts as one. */
function failuresOf(file: Report['testResults'][number]): string[] {
  const name = path.relative(ROOT, file.name);
  const failed = file.assertionResults.filter((test) => test.status !== 'passed');
  if (failed.length === 0 && file.status !== 'passed') return [`${name}: ${firstLine(file.message)}`];
  return failed.map((test) => `${name}: ${test.fullName}: ${firstLine(test.failureMessages?.[0] ?? test.status)}`);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** The steps to run: those asked for, with what they need; tests whose folder does not exist are left out. */
function chosenSteps(): Step[] {
  const { values } = parseArgs({ options: { only: { type: 'string' } } });
  const present = STEPS.filter(
    ({ name }) => !['unit', 'integration', 'editor'].includes(name) || existsSync(path.join(ROOT, 'test', name)),
  );
  if (values.only === undefined) return present;
  const asked = values.only.split(',');
  const unknown = asked.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0) {
    throw new Error(`Unknown step ${unknown.join(', ')}. The steps are: ${STEPS.map((step) => step.name).join(', ')}.`);
  }
  const needed = new Set(
    STEPS.filter((step) => asked.includes(step.name)).flatMap((step) => [step.name, ...(step.needs ?? [])]),
  );
  return present.filter((step) => needed.has(step.name));
}

async function runStep(step: Step, failed: ReadonlySet<string>): Promise<Outcome> {
  const missing = (step.needs ?? []).filter((name) => failed.has(name));
  if (missing.length > 0) return { passed: 0, failures: [`not run, because it needs: ${missing.join(', ')}`] };
  try {
    return await step.run();
  } catch (error) {
    return { passed: 0, failures: [error instanceof Error ? error.message : String(error)] };
  }
}

async function main(): Promise<void> {
  mkdirSync(OUTPUT, { recursive: true });
  const failed = new Set<string>();
  const summary: string[] = [];
  let passedCount = 0;
  let failedCount = 0;
  for (const step of chosenSteps()) {
    console.log(`\n━━ ${step.name}`);
    const start = performance.now();
    const { passed, failures } = await runStep(step, failed);
    if (failures.length > 0) failed.add(step.name);
    passedCount += passed;
    failedCount += failures.length;
    const counts = failures.length > 0 ? `${passed} passed, ${failures.length} failed` : `${passed} passed`;
    const time = `${((performance.now() - start) / 1000).toFixed(1)} s`;
    summary.push(`${failures.length > 0 ? '✗' : '✓'} ${step.name.padEnd(12)} ${time.padStart(8)}  ${counts}`);
    summary.push(...failures.map((line) => `    ${line}`));
  }
  console.log(`\n━━ summary\n${summary.join('\n')}`);
  console.log(`${passedCount} passed, ${failedCount} failed`);
  process.exitCode = failedCount > 0 || passedCount === 0 ? 1 : 0;
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => {
    running?.kill(signal);
    process.exit(code);
  });
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
