import { brakeHook } from './brake.ts';
import { hooks } from './hook-payloads.ts';
import type { PermissionPlan } from './launch-arguments.ts';

/** How to run our reporter: with the editor's own Node. */
export interface HookProgram {
  command: string;
  args: string[];
  /** E.g. `ELECTRON_RUN_AS_NODE=1`. */
  env: Record<string, string>;
}

export interface SettingsOptions {
  hookProgram: HookProgram;
  permissions: PermissionPlan;
  /** Folder with texts that are too long to type; Claude may read it without asking. */
  messagesDir: string;
  /** See `Brake`. */
  brakeFile: string;
  platform: NodeJS.Platform;
}

/**
 * After how many seconds Claude ends the reporter; it gives up before that by itself. A decision may take as long as a
 * user may take: the dialog in the terminal stays usable meanwhile.
 */
const bounds = { SessionStart: 5, awaited: 3, told: 10, decided: 86_400 };

/**
 * What an autonomous agent may do without asking where it cannot bypass permissions. MCP tools still ask: a rule for all
 * of them is refused as too wide.
 */
const allowAll = ['Bash(*)', 'Read', 'Edit', 'Write', 'NotebookEdit', 'WebFetch', 'WebSearch', 'Agent', 'Skill'];

/**
 * Pure: the settings file of one launch. It comes on top of the user's own settings, theirs and ours hooks both run.
 * Claude Code asks the user before it starts when a file has an event or a value that it does not know.
 */
export function launchSettings(options: SettingsOptions): Record<string, unknown> {
  const { permissions, hookProgram, messagesDir, brakeFile, platform } = options;
  const command = { type: 'command', ...hookCommand(hookProgram, platform) };
  const hook = (way: keyof typeof bounds) => [
    { hooks: [{ ...command, timeout: bounds[way], ...(way === 'told' ? { async: true } : {}) }] },
  ];
  const brake = { hooks: [{ type: 'command', ...brakeHook(brakeFile, hookProgram.command, platform), timeout: 5 }] };
  return {
    disableAgentView: true,
    editorMode: 'normal',
    tui: 'default',
    ...(skipsWarning(permissions) ? { skipDangerousModePermissionPrompt: true } : {}),
    permissions: {
      allow: [`Read(${readRule(messagesDir, platform)}/**)`, ...(permissions === 'allow-rules' ? allowAll : [])],
    },
    hooks: {
      SessionStart: hook('SessionStart'),
      ...Object.fromEntries(Object.entries(hooks).map(([name, way]) => [name, hook(way)])),
      PreToolUse: [...hook(hooks.PreToolUse), brake],
    },
  };
}

/**
 * Pure. Whether the settings of a launch answer Claude's warning about bypassing permissions: where we are who bypasses.
 * What an agent's own arguments bring is for the user to accept, once, in the terminal.
 */
export function skipsWarning(permissions: PermissionPlan): boolean {
  return permissions === 'bypass';
}

/** Started without a shell, so nothing needs quoting. A hook has no environment of its own: `env` brings it. */
function hookCommand(
  { command, args, env }: HookProgram,
  platform: NodeJS.Platform,
): { command: string; args: string[] } {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if (variables.length === 0 || platform === 'win32') return { command, args };
  return { command: '/usr/bin/env', args: [...variables, command, ...args] };
}

/** In a rule, `//` begins an absolute path; a Windows drive is its first folder. */
function readRule(folder: string, platform: NodeJS.Platform): string {
  const path = platform === 'win32' ? folder.replaceAll('\\', '/').replace(/^([A-Za-z]):/, '/$1') : folder;
  return `/${path}`;
}
