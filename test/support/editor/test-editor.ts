import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { prepareTools } from '../setup/tools.ts';
import type { Tools } from '../setup/tools.ts';
import { agentPath } from './agent-path.ts';
import { startEditor } from './editor.ts';
import type { Editor, EditorOptions } from './editor.ts';

/** What a test may choose about its editor; the rest is a fresh temporary folder and the pinned tools. */
export type TestEditorOptions = Partial<Omit<EditorOptions, 'editor' | 'browser' | 'folder' | 'home'>> & {
  /** Fills the folders before the editor starts. */
  readonly prepare?: (folders: TestFolders) => Promise<void>;
};

/** The folders of one run, all in its own temporary folder. */
interface TestFolders {
  readonly root: string;
  readonly home: string;
  readonly workspace: string;
}

/** An editor for tests. */
export interface TestEditor extends TestFolders, Editor {
  readonly tools: Tools;
}

/** Starts an editor in a fresh temporary folder, which goes away when it is stopped. */
export async function startTestEditor(options: TestEditorOptions = {}): Promise<TestEditor> {
  const tools = await prepareTools(console.log);
  const root = await mkdtemp(path.join(tmpdir(), 'gastown-editor-'));
  const folders = { root, home: path.join(root, 'home'), workspace: path.join(root, 'workspace') };
  try {
    await mkdir(folders.home);
    await mkdir(folders.workspace);
    await options.prepare?.(folders);
    const editor = await startEditor({
      path: agentPath(tools),
      screenshots: path.resolve('.test-output/screenshots'),
      ...options,
      editor: tools.editor,
      browser: tools.browser,
      folder: root,
      home: folders.home,
    });
    return {
      ...folders,
      ...editor,
      tools,
      stop: async () => {
        const killed = await editor.stop();
        await rm(root, { recursive: true, force: true });
        return killed;
      },
    };
  } catch (error) {
    await rm(root, { recursive: true, force: true });
    throw error;
  }
}
