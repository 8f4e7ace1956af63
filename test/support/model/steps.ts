/** Token counts of one answer. `input` excludes what came from the cache, as both providers bill it. */
export interface Usage {
  readonly input?: number;
  readonly cached?: number;
  readonly cacheWrite?: number;
  readonly output?: number;
}

/** One tool call, by a neutral name (`bash`, `write`, …: see tools.ts) or by the agent program's own. */
export interface Call {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A request that goes wrong: an HTTP error, a stream cut in its middle, or silence. `times` defaults to 1. */
export type Failure =
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
      readonly times?: number;
    }
  | { readonly cut: true; readonly times?: number }
  | { readonly hang: true | 'mid'; readonly times?: number };

/**
 * What a scripted turn consists of. Tool steps and failures end one answer of the model; texts are said in the same
 * answer as the call that follows them. `wait` (ms), `hold` (until `release(name)`) and `usage` act on the answer that
 * follows. `chunks` is the number of deltas a text is streamed in, `delay` the milliseconds before each of them.
 */
export type Step =
  | { readonly text: string; readonly chunks?: number; readonly delay?: number }
  | Call
  | { readonly tools: readonly Call[] }
  | { readonly wait: number }
  | { readonly hold: string }
  | { readonly usage: Usage }
  | Failure;

/** A script that cannot be read; the message names the place and what is allowed there. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
}

type Json = Readonly<Record<string, unknown>>;

const kinds: Readonly<Record<string, readonly string[]>> = {
  text: ['chunks', 'delay'],
  tool: ['args'],
  tools: [],
  wait: [],
  hold: [],
  usage: [],
  status: ['headers', 'body', 'times'],
  cut: ['times'],
  hang: ['times'],
};

/**
 * Checks JSON from a directive or from `POST /rules`. Throws {@link ScriptError}: a mistyped script must not pass
 * silently.
 */
export function parseSteps(value: unknown, where = 'steps'): Step[] {
  if (!Array.isArray(value)) throw new ScriptError(`${where}: expected a list of steps`);
  return value.map((step, index) => parseStep(step, `${where}[${index}]`));
}

/** Checks one failure, as `POST /fail` takes it. Throws {@link ScriptError}. */
export function parseFailure(value: unknown, where: string): Failure {
  const step = parseStep(value, where);
  if ('status' in step || 'cut' in step || 'hang' in step) return step;
  throw new ScriptError(`${where}: expected a failure, one of status, cut, hang`);
}

function parseStep(value: unknown, where: string): Step {
  const step = record(value, where);
  const kind = Object.keys(kinds).find((name) => name in step);
  const extras = kind === undefined ? undefined : kinds[kind];
  if (kind === undefined || extras === undefined) {
    throw new ScriptError(`${where}: expected one of ${Object.keys(kinds).join(', ')}`);
  }
  const unknown = Object.keys(step).find((key) => key !== kind && !extras.includes(key));
  if (unknown !== undefined) throw new ScriptError(`${where}: unknown field "${unknown}" in a ${kind} step`);
  return { ...head(kind, step, where), ...options(step, where) } as Step;
}

function head(kind: string, step: Json, where: string): Json {
  const value = step[kind];
  const at = `${where}.${kind}`;
  switch (kind) {
    case 'text':
    case 'hold':
      return { [kind]: text(value, at) };
    case 'tool':
      return parseCall(step, where);
    case 'tools':
      if (!Array.isArray(value) || value.length === 0) throw new ScriptError(`${at}: expected a list of calls`);
      return { tools: value.map((call, index) => parseCall(record(call, `${at}[${index}]`), `${at}[${index}]`)) };
    case 'wait':
    case 'status':
      return { [kind]: count(value, at) };
    case 'usage':
      return { usage: parseUsage(value, at) };
    case 'cut':
      if (value !== true) throw new ScriptError(`${at}: expected true`);
      return { cut: true };
    default:
      if (value !== true && value !== 'mid') throw new ScriptError(`${at}: expected true or "mid"`);
      return { hang: value };
  }
}

function options(step: Json, where: string): Json {
  const read: Record<string, unknown> = {};
  for (const key of ['chunks', 'delay', 'times']) {
    if (step[key] !== undefined) read[key] = count(step[key], `${where}.${key}`);
  }
  if (step['headers'] !== undefined) {
    const headers = record(step['headers'], `${where}.headers`);
    read['headers'] = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  }
  if (step['body'] !== undefined) read['body'] = step['body'];
  return read;
}

function parseCall(call: Json, where: string): Call & Json {
  const args = call['args'] === undefined ? {} : record(call['args'], `${where}.args`);
  return { tool: text(call['tool'], `${where}.tool`), args };
}

function parseUsage(value: unknown, where: string): Usage {
  const usage = record(value, where);
  for (const [key, tokens] of Object.entries(usage)) {
    if (!['input', 'cached', 'cacheWrite', 'output'].includes(key)) {
      throw new ScriptError(`${where}: unknown field "${key}"; allowed are input, cached, cacheWrite, output`);
    }
    count(tokens, `${where}.${key}`);
  }
  return usage;
}

function record(value: unknown, where: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new ScriptError(`${where}: expected an object`);
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  throw new ScriptError(`${where}: expected a text`);
}

function count(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw new ScriptError(`${where}: expected a whole number, 0 or more`);
}
