import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { settingsPath } from '../../shared/config/settings-path.ts';
import { agentEnvironment, makeAgentHome } from '../support/agent-home.ts';
import { demoRules } from '../support/demo/behaviours.ts';
import { startScriptedModel } from '../support/model/server.ts';
import type { ScriptedModel } from '../support/model/server.ts';

import { mustRun } from '../support/setup/run-program.ts';

/** Everything of one demo, in a temporary folder of its own. */
export interface DemoTown {
  folder: string;
  home: string;
  /** The folder that becomes the town; empty at first. */
  town: string;
  /** A sample repository. */
  rig: string;
  env: Record<string, string>;
  model: ScriptedModel;
  remove(): Promise<void>;
}

export const rigName = 'myproject';

/** `agents` is the PATH on which the agents are. */
export async function makeDemoTown(agents: string): Promise<DemoTown> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'gastown-demo-')));
  const home = path.join(folder, 'home');
  const town = path.join(folder, 'town');
  const rig = path.join(folder, rigName);
  await mkdir(town);
  await makeSampleRepository(rig);
  const model = await startScriptedModel();
  for (const rule of demoRules) model.on(rule);
  await makeAgentHome(home, { model: model.url, trusted: [town, rig], path: agents });
  return {
    folder,
    home,
    town,
    rig,
    env: agentEnvironment(model.url),
    model,
    remove: async () => {
      await model.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeSampleRepository(rig: string): Promise<void> {
  await mkdir(rig);
  await writeFile(
    path.join(rig, 'README.md'),
    '# My project\n\nA sample rig of the demo town.\n\n## Notes\n\nNone yet.\n',
  );
  // As a team has it in its repository: the refinery gets what conflicts.
  const settings = { type: 'rig-settings', version: 1, merge_queue: { on_conflict: 'auto_rebase' } };
  await mkdir(path.dirname(settingsPath(rig)));
  await writeFile(settingsPath(rig), `${JSON.stringify(settings, null, 2)}\n`);
  const git = (...args: string[]): Promise<string> => mustRun('git', args, { cwd: rig });
  await git('init', '-q', '-b', 'main');
  await git('config', 'user.name', 'Demo Person');
  await git('config', 'user.email', 'person@example.com');
  await git('add', '.');
  await git('commit', '-q', '-m', 'Begin');
}
