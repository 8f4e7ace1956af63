/** What both settings files say about agents: Gas Town's RuntimeConfig and the maps from roles and workers to agents. */
import { isAbsolute, normalize } from 'node:path/posix';
import { z } from 'zod';

/** Belongs to Gas Town's format and is kept as it is; nothing here reads it. */
export const untouched = (description: string) =>
  z.unknown().describe(`${description} Kept, but not used here.`).optional();

const agentName = z.string().min(1);

const insideWorkDir = z
  .string()
  .refine((path) => !isAbsolute(path) && !normalize(path).startsWith('..') && !/^[A-Za-z]:|\\/.test(path), {
    error: 'must be a path with forward slashes that stays inside the work directory',
  })
  .refine((path) => !isGits(path), { error: "must not be in .git, which is git's own" });

/** Git's own folder, by any of the names that some file system takes for it. */
const isGits = (path: string): boolean =>
  normalize(path)
    .split('/')
    .some((part) => /^\.git[. ]*$|^git~1$/i.test(part));

const hooks = z.looseObject({
  provider: z.string().describe('Whose hooks these are: `opencode` or `claude`.').optional(),
  dir: insideWorkDir
    .meta({ examples: ['.opencode/plugins', '.opencode/plugin'] })
    .describe(
      'Folder, relative to the work directory, in which the Opencode plugin is installed besides; both `.opencode/plugins` and `.opencode/plugin` are read by Opencode.',
    )
    .optional(),
  settings_file: insideWorkDir
    .meta({ examples: ['gastown.js'] })
    .describe('File name of the plugin in that folder.')
    .optional(),
  informational: z.boolean().describe('The agent has no hooks that can be installed: nothing is written.').optional(),
});

/** One agent: which backend drives it, and how its program is started. */
export const agentSettings = z.looseObject({
  provider: z
    .string()
    .meta({ examples: ['claude', 'opencode'] })
    .describe('The backend that drives this agent: `claude` or `opencode`.')
    .optional(),
  command: z.string().min(1).describe('The program: a name on PATH or an absolute path.').optional(),
  args: z
    .array(z.string())
    .nullable()
    .describe(
      'Arguments of the program, e.g. `["--model", "zai/glm-4.7"]`. `null` means the backend\'s own, `[]` none.',
    )
    .optional(),
  env: z.record(z.string(), z.string()).describe("Environment variables for this agent's sessions.").optional(),
  prompt_mode: z
    .enum(['arg', 'none'])
    .describe('Whether the first prompt is given as an argument (`arg`) or not at all (`none`).')
    .optional(),
  hooks: hooks.describe("Where the agent's plugin is installed besides.").optional(),
  initial_prompt: untouched('Prompt that is sent at the start.'),
  session: untouched('Environment variables that carry the session id and the config folder.'),
  tmux: untouched('How the agent is recognised in tmux; there is no tmux here.'),
  instructions: untouched('The instructions file, e.g. `AGENTS.md`.'),
  acp: untouched('How the agent speaks ACP.'),
  exec_wrapper: untouched('Programs put before the command.'),
});
export type AgentSettings = z.output<typeof agentSettings>;

export const agents = z
  .record(agentName, agentSettings)
  .describe('Agents by name. `claude` and `opencode` are built in and can be redefined here.');

const ofRole = (does: string) => agentName.describe(`The agent of the ${does}.`).optional();

export const roleAgents = z
  .looseObject({
    mayor: ofRole('mayor, who talks with you and slings work'),
    deacon: ofRole('deacon, who looks after the health of the town'),
    witness: ofRole('witness, who watches the polecats of a rig'),
    refinery: ofRole('refinery, which reviews and merges'),
    crew: ofRole('crew: long-lived named workers beside you'),
    polecat: ofRole('polecats: workers with a worktree and one unit of work'),
    boot: untouched("Gas Town's watchdog of the deacon."),
    dog: untouched("Gas Town's helper for short chores."),
  })
  .describe('Which agent each role gets: `{"polecat": "opencode"}`.');

/** `{worker name → agent name}`. */
export const agentsByWorker = z.record(z.string(), agentName);

const chainOf = (role: string) =>
  z.array(agentName).describe(`Agents for the ${role}, tried in this order.`).optional();

/** `{role → agents}`: who takes over where the role's agent cannot. */
export const failover = z
  .looseObject({
    mayor: chainOf('mayor'),
    deacon: chainOf('deacon'),
    witness: chainOf('witness'),
    refinery: chainOf('refinery'),
    crew: chainOf('crew'),
    polecat: chainOf('polecats'),
  })
  .meta({ examples: [{ polecat: ['opencode', 'claude'] }] })
  .describe(
    'Which agents a role falls back on, in this order, while its own is rate-limited or its backend is down: `{"polecat": ["opencode", "claude"]}`.',
  );
