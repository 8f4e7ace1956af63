// Takes the place of the desktop's program where `runTests` of @vscode/test-electron starts one:
//   node editor-program.ts --tools=JSON <folder> --user-data-dir=DIR --extensionDevelopmentPath=DIR --extensionTestsPath=FILE
// Starts the server build with a headless browser, opens the folder there, and ends with the code of the tests. What the window
// said is in window.log beside the user data.

import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startEditor } from '../editor/editor.ts';
import type { Editor } from '../editor/editor.ts';
import type { Tools } from '../setup/tools.ts';

/** What `runTests` has no argument for. */
export type EditorProgramTools = Pick<Tools, 'editor' | 'browser'>;

const {
  values,
  positionals: [workspace],
} = parseArgs({
  // `runTests` has more arguments, for Electron.
  strict: false,
  options: {
    tools: { type: 'string' },
    'user-data-dir': { type: 'string' },
    extensionDevelopmentPath: { type: 'string' },
    extensionTestsPath: { type: 'string' },
  },
});
const tools = JSON.parse(String(values.tools)) as EditorProgramTools;
const folder = path.dirname(String(values['user-data-dir']));
const { HOME = folder, PATH = '', GASTOWN_IN_HOST_TESTS = '', GASTOWN_IN_HOST_REPORT = '' } = process.env;
const editor = await startEditor({
  ...tools,
  folder,
  home: HOME,
  path: PATH,
  env: { GASTOWN_IN_HOST_TESTS, GASTOWN_IN_HOST_REPORT },
  screenshots: folder,
  extensionDevelopmentPath: String(values.extensionDevelopmentPath),
});
const log = createWriteStream(path.join(folder, 'window.log'));
const ended = editor.runTests(workspace!, String(values.extensionTestsPath), (line) => log.write(`${line}\n`));
const code = await Promise.race([ended, abandoned()]);
process.exitCode = (await stop(editor)) ? code : 1;
process.stdin.destroy();

/** Resolves when whoever started this program is gone, or tells it to end. */
function abandoned(): Promise<number> {
  return new Promise((resolve) => {
    process.stdin.resume().once('end', () => resolve(1));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(1));
  });
}

/** Whether everything ended by itself. */
async function stop({ stop: end }: Editor): Promise<boolean> {
  const killed = await end();
  for (const { pid, command } of killed) console.error(`had to be killed: ${pid} ${command}`);
  return killed.length === 0;
}
