import { cutText } from '../../shared/platform/cut-text.ts';
import { unmarked } from '../../shared/platform/sanitize.ts';

/** How a table is made to fit a terminal. A column that is not named keeps its width. */
export interface Fit {
  /** Of the terminal, in characters; undefined where the output is for no terminal, so that all stands in it. */
  width: number | undefined;
  /** Columns that are cut, one after the other until it fits. */
  cut?: readonly string[];
  /** The last column is never cut: it goes on in more lines, below itself or, where it has no room there, below its row. */
  whole?: true;
}

/** A column is cut to no less than its header, and than this. */
const leastCut = 10;
/** A text with less room than this stands below its row. */
const leastWhole = 24;
const gap = '  ';

/** Plain aligned columns, two spaces apart; empty cells are `-`. */
export function table(
  header: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
  { width = Infinity, cut = [], whole }: Partial<Fit> = {},
): string {
  const cells = [header, ...rows.map((row) => row.map((cell) => (cell ? oneLine(cell) : '-')))];
  const widths = header.map((name, column) => ({
    name,
    width: Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  }));
  let over = widths.reduce((sum, each) => sum + each.width + gap.length, -gap.length) - width;
  for (const name of cut) {
    const column = widths.find((each) => each.name === name);
    if (!column || over <= 0) continue;
    const least = Math.max(leastCut, name.length);
    const gives = Math.min(over, Math.max(0, column.width - least));
    column.width -= gives;
    over -= gives;
  }
  const fitted = widths.map((column) => column.width);
  if (!whole || over <= 0) return cells.map((row) => line(row, fitted)).join('\n');
  return cells.flatMap((row) => withWhole(row, fitted, over, width)).join('\n');
}

const line = (row: readonly string[], widths: readonly number[]): string =>
  row
    .map((cell, column) => shortened(cell, widths[column] ?? 0).padEnd(widths[column] ?? 0))
    .join(gap)
    .trimEnd();

/** Of paths and branches the end tells more. */
function shortened(cell: string, width: number): string {
  if (cell.length <= width || !/^\S*\/\S*$/.test(cell)) return cutText(cell, width);
  return `…${cell.slice(cell.length - width + 1)}`;
}

function withWhole(row: readonly string[], widths: readonly number[], over: number, width: number): string[] {
  const others = widths.slice(0, -1);
  const before = line(row.slice(0, -1), others);
  const text = row.at(-1) ?? '';
  const room = (widths.at(-1) ?? 0) - over;
  if (room < leastWhole)
    return [before, ...(text === '-' ? [] : wrapped(text, width - gap.length).map((each) => gap + each))];
  const indent = others.reduce((sum, each) => sum + each + gap.length, 0);
  const [first = '', ...more] = wrapped(text, room);
  return [`${before.padEnd(indent)}${first}`, ...more.map((each) => `${' '.repeat(indent)}${each}`)];
}

/** Lines of at most so many characters, broken between words; a longer word is broken, too. */
function wrapped(text: string, width: number): string[] {
  const pattern = new RegExp(`(?:\\S.{0,${Math.max(1, width) - 1}})(?=\\s|$)|\\S{${Math.max(1, width)}}`, 'gu');
  return (text.match(pattern) ?? []).map((each) => each.trimEnd());
}

/**
 * Text from agents may hold anything: line breaks and control characters would break the table, or the terminal, and a
 * model that reads it may not take it for a message.
 */
export function oneLine(text: string): string {
  return unmarked(text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim());
}

/** One line with every character that cannot be seen written out, so that nothing of it hides: `<U+202E>`. */
export function visible(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (hidden) => {
    return hidden === '\t' ? hidden : `<U+${hidden.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`;
  });
}
