import { readFile, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import * as z from 'zod/mini';
import { runGit } from '../../platform/git/git.ts';
import { orElse } from '../../platform/or-else.ts';

const configSchema = z.object({
  projects: orElse(z.record(z.string(), orElse(z.object({ hasTrustDialogAccepted: z.optional(z.boolean()) }), {})), {}),
});

/** The folder under which Claude Code remembers trust: the main checkout, also for its worktrees. */
export async function trustFolder(cwd: string): Promise<string> {
  const here = await realpath(cwd);
  const common = await runGit(here, ['rev-parse', '--git-common-dir']);
  return common.code === 0 ? dirname(await realpath(resolve(here, common.stdout.trim()))) : here;
}

/**
 * Whether the user trusts this folder or one above it. Only looked at, never written: it is their decision, and the
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
