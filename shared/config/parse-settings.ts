import { findNodeAtLocation, getNodeValue, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Node, ParseError } from 'jsonc-parser';
import type * as z from 'zod/mini';
import type { Problem } from '../domain/problem.ts';
import { didYouMean } from '../platform/did-you-mean.ts';
import '../platform/zod-words.ts';
import { tooDeepAt } from './nesting.ts';
import { unknownKeys } from './unknown-keys.ts';
import { cutText } from '../platform/cut-text.ts';

/** `value` is there when nothing worse than warnings was found. */
export interface ParsedSettings<T> {
  value?: T;
  problems: Problem[];
}

type Path = (string | number)[];

/** So many problems of a file are told, and so many characters of what it says are repeated in one. */
const maxProblems = 50;
const maxQuoted = 200;

/**
 * Reads a settings file's text: JSON; comments and a comma behind the last are allowed. Never throws: what is malformed or not allowed becomes a
 * problem with its place (line counted from 1), its field, what is wrong and what is allowed. Unknown keys are warnings.
 */
export function parseSettings<T>(text: string, schema: z.ZodMiniType<T>, file: string): ParsedSettings<T> {
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length;
  const deep = tooDeepAt(text);
  if (deep)
    return {
      problems: [{ file, line: lineAt(deep.offset), message: `The file goes deeper than ${deep.maxDepth} levels.` }],
    };
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [firstError] = errors;
  if (text.trim() === '' || !root) return { problems: [{ file, line: 1, message: 'The file is empty.' }] };
  if (firstError) {
    const message = `The file is not valid JSON: ${syntaxError(firstError, text)}.`;
    return { problems: [{ file, line: lineAt(firstError.offset), message }] };
  }
  const raw: unknown = getNodeValue(root);
  const result = schema.safeParse(raw);
  if (!result.success) {
    return {
      problems: result.error.issues.slice(0, maxProblems).map((issue) => {
        const path = issue.path.filter((part) => typeof part !== 'symbol');
        return {
          file,
          line: lineAt(offsetOf(root, path)),
          message: `${fieldName(path)} ${describe(issue, raw, path)}`,
        };
      }),
    };
  }
  const warnings = unknownKeys(schema, raw)
    .slice(0, maxProblems)
    .map(({ path, known }): Problem => {
      const key = String(path.at(-1));
      const message = `${fieldName(path)} is not a known key and has no effect.${didYouMean(key, known)}`;
      return { file, line: lineAt(offsetOf(root, path)), message, severity: 'warning' };
    });
  return { value: result.data, problems: warnings };
}

function syntaxError({ error, offset, length }: ParseError, text: string): string {
  const words = printParseErrorCode(error)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase();
  const found = text.slice(offset, offset + Math.min(length, maxQuoted)).split('\n')[0];
  return found ? `${words} at ${named(found)}` : `${words} at the end of the file`;
}

/** What cannot be seen is named: such a character comes with what is pasted from web pages and chats. */
const named = (text: string): string =>
  text.replace(
    /[^\P{C}\t]|(?! )\p{Z}/gu,
    (character) =>
      `the invisible character U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
  );

/** `agents.glm.args[0]`; the whole file is "The file". */
function fieldName(path: Path): string {
  if (path.length === 0) return 'The file';
  const name = path
    .map((part, index) => {
      if (typeof part === 'number' || part === '') return `[${JSON.stringify(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join('');
  return cutText(name, maxQuoted + 1);
}

/** Where the property at `path` begins; where there is none, the nearest object around it. */
function offsetOf(root: Node, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const node = findNodeAtLocation(root, path.slice(0, length));
    if (node) return node.parent?.type === 'property' ? node.parent.offset : node.offset;
  }
  return root.offset;
}

function describe(issue: z.core.$ZodIssue, raw: unknown, path: Path): string {
  const given = valueAt(raw, path);
  if (issue.code === 'invalid_value') {
    const allowed = issue.values.map(String);
    const options = allowed.map((value) => JSON.stringify(value)).join(' or ');
    const must = `must be ${issue.values.every((value) => typeof value === 'number') ? allowed.join(' or ') : options}`;
    if (given === undefined) return `is missing: it ${must}.`;
    const hint = typeof given === 'string' && allowed.length > 1 ? didYouMean(given, allowed) : '';
    return `is ${quoted(given)}, but ${must}.${hint}`;
  }
  if (issue.code === 'invalid_type') {
    if (given === undefined) return `is missing: it must be ${withArticle(issue.expected)}.`;
    return `is ${withArticle(typeName(given))}, but must be ${withArticle(typeNames[issue.expected] ?? issue.expected)}.`;
  }
  if (issue.code === 'too_small' && issue.origin === 'string') return 'is empty, but must be a name.';
  if (issue.code === 'too_small') return `is ${quoted(given)}, but must be at least ${issue.minimum}.`;
  if (issue.code === 'invalid_key') return 'has a key that is empty, but must be a name.';
  if (issue.code === 'custom') return `is ${quoted(given)}, but ${issue.message}.`;
  return `is not allowed: ${issue.message}.`;
}

function quoted(value: unknown): string {
  const text = JSON.stringify(value);
  return cutText(text, maxQuoted + 1);
}

const typeNames: Record<string, string> = { int: 'whole number', record: 'object' };

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function withArticle(noun: string): string {
  if (noun === 'null') return noun;
  return `${/^[aeio]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

function valueAt(raw: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<string | number, unknown> | undefined)?.[part], raw);
}
