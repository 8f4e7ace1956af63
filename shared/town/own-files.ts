import { join } from 'node:path';
import { pluginPlace } from '../config/agents.ts';
import { leftoversIn } from '../backends/opencode/leftovers.ts';
import type { TownParts } from './parts.ts';

type Parts = Pick<TownParts, 'settings' | 'rigs' | 'store'>;

/** Where agents' settings have the plugin put, below a work dir. */
export function pluginPlaces({ settings, rigs, store }: Parts): NonNullable<ReturnType<typeof pluginPlace>>[] {
  const all = rigs.names().map((name) => rigs.get(name));
  const configured = [settings.value.agents, ...all.map((rig) => rig.settings.agents)].flatMap((agents) =>
    Object.values(agents ?? {}),
  );
  return [...configured.map(pluginPlace), ...store.sessions.all().map(({ session }) => session.agent.hooks)].filter(
    (place) => place !== undefined,
  );
}

/** Files in a worktree that the town itself has written there, whole paths. */
export async function ownFilesIn(parts: Parts, worktree: string): Promise<string[]> {
  const below = parts.rigs.names().map((name) => parts.rigs.get(name).subfolder);
  const workDirs = new Set(['', ...below].map((subfolder) => join(worktree, subfolder)));
  return (await leftoversIn([...workDirs], pluginPlaces(parts))).flatMap(({ files }) => files);
}
