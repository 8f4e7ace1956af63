import { readFile, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { runGit } from '../../git/git.ts';

const configSchema = z.object({
  projects: z.record(z.string(), z.object({ hasTrustDialogAccepted: z.boolean().optional() }).catch({})).catch({}),
});

/** The folder under which Claude Code remembers trust: the main checkout, also for its worktrees. */
export async function trustFolder(cwd: string): Promise<string> {
  const common = await runGit(cwd, ['rev-parse', '--path-format=absolute', '--git-common-dir']);
  return common.code === 0 ? dirname(await realpath(common.stdout.trim())) : realpath(cwd);
}

/**
 * Whether the person trusts this folder or one above it. Only looked at, never written: it is their decision, and the
 * file is rewritten by every running Claude Code. False also where nothing can be read.
 */
export async function isTrusted(globalConfigFile: string, folder: string): Promise<boolean> {
  let text: string;
  try {
    text = await readFile(globalConfigFile, 'utf8');
  } catch {
    // Claude Code has never run here.
    return false;
  }
  try {
    const { projects } = configSchema.parse(JSON.parse(text));
    for (let at = folder; ; at = dirname(at)) {
      if (projects[at]?.hasTrustDialogAccepted === true) return true;
      if (dirname(at) === at) return false;
    }
  } catch {
    // Half written by a running session; we only choose words and a bound by it.
    return false;
  }
}
