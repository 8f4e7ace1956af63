import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readBounded } from '../platform/read-bounded.ts';
import type { Role } from '../domain/orchestrator.ts';

/** What a role is told: the prompt that comes with us, and what the town adds. */
export interface RolePrompt {
  prompt: string;
  /** The town's `directives/<role>.md`; empty where it has none, or where that replaced the prompt. */
  directives: string;
}

/** A directive file that begins with this line stands instead of the prompt. */
const replaceMark = '<!-- replace -->';

/** More than a role needs to be told, and all of it costs tokens in each session. */
const maxDirectiveBytes = 100 * 1024;

/**
 * Reads a role's prompt from `promptsDir` (shipped, so it must be there) and `<town>/directives/<role>.md` (optional).
 */
export async function readRolePrompt(role: Role, townRoot: string, promptsDir: string): Promise<RolePrompt> {
  const directives = (await readIfThere(join(townRoot, 'directives', `${role}.md`))).trim();
  if (directives.startsWith(replaceMark))
    return { prompt: directives.slice(replaceMark.length).trim(), directives: '' };
  return { prompt: (await readFile(join(promptsDir, `${role}.md`), 'utf8')).trim(), directives };
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readBounded(file, maxDirectiveBytes);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return '';
    throw error;
  }
}
