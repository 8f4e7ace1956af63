import { existsSync } from 'node:fs';
import path from 'node:path';
import { agentPath } from '../support/editor/agent-path.ts';
import { startDesktopEditor } from '../support/editor/desktop.ts';
import type { EditorPage } from '../support/editor/editor-page.ts';
import { startEditor } from '../support/editor/editor.ts';
import { processesOf } from '../support/editor/processes.ts';
import type { ProcessFact } from '../support/editor/processes.ts';
import { desktopEditor } from '../support/setup/desktop.ts';
import { packageExtension } from '../support/setup/extension-package.ts';
import { mustRun } from '../support/setup/run-program.ts';
import { TownWatcher } from '../support/town-watcher.ts';
import { prepareTools } from '../support/setup/tools.ts';
import type { Tools } from '../support/setup/tools.ts';
import { makeDemoTown } from './demo-town.ts';
import type { DemoTown } from './demo-town.ts';
import type { StartOptions } from './options.ts';
import { writeReport } from './report.ts';
import type { Report } from './report.ts';
import { Steps } from './steps.ts';
import { runWorkflow } from './workflow.ts';
import type { Seen } from './workflow.ts';

interface DemoEditor {
  open(workspace: string): Promise<EditorPage>;
  stop(): Promise<ProcessFact[]>;
  /** How the user gets there. */
  where: string;
}

/**
 * Runs the demo. Resolves when it has ended and nothing of it is left; rejects where anything was not seen, or when it
 * was interrupted before all was.
 */
export async function runDemo(options: StartOptions, interrupted: Promise<void>): Promise<void> {
  const steps = new Steps();
  const tools = await steps.run('set up (editor, browser, agents)', () => prepareTools(console.log));
  const vsix = await packageExtension(console.log);
  console.log('No agent account is used: the agents talk to a scripted model on this machine.');
  const demo = await makeDemoTown(agentPath(tools));
  const opening = steps.run('open VS Code with the extension', () => openEditor(tools, vsix, demo, options.desktop));
  let report: Report | undefined;
  try {
    const editor = await opening;
    report = await Promise.race([play(editor, tools, demo, steps), interrupted.then(() => undefined)]);
    if (report && !options.once) {
      console.log(`\nThe town is open ${editor.where}.\nPress Ctrl-C to end it.`);
      await interrupted;
    }
  } finally {
    // What can be ended in an orderly way is; the rest is killed, and counted.
    await steps
      .run('stop every session', () => stopSessions(demo))
      .catch((error: unknown) => console.log(String(error)));
    const killed = await opening.then(
      (editor) => editor.stop(),
      () => [],
    );
    for (const { command } of killed) console.log(`left over and killed: ${command}`);
    if (report) report.orphans = killed.length + processesOf(demo.folder).length;
    await demo.remove();
  }
  if (!report) throw new Error('Interrupted before all of the workflow was seen.');
  report.steps = steps.done;
  if (options.report !== undefined) await writeReport(options.report, report);
  if (report.orphans > 0) throw new Error(`${report.orphans} processes were left over.`);
}

/** Opens the window and goes through the workflow in it. */
async function play(editor: DemoEditor, tools: Tools, demo: DemoTown, steps: Steps): Promise<Report> {
  const page = await editor.open(demo.town);
  try {
    const seen = await runWorkflow(page, demo, steps);
    const report = await makeReport(tools, steps, demo, seen);
    seen.watcher.close();
    await printResult(report, demo);
    return report;
  } catch (error) {
    // A window that was closed by an interruption cannot be photographed any more; the error itself is thrown anyway.
    await page.screenshot('failure').then(
      (file) => console.log(`What the editor showed: ${file}`),
      () => undefined,
    );
    throw error;
  }
}

/** Stops every session of the town, where the town has been created. */
async function stopSessions(demo: DemoTown): Promise<void> {
  if (!existsSync(path.join(demo.town, '.runtime', 'host.json'))) return;
  const watcher = await TownWatcher.connect(demo.town);
  const alive = watcher.snapshot.sessions.filter((each) => each.state === 'running' || each.state === 'starting');
  for (const { id } of alive) await watcher.request('session.stop', { session: id });
  watcher.close();
}

/**
 * The server build in a browser of its own, also where there is a display: that is what the tests drive. A desktop
 * VS Code only where it is asked for.
 */
async function openEditor(tools: Tools, vsix: string, demo: DemoTown, desktop: boolean): Promise<DemoEditor> {
  const common = {
    folder: demo.folder,
    home: demo.home,
    path: agentPath(tools),
    env: demo.env,
    vsix: [vsix],
    screenshots: path.resolve('.test-output/start'),
  };
  if (desktop) {
    const started = await startDesktopEditor({ ...common, desktop: await desktopEditor(console.log) });
    return { ...started, where: 'in the window of VS Code' };
  }
  const editor = await startEditor({ ...common, editor: tools.editor, browser: tools.browser });
  return { open: editor.open, stop: editor.stop, where: `at ${editor.address(demo.town)}` };
}

async function makeReport(
  tools: Tools,
  steps: Steps,
  demo: DemoTown,
  { watcher, screenshots, forecast }: Seen,
): Promise<Report> {
  const { sessions, work } = watcher.snapshot;
  const { messages } = await watcher.request('message.list', {});
  const { merges } = await watcher.request('merge.list', { all: true });
  return {
    editor: tools.editor.version,
    opencode: tools.opencode.version,
    claude: tools.claude.version,
    steps: steps.done,
    agents: sessions.map(({ backend, role, agentName, rig, state }) => ({
      backend,
      role,
      name: agentName,
      rig,
      state,
    })),
    work: work.map(({ id, owner, state, branch, commits }) => ({
      id,
      session: owner ?? '',
      state,
      branch: branch ?? '',
      commits: commits ?? 0,
    })),
    merges: merges.map(({ work: unit, state, target, size }) => ({
      work: unit,
      state,
      target,
      commits: size?.commits ?? 0,
    })),
    forecast,
    messages: messages.map(({ from, to, kind, state }) => ({ from, to, type: kind, state })),
    screenshots: screenshots.map((file) => path.relative(process.cwd(), file)),
    orphans: 0,
  };
}

async function printResult(report: Report, demo: DemoTown): Promise<void> {
  console.log('\nBACKEND   ROLE      NAME      RIG        STATE');
  for (const { backend, role, name, rig, state } of report.agents) {
    console.log([backend.padEnd(8), role.padEnd(8), (name || '-').padEnd(8), (rig || '-').padEnd(9), state].join('  '));
  }
  console.log('');
  for (const { work, against, files } of report.forecast)
    console.log(`forecast: ${work} conflicts with ${against} in ${files.join(', ')}`);
  console.log('\nWORK      STATE     INTO  COMMITS');
  for (const { work, state, target, commits } of report.merges)
    console.log([work.padEnd(8), state.padEnd(8), target.padEnd(4), commits].join('  '));
  console.log(`\n${(await mustRun('git', ['log', '--graph', '--oneline', 'main'], { cwd: demo.rig })).trimEnd()}`);
  console.log(`\nScreenshots: ${report.screenshots.join(', ')}`);
}
