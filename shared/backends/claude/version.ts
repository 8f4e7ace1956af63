import { execFile } from 'node:child_process';
import { realpath, stat } from 'node:fs/promises';
import { GasTownError, messageOf } from '../../platform/errors.ts';
import { findProgram } from '../../platform/find-program.ts';

export interface ClaudeProgram {
  path: string;
  version: string;
}

/** Command hooks without a shell came with it; all hook events that we use are older. */
const oldestVersion = '2.1.139';

const install =
  'Install it with "npm install -g @anthropic-ai/claude-code", or set "command" of the agent to its path.';
const versionBound = 15_000;

/** Finds the program and asks it for its version, once per file. */
export class ClaudePrograms {
  private readonly known = new Map<string, Promise<string>>();

  /** Rejects with `agent-missing`, `agent-too-old`, or `spawn-failed` with the program's own words. */
  async find(command: string, environment: Record<string, string>, cwd?: string): Promise<ClaudeProgram> {
    const path = await findProgram(command, environment, cwd === undefined ? {} : { cwd });
    if (path === undefined)
      throw new GasTownError('agent-missing', `Claude Code ("${command}") was not found on PATH. ${install}`);
    const version = await this.versionOf(path, environment);
    if (compareVersions(version, oldestVersion) >= 0) return { path, version };
    throw new GasTownError(
      'agent-too-old',
      `${path} is Claude Code ${version}; ${oldestVersion} or newer is needed. Run "claude update", or "npm install -g @anthropic-ai/claude-code".`,
    );
  }

  private async versionOf(path: string, environment: Record<string, string>): Promise<string> {
    const file = await realpath(path);
    const key = `${file} ${(await stat(file)).mtimeMs}`;
    const asked = this.known.get(key) ?? askVersion(path, environment);
    this.known.set(key, asked);
    // A failure may pass (memory, a half-done update): it is not remembered.
    asked.catch(() => this.known.delete(key));
    return asked;
  }
}

function askVersion(path: string, env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(path, ['--version'], { env, timeout: versionBound, windowsHide: true }, (error, stdout, stderr) => {
      const version = /\d+\.\d+\.\d+/.exec(stdout)?.[0];
      if (!error && version !== undefined) return resolve(version);
      const words = (stderr || stdout).trim() || (error ? messageOf(error) : 'it said nothing');
      return reject(new GasTownError('spawn-failed', `${path} --version failed: ${words}`));
    });
  });
}

/** Pure. Negative where `a` is older. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string): number[] => version.split('.').map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  const at = left.findIndex((part, index) => part !== (right[index] ?? 0));
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}
