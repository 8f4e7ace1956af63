import { createScanner } from 'jsonc-parser';

/** Deeper than any settings; what walks a parsed text calls itself once a level, and the stack ends at some thousands. */
const maxDepth = 64;

/**
 * Pure. What the outermost object of a text says for this key, where that is a string; for a text that is too deep to be
 * parsed. Never calls itself.
 */
export function topLevelString(text: string, key: string): string | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  // The string before, and whether a colon came after it.
  let before: { value: string; isKey: boolean } | undefined;
  for (scanner.scan(); scanner.getTokenOffset() < text.length; scanner.scan()) {
    const first = text[scanner.getTokenOffset()];
    if (first === '{' || first === '[') depth += 1;
    if (first === '}' || first === ']') depth -= 1;
    if (first === ':' && before) before.isKey = true;
    else if (first !== '"' || depth !== 1) before = undefined;
    else if (before?.isKey && before.value === key) return scanner.getTokenValue();
    else before = { value: scanner.getTokenValue(), isKey: false };
  }
  return undefined;
}

/** Pure. Where a text with JSON in it goes deeper than is read; undefined where it does not. Never calls itself. */
export function tooDeepAt(text: string): { offset: number; maxDepth: number } | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (scanner.scan(); scanner.getTokenOffset() < text.length; scanner.scan()) {
    // A string's token begins with its quote.
    const first = text[scanner.getTokenOffset()];
    if (first === '{' || first === '[') depth += 1;
    if (first === '}' || first === ']') depth -= 1;
    if (depth > maxDepth) return { offset: scanner.getTokenOffset(), maxDepth };
  }
  return undefined;
}
