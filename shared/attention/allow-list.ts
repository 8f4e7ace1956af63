/**
 * The allow-list of the town's settings (`attention.allow`): which permissions are given without asking the user. Pure.
 *
 * A pattern is `Tool(argument)`: the tool's name as its backend writes it (`Bash` of one, `bash` of another), then its
 * telling argument, the one that the row shows. `*` stands for any characters, also none and also `/`; everything else
 * stands for itself. The pattern is matched with the whole argument, never with a piece of it.
 *
 * A shell line is taken apart: each of its commands needs a pattern that fits, and a line that cannot be taken apart with
 * certainty (see `shell.ts`) is left to the user. So is a path that leads upwards (`..`), and an argument that is very long.
 */
import type { ToolCall } from '../domain/activity.ts';
import { simpleCommands } from './shell.ts';
import { patternForm } from '../domain/allow-pattern.ts';

/** Longer than any command that somebody would describe by a pattern; reports may cut what is far longer. */
const longestArgument = 4_000;

/**
 * The patterns by which all the calls are allowed, in the order of the calls, each once; undefined where one of them is not,
 * or there is none. A file in `workDir` is also known by its path from there.
 */
export function allowedBy(
  calls: readonly ToolCall[],
  patterns: readonly string[],
  workDir: string,
): string[] | undefined {
  const rules = new Set<string>();
  for (const { tool, argument, kind } of calls) {
    if (argument.length > longestArgument) return undefined;
    for (const forms of formsOf(argument, kind, workDir) ?? [[]]) {
      const rule = patterns.find((pattern) => forms.some((form) => fits(pattern, tool, form)));
      if (rule === undefined) return undefined;
      rules.add(rule);
    }
  }
  return rules.size === 0 ? undefined : [...rules];
}

/** What has to be allowed, each in all the spellings that a pattern may name it by; undefined where nothing can be allowed. */
function formsOf(argument: string, kind: ToolCall['kind'], workDir: string): string[][] | undefined {
  if (kind === 'shell') return simpleCommands(argument)?.map((command) => [command]);
  if (kind !== 'path') return [[argument]];
  if (argument.split(/[/\\]/).includes('..')) return undefined;
  const inside = argument.startsWith(`${workDir}/`) ? [argument.slice(workDir.length + 1)] : [];
  return [[argument, ...inside]];
}

function fits(pattern: string, tool: string, argument: string): boolean {
  const [, name, shape = ''] = patternForm.exec(pattern) ?? [];
  return name === tool && matches(argument, shape);
}

/** Whether the whole text has the shape, in which `*` stands for any characters. */
export function matches(text: string, shape: string): boolean {
  const [first = '', ...others] = shape.split('*');
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  // The leftmost place of each piece leaves the most room for the next ones.
  for (const piece of others) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
