import { unmarked } from '../../shared/channel/inert.ts';

/** Plain aligned columns, two spaces apart; empty cells are `-`. */
export function table(header: readonly string[], rows: readonly (readonly (string | undefined)[])[]): string {
  const cells = [header, ...rows.map((row) => row.map((cell) => (cell ? oneLine(cell) : '-')))];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
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
