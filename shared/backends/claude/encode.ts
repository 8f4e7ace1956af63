/**
 * Text as it can be typed into Claude Code's composer without being taken for anything but text. Measured with 2.1.197 and
 * 2.1.330: one paste of more than 800 characters or 3 lines is collapsed and marked as foreign text, many small ones back
 * to back are taken as typed; a leading `/` is a command, a leading `!` runs in a shell, a last `\` makes Enter a newline.
 */

const maxCodePoints = 350;
const maxLines = 2;

/** Longer texts are handed over in a file, in UTF-8 bytes. */
export const maxTypedBytes = 30_000;

const pasteStart = '\u001b[200~';
const pasteEnd = '\u001b[201~';

/**
 * Invisible characters that the composer drops, and then wants a second Enter (measured with 2.1.330): direction marks,
 * soft hyphens, glyph selectors. Not the joiners of scripts and emoji, which it keeps where they join something.
 */
const dropped = /(?![\u200d\u200c\u{e0020}-\u{e007f}])(?=\p{Cf})\p{Default_Ignorable_Code_Point}|[\u{e0100}-\u{e01ef}]/gu;

/** Pure. What the composer will hold: nothing that it takes for a command or a key, and the rest as it keeps it. */
export function encodePrompt(text: string): string {
  const plain = kept(text);
  const submitted = plain.endsWith('\\') ? `${plain} .` : plain;
  return /^\s*[/!]/.test(submitted) ? `Task: ${submitted}` : submitted;
}

/** Pure. Whether the composer keeps the text as it is, but for line ends and blanks at its end. */
export function isTypedAsIs(text: string): boolean {
  return kept(text) === text.replace(/\r\n?/g, '\n').trimEnd();
}

/** No control characters (ESC would end the paste), tabs and accents as the composer keeps them. */
function kept(text: string): string {
  return text
    .replace(/\r\n?|[\u2028\u2029]/g, '\n')
    .replace(/\t/g, '    ')
    .replace(/(?!\n)\p{Cc}/gu, '')
    .replace(/\p{Cs}/gu, '\uFFFD')
    .replace(dropped, '')
    .normalize('NFC')
    .trimEnd();
}

/** Pure. Pieces of at most 2 lines and 350 code points; together they are the text. */
export function segmentsOf(encoded: string): string[] {
  const segments: string[] = [];
  let segment = '';
  let points = 0;
  let lines = 1;
  for (const point of encoded) {
    if (points === maxCodePoints || (point === '\n' && lines === maxLines)) {
      segments.push(segment);
      segment = '';
      points = 0;
      lines = 1;
    }
    if (point === '\n') lines += 1;
    segment += point;
    points += 1;
  }
  return segment === '' ? segments : [...segments, segment];
}

/** Pure. The bytes to write: one bracketed paste per segment; inside the brackets CR is a newline. */
export function pasteOf(encoded: string): string {
  return segmentsOf(encoded)
    .map((segment) => `${pasteStart}${segment.replaceAll('\n', '\r')}${pasteEnd}`)
    .join('');
}

/**
 * Pure. Whether a submitted prompt is the encoded text. The composer trims blanks at line ends, and drops joiners
 * and selectors where they join nothing.
 */
export function isSamePrompt(prompt: string, encoded: string): boolean {
  const comparable = (text: string): string => text.replace(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '').replace(/\s+/g, ' ').trim();
  return comparable(prompt) === comparable(encoded);
}
