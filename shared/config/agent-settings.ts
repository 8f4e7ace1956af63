/**
 * What both settings files say about agents: Gas Town's RuntimeConfig and the maps from roles and workers to agents. What
 * descriptions and examples say of backends stands in `{{…}}`: `json-schema.ts` fills it in.
 */
import { isAbsolute, normalize } from 'node:path/posix';
import * as z from 'zod/mini';

/** Belongs to Gas Town's format and is kept as it is; nothing here reads it. */
export const untouched = (description: string) =>
  z.optional(z.unknown().check(z.describe(`${description} Kept, but not used here.`)));

const agentName = z.string().check(z.minLength(1));

const insideWorkDir = z.string().check(
  z.refine((path) => !isAbsolute(path) && !normalize(path).startsWith('..') && !/^[A-Za-z]:|\\/.test(path), {
    error: 'must be a path with forward slashes that stays inside the work directory',
  }),
  z.refine((path) => !isGits(path), { error: "must not be in .git, which is git's own" }),
);

/** Git's own folder, by any of the names that some file system takes for it. */
const isGits = (path: string): boolean =>
  normalize(path)
    .split('/')
    .some((part) => /^\.git[. ]*$|^git~1$/i.test(part));

const hooks = z.looseObject({
  provider: z.optional(z.string().check(z.describe('Whose hooks these are: {{hooked}}.'))),
  dir: z.optional(
    insideWorkDir.check(
      z.meta({ examples: ['{{pluginFolders}}'] }),
      z.describe('Folder, relative to the work directory, in which {{plugins}}.'),
    ),
  ),
  settings_file: z.optional(
    insideWorkDir.check(z.meta({ examples: ['gastown.js'] }), z.describe('File name of the plugin in that folder.')),
  ),
  informational: z.optional(
    z.boolean().check(z.describe('The agent has no hooks that can be installed: nothing is written.')),
  ),
});

/** One agent: which backend drives it, and how its program is started. */
export const agentSettings = z.looseObject({
  provider: z.optional(
    z.string().check(z.meta({ examples: ['{{names}}'] }), z.describe('The backend that drives this agent: {{oneOf}}.')),
  ),
  command: z.optional(z.string().check(z.minLength(1), z.describe('The program: a name on PATH or an absolute path.'))),
  args: z.optional(
    z
      .nullable(z.array(z.string()))
      .check(
        z.describe(
          'Arguments of the program, e.g. `["--model", "zai/glm-4.7"]`. `null` means the backend\'s own, `[]` none.',
        ),
      ),
  ),
  env: z.optional(
    z.record(z.string(), z.string()).check(z.describe("Environment variables for this agent's sessions.")),
  ),
  prompt_mode: z.optional(
    z
      .enum(['arg', 'none'])
      .check(z.describe('Whether the first prompt is given as an argument (`arg`) or not at all (`none`).')),
  ),
  hooks: z.optional(hooks.check(z.describe("Where the agent's plugin is installed besides."))),
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
  .check(z.describe('Agents by name. {{all}} are built in and can be redefined here.'));

const ofRole = (does: string) => z.optional(agentName.check(z.describe(`The agent of the ${does}.`)));

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
  .check(z.describe('Which agent each role gets: `{"polecat": "{{polecat}}"}`.'));

/** `{worker name → agent name}`. */
export const agentsByWorker = z.record(z.string(), agentName);

const chainOf = (role: string) =>
  z.optional(z.array(agentName).check(z.describe(`Agents for the ${role}, tried in this order.`)));

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
  .check(
    z.meta({ examples: [{ polecat: ['{{polecatFirst}}'] }] }),
    z.describe(
      'Which agents a role falls back on, in this order, while its own is rate-limited or its backend is down: `{"polecat": [{{chain}}]}`.',
    ),
  );
