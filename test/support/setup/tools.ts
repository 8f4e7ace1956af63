import { claude, opencode } from './agents.ts';
import type { AgentProgram } from './agents.ts';
import { browser } from './browser.ts';
import type { Browser } from './browser.ts';
import { serverEditor } from './editor.ts';
import type { ServerEditor } from './editor.ts';
import type { Say } from './progress.ts';

/** Everything that runs beside the project's own code. All paths are absolute. */
export interface Tools {
  readonly editor: ServerEditor;
  readonly browser: Browser;
  readonly opencode: AgentProgram;
  readonly claude: AgentProgram;
}

/**
 * Brings the editor, a browser and both agent programs, each pinned, into the per-user cache. When all is there it
 * needs no network and says nothing. Throws SetupError with the remedy.
 */
export async function prepareTools(say: Say): Promise<Tools> {
  return {
    editor: await serverEditor(say),
    browser: await browser(say),
    opencode: await opencode(say),
    claude: await claude(say),
  };
}
