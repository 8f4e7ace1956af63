/** Ends a command and begins another one, outside quotes. Longer ones first. */
const separators = ['&&', '||', '|', ';'] as const;

/** Outside single quotes: an expansion that may run something, or that is too hard to follow. A plain `$NAME` is neither. */
const expansion = /^(`|\$[^A-Za-z_\s"])/;

/** Outside all quotes: redirections, groups and sub-shells, background. */
const refusedBare = /^[<>(){}&]/;

/**
 * Pure. The simple commands that a shell line consists of, in order: `a && b | c` gives three. Undefined for whatever cannot be
 * taken apart with certainty, so that nobody takes a part for the whole: substitutions, redirections, groups, background,
 * comments, line breaks outside quotes, quotes that do not end. It errs on that side only.
 */
export function simpleCommands(line: string): string[] | undefined {
  if (/[^\P{Cc}\n]/u.test(line)) return undefined;
  const commands: string[] = [];
  let quote = '';
  let start = 0;
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at]!;
    const rest = line.slice(at, at + 2);
    if (quote === "'") {
      if (char === "'") quote = '';
      continue;
    }
    if (expansion.test(rest)) return undefined;
    if (char === '\n' && quote === '') return undefined;
    if (char === '\\') {
      at += 1;
      if (at >= line.length || (quote === '' && line[at] === '\n')) return undefined;
    } else if (quote === '"') {
      if (char === '"') quote = '';
    } else if (char === '"' || char === "'") {
      quote = char;
    } else {
      // A comment may hold anything, also half a quote.
      if (char === '#' && (at === start || line[at - 1] === ' ')) return undefined;
      const separator = separators.find((each) => line.startsWith(each, at));
      if (separator === undefined) {
        if (refusedBare.test(char)) return undefined;
        continue;
      }
      commands.push(line.slice(start, at));
      at += separator.length - 1;
      start = at + 1;
    }
  }
  if (quote !== '') return undefined;
  const all = [...commands, line.slice(start)].map((command) => command.replace(/^ +| +$/g, ''));
  return all.includes('') ? undefined : all;
}
