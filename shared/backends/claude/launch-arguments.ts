import { GasTownError } from '../../platform/errors.ts';
import type { PermissionProfile } from '../../domain/run.ts';

/**
 * Flags that a configured agent may not have: they switch our hooks off, take the session id or the settings file that we
 * choose, leave the terminal, or move the session elsewhere.
 */
const refused = new Set([
  ...['--bare', '--safe-mode', '--settings', '--session-id', '--resume', '-r', '--continue', '-c', '--from-pr'],
  ...['--fork-session', '--print', '-p', '--bg', '--background', '--worktree', '-w', '--tmux', '--teleport', '--cloud'],
]);

/**
 * Throws `bad-config` for an argument of the configured agent that would break the session. Of a wrapper's, only long ones
 * are surely meant for Claude Code: `bash` has a `-c` of its own, and `--` may end the wrapper's options. As the last one
 * it would make our own arguments a prompt.
 */
export function checkAgentArguments(agent: string, args: readonly string[], program: 'claude' | 'wrapper'): void {
  const isBad = (arg: string): boolean => refused.has(arg.split('=', 1)[0] ?? '') || arg === '--';
  const bad =
    program === 'claude'
      ? args.find(isBad)
      : (args.find((arg) => arg.length > 2 && isBad(arg)) ?? args.slice(-1).find((arg) => arg === '--'));
  if (bad === undefined) return;
  throw new GasTownError(
    'bad-config',
    `Agent "${agent}": the argument ${bad} cannot be used in a session. Remove it from its "args".`,
  );
}

/** `allow-rules`: like bypass, for root, whom Claude Code lets bypass only inside a sandbox. */
export type PermissionPlan = 'bypass' | 'allow-rules' | 'ask';

/** Pure. How the profile is put to Claude Code. Everything it asks nevertheless (plans, questions) is shown to the user. */
export function permissionPlan(
  profile: PermissionProfile,
  environment: Readonly<Record<string, string | undefined>>,
  isRoot: boolean,
): PermissionPlan {
  if (profile === 'interactive') return 'ask';
  const sandboxed = /^(1|true|yes|on)$/i.test(environment['IS_SANDBOX'] ?? '');
  return isRoot && !sandboxed ? 'allow-rules' : 'bypass';
}

/** `default` is the configuration's word for asking; newer versions also call it `manual`. */
const modes: Readonly<Record<PermissionPlan, string>> = {
  bypass: 'bypassPermissions',
  'allow-rules': 'acceptEdits',
  ask: 'default',
};

export interface LaunchOptions {
  sessionId: string;
  /** Go on with the conversation of that id, instead of beginning one under it. */
  resumes: boolean;
  settingsFile: string;
  title: string;
  permissions: PermissionPlan;
  agentArgs: readonly string[];
  /** Already encoded. */
  firstPrompt?: string;
}

/** Pure: the arguments after the program. The agent's own come first, so ours win; its own permission mode is respected. */
export function launchArguments(options: LaunchOptions): string[] {
  const { sessionId, resumes, settingsFile, title, permissions, agentArgs, firstPrompt } = options;
  const ownMode = agentArgs.some((arg) => /^--(permission-mode|dangerously-skip-permissions)(=|$)/.test(arg));
  return [
    ...agentArgs,
    ...[resumes ? '--resume' : '--session-id', sessionId],
    ...['--settings', settingsFile],
    ...(ownMode ? [] : ['--permission-mode', modes[permissions]]),
    ...['--name', title],
    ...(firstPrompt === undefined ? [] : ['--', firstPrompt]),
  ];
}
