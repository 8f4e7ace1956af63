import { join } from 'node:path';
import * as z from 'zod/mini';
import { orElse } from '../../platform/or-else.ts';
import { readBounded } from '../../platform/read-bounded.ts';
import type { Environment } from '../../platform/inherited-environment.ts';
import { configFolder, globalConfigFile } from './environment.ts';
import { isTrusted } from './trust.ts';

/** What Claude Code asks before a session begins. All are the user's to answer, in the terminal; nothing here answers one. */
export type StartDialog = 'first-run' | 'trust' | 'api-key' | 'bypass';

export interface DialogQuery {
  /** The session's whole environment. */
  environment: Environment;
  cwd: string;
  /** The folder that trust is remembered for. */
  trustFolder: string;
  /** The configured agent's. */
  agentArgs: readonly string[];
  /** Our own settings of the launch say that the warning about bypassing is not shown. */
  warningSkipped: boolean;
  platform: NodeJS.Platform;
}

const globalSchema = z.object({
  hasCompletedOnboarding: orElse(z.optional(z.boolean()), undefined),
  /** Of older versions; newer ones have it in the settings. */
  bypassPermissionsModeAccepted: orElse(z.optional(z.boolean()), undefined),
  customApiKeyResponses: orElse(
    z.object({ approved: orElse(z.array(z.string()), []), rejected: orElse(z.array(z.string()), []) }),
    { approved: [], rejected: [] },
  ),
});
const settingsSchema = z.object({ skipDangerousModePermissionPrompt: orElse(z.optional(z.boolean()), undefined) });

/** `.claude.json` has the history of all projects. */
const longestFile = 64 * 1024 * 1024;
/** So much of a key's end is remembered with the answer. */
const keyEnd = 20;

/**
 * The dialogs that will come, in Claude's order, by its own arguments and what it has written of earlier answers. Only
 * looked at, never written: it chooses words and a bound. What cannot be read counts as never answered.
 */
export async function startDialogs(query: DialogQuery): Promise<StartDialog[]> {
  const { environment, trustFolder, agentArgs } = query;
  const file = globalConfigFile(environment);
  const global = await read(file, globalSchema);
  const key = environment['ANTHROPIC_API_KEY'] ?? '';
  const { approved = [], rejected = [] } = global?.customApiKeyResponses ?? {};
  const dialogs: [StartDialog, boolean][] = [
    ['first-run', global?.hasCompletedOnboarding !== true],
    ['trust', !(await isTrusted(file, trustFolder))],
    ['api-key', key !== '' && ![...approved, ...rejected].includes(key.slice(-keyEnd))],
    ['bypass', bypassesByItself(agentArgs) && !global?.bypassPermissionsModeAccepted && !(await isAccepted(query))],
  ];
  return dialogs.filter(([, comes]) => comes).map(([dialog]) => dialog);
}

/** Pure. Whether the agent's own arguments put the session into the mode that nothing is asked in, or let it go there. */
function bypassesByItself(args: readonly string[]): boolean {
  return args.some(
    (arg, index) =>
      /^--(allow-)?dangerously-skip-permissions$|^--permission-mode=bypassPermissions$/.test(arg) ||
      (arg === 'bypassPermissions' && args[index - 1] === '--permission-mode'),
  );
}

/** Whether the warning is answered once for all: by the user, who is asked no more, or by whoever manages the machine. */
async function isAccepted({ environment, cwd, warningSkipped, platform }: DialogQuery): Promise<boolean> {
  if (warningSkipped) return true;
  const files = [
    join(configFolder(environment), 'settings.json'),
    join(cwd, '.claude', 'settings.local.json'),
    ...(platform === 'linux' ? ['/etc/claude-code/managed-settings.json'] : []),
    ...(platform === 'darwin' ? ['/Library/Application Support/ClaudeCode/managed-settings.json'] : []),
  ];
  const all = await Promise.all(files.map((file) => read(file, settingsSchema)));
  return all.some((settings) => settings?.skipDangerousModePermissionPrompt === true);
}

const asks: Readonly<Record<StartDialog, (folder: string) => string>> = {
  'first-run': () => 'its first-run questions',
  trust: (folder) => `whether to trust ${folder}`,
  'api-key': () => 'whether to use the ANTHROPIC_API_KEY of the environment',
  bypass: () =>
    "whether to run without asking for permissions, as the agent's arguments say (what is chosen at first, No, ends it)",
};

/** Pure. Why the session waits: for the row, and for whoever started it. `dialogs`: those that will come, in their order. */
export function dialogCause(dialogs: readonly StartDialog[], folder: string): string {
  const what = dialogs.map((dialog) => asks[dialog](folder)).join(', then ');
  return `Claude asks ${what || 'something before it starts'}; answer in the terminal`;
}

async function read<Schema extends z.ZodMiniType>(file: string, schema: Schema): Promise<z.output<Schema> | undefined> {
  try {
    return schema.parse(JSON.parse(await readBounded(file, longestFile)));
  } catch {
    // Not there, or half written by a running session.
    return undefined;
  }
}
