import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The run's secret for the HTTP hooks: the settings file names the variable, so the secret is in no file. */
export const hookTokenVariable = 'GT_HOOK_TOKEN';

/**
 * What the host process has for reasons of its own (a debugger, another town, the editor's terminals, another Claude Code
 * around it) and must not reach the agent: an inherited CLAUDE_CODE_CHILD_SESSION alone hides the session's state file.
 */
const foreign = new RegExp(
  [
    '^GT_',
    '^ELECTRON_',
    '^VSCODE_',
    '^TERM_PROGRAM',
    '^NODE_OPTIONS$',
    '^CLAUDECODE$',
    '^CLAUDE_CODE_(CHILD_SESSION|SESSION_ID|ENTRYPOINT|SSE_PORT|EXECPATH)$',
    '^CLAUDE_(PROJECT_DIR|ENV_FILE|PLUGIN_\\w+)$',
  ].join('|'),
);

/**
 * Pure: the whole environment of Claude's terminal. The person's own (sign-in, proxies, ANTHROPIC_* and CLAUDE_* settings)
 * without what is foreign, then the configured agent's, then the run's identity; the run's PATH entries first.
 */
export function terminalEnvironment(host: Environment, agent: Environment, run: Environment): Record<string, string> {
  const inherited = Object.entries(host).filter(([name]) => !foreign.test(name));
  const all: Environment = {
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    ...Object.fromEntries(inherited.filter(([name]) => name !== 'TERM')),
    ...agent,
    ...run,
    PATH: joinPaths(run['PATH'], agent['PATH'], host['PATH']),
    // No left-arrow into another session, and no taking the editor's connection from the person's own Claude.
    CLAUDE_CODE_DISABLE_AGENT_VIEW: '1',
    CLAUDE_CODE_AUTO_CONNECT_IDE: 'false',
    CLAUDE_CODE_IDE_SKIP_AUTO_INSTALL: '1',
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Pure. Where Claude Code keeps its state and settings under this environment. */
export function configFolder(environment: Environment): string {
  const set = environment['CLAUDE_CONFIG_DIR'] ?? '';
  return set === '' ? join(homeOf(environment), '.claude') : set;
}

/** Pure. The file with, among much else, the folders that the person trusts. */
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
