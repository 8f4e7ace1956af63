import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { backends } from '../../../shared/host/backends.ts';
import { createTown } from '../../../shared/config/create-town.ts';
import { townPaths } from '../../../shared/config/town-paths.ts';
import { messageOf } from '../../../shared/platform/errors.ts';
import { makeAgentHome } from '../agent-home.ts';
import { makeRepository } from '../core.ts';
import { agentPath } from '../editor/agent-path.ts';
import { displayVariables } from '../editor/desktop.ts';
import { endProcessesOf, processesOf, sendSignal } from '../editor/processes.ts';
import { quietSettings } from '../editor/settings.ts';
import { patience } from '../patience.ts';
import { desktopEditor } from '../setup/desktop.ts';
import type { Say } from '../setup/progress.ts';
import { SetupError } from '../setup/setup-error.ts';
import { prepareTools } from '../setup/tools.ts';
import { keysOf, writeProbe } from './context-key-probe.ts';
import type { Manifest } from './context-key-probe.ts';
import type { EditorProgramTools } from './editor-program.ts';
import type { Result } from './inside.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const bundles = path.join(root, '.test-output/in-host');

/** An editor as `runTests` starts it. */
interface EditorProgram {
  readonly name: string;
  readonly executable: string;
  /** What comes before the folder to open. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A file of test/in-host, and whether the folder of its window is a town. */
interface Window {
  readonly name: string;
  readonly isTown: boolean;
}

const windows: readonly Window[] = [
  { name: 'town', isTown: true },
  { name: 'plain', isTown: false },
];

/** A window whose tests have not ended by then is ended (ms). It takes a quarter of a minute. */
const WINDOW_LIMIT = 180_000;
/** How long what a window has started may take to end by itself (ms). */
const STOP_LIMIT = 10_000;
/** So much of what a window said is shown where it failed (lines). */
const SAID_LINES = 40;

/**
 * Runs test/in-host in the extension host of the pinned server build, and of a desktop editor where there is one; says
 * why where there is none. Needs the built extension.
 */
export async function runInHost(say: Say): Promise<{ passed: number; failures: string[] }> {
  await bundle();
  const tools = await prepareTools(say);
  const editors = [serverProgram(tools)];
  try {
    const { electron } = await desktopEditor(say, 'The same tests run in the server build.');
    editors.push({ name: 'desktop', executable: electron, args: [], env: displayVariables() });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`Not run in a desktop editor: ${error.message}`);
  }
  const outcome = { passed: 0, failures: [] as string[] };
  for (const editor of editors) {
    for (const window of windows) {
      const { passed, failures } = await runWindow(editor, window, agentPath(tools), say);
      outcome.passed += passed;
      outcome.failures.push(...failures.map((failure) => `${editor.name}, ${window.name}: ${failure}`));
    }
  }
  return outcome;
}

/** The extension host loads CommonJS, also an older one of the desktop; Mocha is found from there. */
async function bundle(): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: ['test/support/in-host/inside.ts', ...windows.map(({ name }) => `test/in-host/${name}.test.ts`)],
    outdir: bundles,
    entryNames: '[name]',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

/** The server build behind the arguments of a desktop editor. */
function serverProgram({ editor, browser }: EditorProgramTools): EditorProgram {
  const program = path.join(import.meta.dirname, 'editor-program.ts');
  const args = [program, `--tools=${JSON.stringify({ editor, browser })}`];
  return { name: 'server build', executable: process.execPath, args, env: {} };
}

/** One window in folders of its own, from its start to its end. */
async function runWindow(
  editor: EditorProgram,
  window: Window,
  PATH: string,
  say: Say,
): Promise<{ passed: number; failures: string[] }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gastown-in-host-'));
  const bound = patience(WINDOW_LIMIT);
  const limit = setTimeout(() => {
    say(`  not at its end after ${bound / 1000} s`);
    for (const { pid } of processesOf(folder)) sendSignal(pid, 'SIGKILL');
  }, bound);
  try {
    const workspace = path.join(folder, 'workspace');
    const report = path.join(folder, 'report.json');
    const home = path.join(folder, 'home');
    await prepare(folder, { workspace, home, path: PATH }, window.isTown);
    say(`${editor.name}, ${window.name}:`);
    const ended = await runTests({
      vscodeExecutablePath: editor.executable,
      launchArgs: [
        ...editor.args,
        workspace,
        `--user-data-dir=${path.join(folder, 'user-data')}`,
        `--extensions-dir=${path.join(folder, 'extensions')}`,
      ],
      extensionDevelopmentPath: root,
      extensionTestsPath: path.join(bundles, 'inside.cjs'),
      extensionTestsEnv: {
        ...withoutOwn(),
        HOME: home,
        PATH,
        LANG: 'C.UTF-8',
        ...editor.env,
        GASTOWN_IN_HOST_TESTS: path.join(bundles, `${window.name}.test.cjs`),
        GASTOWN_IN_HOST_REPORT: report,
      },
    }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const results = existsSync(report) ? (JSON.parse(await readFile(report, 'utf8')) as Result[]) : undefined;
    for (const { title, error } of results ?? []) say(error === undefined ? `  ✓ ${title}` : `  ✗ ${title}\n${error}`);
    const failures = failuresOf(results, ended);
    // The editor deactivates the extension, in whichever state the tests left it; its extension host ends a moment after it.
    for (const { command } of await endProcessesOf(folder, STOP_LIMIT)) failures.push(`had to be killed: ${command}`);
    if (existsSync(townPaths(workspace).hostFile)) failures.push('the host of the town did not end with the window');
    if (failures.length > 0) say(await lastSaid(path.join(folder, 'window.log')));
    return { passed: (results ?? []).filter(({ error }) => error === undefined).length, failures };
  } finally {
    clearTimeout(limit);
    await rm(folder, { recursive: true, force: true });
  }
}

interface Places {
  readonly workspace: string;
  readonly home: string;
  readonly path: string;
}

/** What a window finds: its folder, a repository beside it, settings, the probe, a home. */
async function prepare(folder: string, { workspace, home, path: agents }: Places, isTown: boolean): Promise<void> {
  const manifest = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as Manifest;
  const user = path.join(folder, 'user-data/User');
  for (const each of [workspace, user]) await mkdir(each, { recursive: true });
  await writeFile(path.join(user, 'settings.json'), JSON.stringify(quietSettings(false)));
  await writeProbe(path.join(folder, 'extensions'), keysOf(manifest));
  // No test here starts an agent: no model answers.
  await makeAgentHome(home, { model: 'http://127.0.0.1:9', trusted: [], path: agents });
  makeRepository(path.join(folder, 'rig'));
  if (isTown) await createTown(workspace, backends);
}

/** The editor's code says nothing where the extension host has died: it is 0 then, and there is no report. */
function failuresOf(results: readonly Result[] | undefined, ended: unknown): string[] {
  const how = ended === undefined ? 'with code 0' : `(${messageOf(ended)})`;
  if (results === undefined) return [`the window ended ${how} before its tests had`];
  if (results.length === 0) return ['no test ran'];
  const failures = results.flatMap(({ title, error }) =>
    error === undefined ? [] : [`${title}: ${error.split('\n', 1)[0]}`],
  );
  if (failures.length === 0 && ended !== undefined) failures.push(`the window ended ${how}, though no test failed`);
  return failures;
}

/** `runTests` hands this process's environment on; whatever stands here as undefined, it does not. */
function withoutOwn(): Record<string, undefined> {
  return Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]));
}

/** What the desktop says has been shown already. */
async function lastSaid(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-SAID_LINES).join('\n');
}
