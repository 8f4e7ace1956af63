import { parseArgs } from 'node:util';
import { GasTownError, messageOf } from '../../platform/errors.ts';

/** What an agent's `args` mean for a session of the shared server: they are sent with every prompt. */
export interface PromptDefaults {
  model?: { providerID: string; modelID: string };
  /** Opencode's own agent (`build`, `plan`, …). */
  agent?: string;
  variant?: string;
}

/**
 * Pure. Reads `--model provider/model`, `-m`, `--agent`, `--variant`. Throws `bad-config` for anything else: the other
 * options of `opencode` belong to a process, and a session has none of its own.
 */
export function promptDefaults(agentName: string, args: readonly string[]): PromptDefaults {
  let values: { model?: string; agent?: string; variant?: string };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: { model: { type: 'string', short: 'm' }, agent: { type: 'string' }, variant: { type: 'string' } },
      strict: true,
      allowPositionals: false,
    }));
  } catch (error) {
    throw new GasTownError(
      'bad-config',
      `The args of agent "${agentName}" are not understood: ${messageOf(error)} ` +
        'For Opencode, --model provider/model, --agent NAME and --variant NAME are allowed; ' +
        'put everything else into opencode.json.',
    );
  }
  return {
    ...(values.model === undefined ? {} : { model: parseModel(agentName, values.model) }),
    ...(values.agent === undefined ? {} : { agent: values.agent }),
    ...(values.variant === undefined ? {} : { variant: values.variant }),
  };
}

/** The model's own name may contain slashes (`openrouter/z-ai/glm`). */
function parseModel(agentName: string, text: string): { providerID: string; modelID: string } {
  const slash = text.indexOf('/');
  if (slash > 0 && slash < text.length - 1) return { providerID: text.slice(0, slash), modelID: text.slice(slash + 1) };
  throw new GasTownError(
    'bad-config',
    `The model "${text}" of agent "${agentName}" has no provider. Write it as provider/model; \`opencode models\` lists them.`,
  );
}
