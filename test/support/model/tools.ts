import type { Dialect } from './request.ts';
import type { Call } from './steps.ts';

/** A call as it goes over the wire: the agent program's own tool name and argument names. */
export interface WireCall {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

type Args = Readonly<Record<string, unknown>>;
type Translate = (args: Args) => WireCall;

/** Same tool, other argument names; `defaults` are what the program requires and a script need not say. */
function renamed(name: string, names: Readonly<Record<string, string>> = {}, defaults: Args = {}): Translate {
  return (args) => ({
    name,
    args: {
      ...defaults,
      ...Object.fromEntries(Object.entries(args).map(([key, value]) => [names[key] ?? key, value])),
    },
  });
}

/** `ask {question, options}` or `ask {questions: […]}`; an option is a label, or `{label, description}`. */
function asking(name: string, multiple: 'multiple' | 'multiSelect'): Translate {
  return (args) => {
    const questions: unknown[] = Array.isArray(args['questions']) ? args['questions'] : [args];
    return { name, args: { questions: questions.map((entry) => question(entry as Args, multiple)) } };
  };
}

function question(entry: Args, multiple: string): Args {
  const options: unknown[] = Array.isArray(entry['options']) ? entry['options'] : ['Yes', 'No'];
  return {
    question: entry['question'] ?? 'How shall I go on?',
    header: entry['header'] ?? 'Question',
    options: options.map((option) => (typeof option === 'string' ? { label: option, description: option } : option)),
    [multiple]: entry['multiple'] ?? false,
  };
}

const shell: Args = { description: 'Runs a scripted command' };
const file = { path: 'file_path', old: 'old_string', new: 'new_string' };
const camelFile = { path: 'filePath', old: 'oldString', new: 'newString' };

/** Neutral names → each program's tools (Claude Code 2.1.330, Opencode 1.18.33). */
const tools: Readonly<Record<Dialect, ReadonlyMap<string, Translate>>> = {
  anthropic: new Map([
    ['bash', renamed('Bash', {}, shell)],
    ['write', renamed('Write', file)],
    ['edit', renamed('Edit', file)],
    ['read', renamed('Read', file)],
    ['ask', asking('AskUserQuestion', 'multiSelect')],
    ['plan', renamed('ExitPlanMode')],
    [
      'task',
      renamed('Agent', { agent: 'subagent_type' }, { description: 'Scripted task', subagent_type: 'general-purpose' }),
    ],
  ]),
  openai: new Map([
    ['bash', renamed('bash', {}, shell)],
    ['write', renamed('write', camelFile)],
    ['edit', renamed('edit', camelFile)],
    ['read', renamed('read', camelFile)],
    ['ask', asking('question', 'multiple')],
    ['task', renamed('task', { agent: 'subagent_type' }, { description: 'Scripted task', subagent_type: 'general' })],
  ]),
};

/**
 * The call that a scripted call becomes: neutral names (bash, write, edit, read, ask, plan, task) are translated, any
 * other name is passed through as it is, offered or not (a script may want to see an agent refuse an unknown tool).
 */
export function wireCall(dialect: Dialect, call: Call): WireCall {
  return tools[dialect].get(call.tool)?.(call.args) ?? { name: call.tool, args: call.args };
}
