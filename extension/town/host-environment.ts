import { delimiter } from 'node:path';
import { inheritedEnvironment } from '../../shared/platform/inherited-environment.ts';
import type { Environment } from '../../shared/platform/inherited-environment.ts';

/** The user's environment as the town shall have it: what any program may inherit, with more folders on PATH. */
export function hostEnvironment(environment: Environment, agentFolders: readonly string[]): Record<string, string> {
  const kept = inheritedEnvironment(environment);
  const pathName = Object.keys(kept).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  kept[pathName] = [...agentFolders, ...(kept[pathName] ? [kept[pathName]] : [])].join(delimiter);
  return kept;
}
