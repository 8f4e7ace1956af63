import { parseArgs } from 'node:util';
import type { ParseArgsConfig, ParseArgsOptionsConfig } from 'node:util';

/** A command was given what it does not take. The message is one sentence that says what and what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What a command was given. Throws `UsageError` for whatever `options` does not have, and where an option's value is missing. */
export function valuesOf<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
): ReturnType<typeof parseArgs<{ args: string[]; options: T }>>['values'] {
  const hint = 'help' in options ? ': see --help.' : '.';
  const config = { args: [...args], options } satisfies ParseArgsConfig;
  for (const token of parseArgs({ ...config, strict: false, tokens: true }).tokens) {
    if (token.kind === 'positional') throw new UsageError(`"${token.value}" is no option${hint}`);
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const known = options[name];
    if (known === undefined) throw new UsageError(`There is no option ${rawName}${hint}`);
    if (known.type === 'boolean' && value !== undefined) throw new UsageError(`${rawName} takes no value${hint}`);
    const isMissing = value === undefined || value.trim() === '' || (!inlineValue && value.startsWith('-'));
    if (known.type === 'string' && isMissing) throw new UsageError(`${rawName} needs a value${hint}`);
  }
  return parseArgs(config).values;
}
