import type { BackendName } from './orchestrator.ts';

/** An agent configuration with everything filled in: what to run, and by which backend. */
export interface ResolvedAgent {
  /** The configured name, which the settings define or a backend has. */
  name: string;
  backend: BackendName;
  /** Program name (looked up on PATH) or absolute path. */
  command: string;
  args: string[];
  env: Record<string, string>;
  /** Hash of what the rig's settings say of its program (see `consent.ts`): it may run where the user has agreed to that. */
  consent?: string;
  /** Where the plugin is installed besides (`hooks.dir` / `hooks.settings_file`), relative to the work dir. */
  hooks?: { dir: string; settingsFile: string };
}
