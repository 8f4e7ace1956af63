import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A home folder in which both agents are "signed in" to the scripted model and nothing else: Opencode by its config
 * file, Claude by having seen its first-run dialogs (reference facts: `hasCompletedOnboarding`, trust by main checkout).
 */
export async function makeAgentHome(
  home: string,
  options: { model: string; trusted: readonly string[]; path: string },
): Promise<void> {
  await mkdir(join(home, '.config', 'opencode'), { recursive: true });
  const provider = {
    npm: '@ai-sdk/openai-compatible',
    name: 'Scripted',
    options: { baseURL: `${options.model}/v1`, apiKey: 'none' },
    models: {
      m1: {
        name: 'm1',
        tool_call: true,
        limit: { context: 200_000, output: 8192 },
        cost: { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 },
      },
    },
  };
  const opencode = {
    autoupdate: false,
    share: 'disabled',
    model: 'scripted/m1',
    small_model: 'scripted/m1',
    provider: { scripted: provider },
  };
  await writeFile(join(home, '.config', 'opencode', 'opencode.json'), JSON.stringify(opencode, null, 2));
  const projects = Object.fromEntries(options.trusted.map((folder) => [folder, { hasTrustDialogAccepted: true }]));
  await writeFile(join(home, '.claude.json'), JSON.stringify({ hasCompletedOnboarding: true, projects }, null, 2));
  // The editor asks a login shell for the environment, and /etc/profile sets PATH anew.
  await writeFile(join(home, '.profile'), `export PATH='${options.path}'\n`);
  // A prompt without the machine's name and the temporary folder: screenshots show it.
  await writeFile(join(home, '.bashrc'), "PS1='town$ '\n");
  await writeFile(
    join(home, '.gitconfig'),
    '[user]\n\tname = Demo Person\n\temail = person@example.com\n[init]\n\tdefaultBranch = main\n',
  );
}

/** Environment of agents that talk to the scripted model, beyond HOME and PATH. */
export function agentEnvironment(model: string): Record<string, string> {
  return {
    ANTHROPIC_BASE_URL: model,
    ANTHROPIC_AUTH_TOKEN: 'scripted',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    // Claude refuses to skip permission prompts as root unless it is told that this is a sandbox.
    ...(process.getuid?.() === 0 ? { IS_SANDBOX: '1' } : {}),
  };
}
