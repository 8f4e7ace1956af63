import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { backends } from '../../shared/host/backends.ts';
import { createTown } from '../../shared/config/create-town.ts';
import type { BundledFiles } from '../../shared/host/host-options.ts';
import { agentEnvironment, makeAgentHome } from './agent-home.ts';
import { makeRepository, temporaryFolder } from './core.ts';
import { agentPath } from './editor/agent-path.ts';
import { startScriptedModel } from './model/server.ts';
import type { ScriptedModel } from './model/server.ts';
import { prepareTools } from './setup/tools.ts';

const dist = path.resolve(import.meta.dirname, '../../dist');

/** What the build has put into dist/ for agents. */
export const bundledFiles: BundledFiles = {
  reporters: path.join(dist, 'plugin'),
  gt: path.join(dist, 'plugin/gt.js'),
  prompts: path.join(dist, 'roles'),
};

/** A town that nobody hosts yet, and all that its agents need: a home, a repository, the scripted model. */
export interface TownFolder {
  /** Holds everything else; a process whose environment names it belongs to this town. */
  folder: string;
  root: string;
  /** A repository that both agents trust, to be added as a rig. */
  rig: string;
  model: ScriptedModel;
  /** From which the agents' environment is derived. */
  environment: Record<string, string | undefined>;
  remove: () => void;
}

/** Brings the tools and makes the folder. Whoever asks closes the model and removes the folder. */
export async function makeTownFolder(): Promise<TownFolder> {
  const tools = await prepareTools(console.log);
  const { path: folder, remove } = temporaryFolder('town');
  const root = path.join(folder, 'town');
  const home = path.join(folder, 'home');
  const rig = makeRepository(path.join(folder, 'alpha'));
  await mkdir(root);
  await createTown(root, backends);
  const model = await startScriptedModel();
  await makeAgentHome(home, { model: model.url, trusted: [root, rig], path: agentPath(tools) });
  const environment = {
    HOME: home,
    PATH: agentPath(tools),
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    SHELL: '/bin/bash',
    ...agentEnvironment(model.url),
  };
  return { folder, root, rig, model, environment, remove };
}
