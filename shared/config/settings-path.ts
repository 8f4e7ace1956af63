import { join } from 'node:path';

/** The settings file of a town or a rig. */
export function settingsPath(root: string): string {
  return join(root, 'settings', 'config.json');
}
