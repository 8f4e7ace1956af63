import type { AgentSettings } from '../../shared/config/agent-settings.ts';
import { parseSettings } from '../../shared/config/parse-settings.ts';
import { readBounded } from '../../shared/platform/read-bounded.ts';
import { rigSettings } from '../../shared/config/rig-settings.ts';
import { settingsPath } from '../../shared/config/settings-path.ts';
import { townSettings } from '../../shared/config/town-settings.ts';
import { unlessMissing } from '../../shared/platform/files.ts';
import { backends } from '../../shared/host/backends.ts';
import { findProgram } from '../../shared/platform/find-program.ts';
import type { TownSnapshot } from '../../shared/channel/views.ts';

/** An agent that can be chosen, with the program that it runs. */
export interface KnownAgent {
  name: string;
  command: string;
}

/** The agents that a rig's sessions can run (the town's, without a rig). What cannot be read is told by the town. */
export async function knownAgents(root: string, rigPath?: string): Promise<KnownAgent[]> {
  const ofTown = parseSettings(await read(root), townSettings, root).value?.agents ?? {};
  const ofRig =
    rigPath === undefined ? {} : (parseSettings(await read(rigPath), rigSettings, rigPath).value?.agents ?? {});
  const builtIn = Object.fromEntries(backends.map(({ name }) => [name, {}]));
  const programOf = (name: string): string => backends.find((backend) => backend.name === name)?.program ?? name;
  const all: Record<string, AgentSettings> = { ...builtIn, ...ofTown, ...ofRig };
  return Object.entries(all).map(([name, { command, provider }]) => ({
    name,
    command: command ?? programOf(provider ?? name),
  }));
}

/** Whether any agent of the town or its rigs has its program on this machine. */
export async function anyAgentProgram(
  snapshot: TownSnapshot,
  environment: Readonly<Record<string, string>>,
): Promise<boolean> {
  const places: (string | undefined)[] = [undefined, ...snapshot.rigs.map((rig) => rig.path)];
  const agents = await Promise.all(places.map((rigPath) => knownAgents(snapshot.root, rigPath)));
  const commands = new Set(agents.flat().map((agent) => agent.command));
  for (const command of commands) {
    if ((await findProgram(command, environment, { cwd: snapshot.root })) !== undefined) return true;
  }
  return false;
}

async function read(root: string): Promise<string> {
  try {
    return (await unlessMissing(readBounded(settingsPath(root)))) ?? '{}';
  } catch {
    // It is a problem of the town's, with its reason; here it only means that it defines no agents.
    return '{}';
  }
}
