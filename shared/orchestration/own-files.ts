import { join } from 'node:path';
import { pluginPlace } from '../config/agents.ts';
import type { BackendDescriptor, Backends, Leftover, Leftovers } from '../backends/backend.ts';
import type { ResolvedAgent } from '../domain/agent.ts';
import type { Town } from './town.ts';

type Parts = Pick<Town, 'settings' | 'rigs' | 'store'> & { backends: Backends };

/** Where agents' settings have the backend's plugin put, below a work dir. */
function pluginPlaces(
  { settings, rigs, store }: Parts,
  backend: BackendDescriptor,
): NonNullable<ResolvedAgent['hooks']>[] {
  const all = rigs.names().map((name) => rigs.get(name));
  const configured = [settings.value.agents, ...all.map((rig) => rig.settings.agents)].flatMap((agents) =>
    Object.values(agents ?? {}),
  );
  const ofSessions = store.sessions
    .all()
    .flatMap(({ session: { agent } }) => (agent.backend === backend.name ? [agent.hooks] : []));
  return [...configured.map((agent) => pluginPlace(agent, backend)), ...ofSessions].filter(
    (place) => place !== undefined,
  );
}

/** What the town itself has left in these work dirs, and whose hand takes it away again. */
export async function leftoversIn(
  parts: Parts,
  directories: readonly string[],
): Promise<{ leftover: Leftover; by: Leftovers }[]> {
  const found = await Promise.all(
    parts.backends.map(async (backend) => {
      const { leftovers: by } = backend;
      return by ? (await by.in(directories, pluginPlaces(parts, backend))).map((leftover) => ({ leftover, by })) : [];
    }),
  );
  return found.flat();
}

/** Files in a worktree that the town itself has written there, whole paths. */
export async function ownFilesIn(parts: Parts, worktree: string): Promise<string[]> {
  const below = parts.rigs.names().map((name) => parts.rigs.get(name).subfolder);
  const workDirs = new Set(['', ...below].map((subfolder) => join(worktree, subfolder)));
  return (await leftoversIn(parts, [...workDirs])).flatMap(({ leftover }) => leftover.files);
}
