import { parseSteps, ScriptError, type Step } from './steps.ts';

const mark = '%%{';

/**
 * The script in a prompt: the first `%%{"steps":[…]}`, with any text before and after it. Found also where `opencode run`
 * put a backslash before every `"`. Returns undefined without a directive, throws {@link ScriptError} where there is one
 * that cannot be read.
 */
export function directiveIn(text: string): Step[] | undefined {
  const start = text.indexOf(mark);
  if (start < 0) return undefined;
  const rest = text.slice(start + mark.length - 1);
  for (const undo of [asIs, unescapeQuotes]) {
    const candidate = undo(rest);
    const end = closingBrace(candidate);
    const value = end === undefined ? undefined : parse(candidate.slice(0, end + 1));
    if (isObject(value)) return parseSteps(value['steps'], 'directive.steps');
  }
  throw new ScriptError(`the directive cannot be read as JSON: ${text.slice(start, start + 80)}`);
}

const asIs = (text: string): string => text;
const unescapeQuotes = (text: string): string => text.replaceAll('\\"', '"');

/** Index of the brace that closes the one at 0; braces inside JSON strings do not count. */
function closingBrace(text: string): number | undefined {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index];
    if (inString) {
      if (char === '\\') index += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{') depth += 1;
    else if (char === '}') {
      depth -= 1;
      if (depth === 0) return index;
    }
  }
  return undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not readable with this escaping: the caller tries the next one and reports when none fits.
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
