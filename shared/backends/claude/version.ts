import { realpath, stat } from 'node:fs/promises';
import { GasTownError } from '../../platform/errors.ts';
import { findProgram } from '../../platform/find-program.ts';
import type { ResolvedAgent } from '../../domain/agent.ts';
import { askVersion } from './ask-version.ts';
import type { VersionAnswer } from './ask-version.ts';
import { checkAgentArguments } from './launch-arguments.ts';

export interface ClaudeProgram {
  path: string;
  version: string;
}

/** What is configured of an agent's program. */
export type AgentProgram = Pick<ResolvedAgent, 'name' | 'command' | 'args'>;

/** Command hooks without a shell came with it; all hook events that we use are older. */
const oldestVersion = '2.1.139';

const install =
  'Install it with "npm install -g @anthropic-ai/claude-code", or set "command" of the agent to its path.';

/**
 * Finds an agent's program, and finds out what it is before anything is said of its arguments: Claude Code itself (or a
 * script that passes on what it is given), asked once per file; or a wrapper whose first arguments are its own
 * (`env FOO=1 claude`, `bash -c 'exec claude "$@"' claude`), asked as it is configured.
 */
export class ClaudePrograms {
  private readonly known = new Map<string, Promise<VersionAnswer>>();

  /**
   * Rejects with `agent-missing`, `agent-too-old`, `bad-config` where it is something else, or has arguments that a session
   * cannot have, or `spawn-failed` with the program's own words.
   */
  async find(agent: AgentProgram, environment: Record<string, string>, cwd?: string): Promise<ClaudeProgram> {
    const { name, command, args } = agent;
    const path = await findProgram(command, environment, cwd === undefined ? {} : { cwd });
    if (path === undefined)
      throw new GasTownError('agent-missing', `Claude Code ("${command}") was not found on PATH. ${install}`);
    const own = await this.answerOf(path, environment, cwd);
    const wraps = own.version === undefined && args.length > 0;
    checkAgentArguments(name, args, wraps ? 'wrapper' : 'claude');
    const answer = wraps ? await askVersion(path, args, environment, cwd) : own;
    if (answer.version === undefined) throw otherwise(agent, path, own, answer);
    if (compareVersions(answer.version, oldestVersion) >= 0) return { path, version: answer.version };
    throw new GasTownError(
      'agent-too-old',
      `${path} is Claude Code ${answer.version}; ${oldestVersion} or newer is needed. Run "claude update", or "npm install -g @anthropic-ai/claude-code".`,
    );
  }

  private async answerOf(
    path: string,
    environment: Record<string, string>,
    cwd: string | undefined,
  ): Promise<VersionAnswer> {
    const file = await realpath(path);
    const key = `${file} ${(await stat(file)).mtimeMs}`;
    const asked = this.known.get(key) ?? askVersion(path, [], environment, cwd);
    this.known.set(key, asked);
    const answer = await asked;
    // A failure may pass (memory, a half-done update): it is not remembered.
    if (!answer.ok) this.known.delete(key);
    return answer;
  }
}

/** Why it is not used: it is something else that does not start Claude Code as it must, or it could not answer. */
function otherwise(
  { name, args }: AgentProgram,
  path: string,
  own: VersionAnswer,
  answer: VersionAnswer,
): GasTownError {
  if (!own.ok && !answer.ok) return new GasTownError('spawn-failed', `${path} --version failed: ${answer.words}`);
  const line = [path, ...args, '--version'].join(' ');
  return new GasTownError(
    'bad-config',
    `Agent "${name}": ${path} is not Claude Code, and does not start it with the arguments that it is given. ` +
      `"${line}" said: ${answer.words}\n` +
      `A wrapper has to pass all arguments on, as a script with exec claude "$@" does, or bash with the args -c, exec claude "$@", claude. ` +
      'Where it is none, set "command" of the agent to the path of Claude Code.',
  );
}

/** Pure. Negative where `a` is older. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string): number[] => version.split('.').map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  const at = left.findIndex((part, index) => part !== (right[index] ?? 0));
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}
