import path from 'node:path';
import { findProgram } from '../setup/find-program.ts';
import type { Tools } from '../setup/tools.ts';

const STANDARD_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * PATH of a machine that has git, ripgrep and both pinned agents. There is no Node of this project on it, because a
 * person needs none either.
 */
export function agentPath(tools: Tools): string {
  const git = findProgram('git');
  const folders = [tools.opencode.folder, tools.claude.folder, ...STANDARD_PATH, tools.editor.ripgrepFolder];
  if (git !== undefined) folders.push(path.dirname(git));
  return [...new Set(folders)].join(path.delimiter);
}
