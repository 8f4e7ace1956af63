import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { exemptLoopback, inheritedEnvironment } from '../../platform/inherited-environment.ts';
import type { Environment } from '../../platform/inherited-environment.ts';
import { variables } from './variables.ts';

/**
 * Pure: the whole environment of Claude's terminal. The user's own (sign-in, proxies, ANTHROPIC_* and CLAUDE_* settings)
 * without what is foreign, then the configured agent's, then the run's identity; the run's PATH entries first; loopback
 * never through a proxy, which would get the run's token with Claude's hooks.
 */
export function terminalEnvironment(host: Environment, agent: Environment, run: Environment): Record<string, string> {
  const inherited = inheritedEnvironment(host, variables);
  const all: Environment = {
    COLORTERM: 'truecolor',
    ...inherited,
    TERM: 'xterm-256color',
    ...agent,
    ...run,
    PATH: joinPaths(run['PATH'], agent['PATH'], inherited['PATH']),
    // No left-arrow into another session, and no taking the editor's connection from the user's own Claude.
    CLAUDE_CODE_DISABLE_AGENT_VIEW: '1',
    CLAUDE_CODE_AUTO_CONNECT_IDE: 'false',
    CLAUDE_CODE_IDE_SKIP_AUTO_INSTALL: '1',
  };
  return exemptLoopback(
    Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined)),
  );
}

/** Pure. Where Claude Code keeps its state and settings under this environment. */
export function configFolder(environment: Environment): string {
  const set = environment['CLAUDE_CONFIG_DIR'] ?? '';
  return set === '' ? join(homeOf(environment), '.claude') : set;
}

/** Pure. The file with, among much else, the folders that the user trusts. */
export function globalConfigFile(environment: Environment): string {
  const set = environment['CLAUDE_CONFIG_DIR'] ?? '';
  return join(set === '' ? homeOf(environment) : set, '.claude.json');
}

function homeOf(environment: Environment): string {
  return environment['HOME'] ?? environment['USERPROFILE'] ?? homedir();
}

/** Earlier lists win; every folder once. */
function joinPaths(...lists: (string | undefined)[]): string {
  const folders = lists.flatMap((list) => list?.split(delimiter) ?? []).filter((folder) => folder !== '');
  return [...new Set(folders)].join(delimiter);
}
