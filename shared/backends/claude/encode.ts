/**
 * Text as it can be typed into Claude Code's composer without being taken for anything but text. Measured with 2.1.197 and
 * 2.1.330: one paste of more than 800 characters or 3 lines is collapsed and marked as foreign text, many small ones back
 * to back are taken as typed; a leading `/` is a command, a leading `!` runs in a shell, a last `\` makes Enter a newline.
 *
 * What it acts on inside a text is broken, too: `@name` attaches that file, `[Image #1]` what was pasted before, and its
 * keywords change what a turn may spend. Where a piece is pasted whose line ends as an image's name does, it looks for
 * that file while the pieces behind it go ahead, so no piece has such an end (`segmentsOf`).
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
const dropped =
  /(?![\u200d\u200c\u{e0020}-\u{e007f}])(?=\p{Cf})\p{Default_Ignorable_Code_Point}|[\u{e0100}-\u{e01ef}]/gu;

/** A name after `@` is a mention at the beginning of a word and after these full stops, commas and marks. */
const mention = /(?<=^|[\s\u3001\u3002\uff01\uff1f])@(?=\S)/g;

/** Stands for something that was pasted before. */
const placeholder = /(?<=\[(?:Pasted text|Image|\.\.\.Truncated text|\u2726 Team setup guide)) (?=#\d)/g;

/** Broken as Claude Code itself does where it quotes them. */
const keyword = /(?<=ultra)(?=code|plan|review|think)/gi;

/** Pure. What the composer will hold: nothing that it takes for a command or a key, and the rest as it keeps it. */
export function encodePrompt(text: string): string {
  const plain = kept(text).replace(mention, '\\@').replace(placeholder, '-').replace(keyword, '-');
  const submitted = plain.endsWith('\\') ? `${plain} .` : plain;
  return /^\s*[/!]/.test(submitted) ? `Task: ${submitted}` : submitted;
}

/** Pure. Whether the text is typed as it is, but for line ends, what begins a command, and what ends it. */
export function isTypedAsIs(text: string): boolean {
  const plain = text.replace(/\r\n?/g, '\n').trimEnd();
  return kept(text) === plain && ![mention, placeholder, keyword].some((trigger) => plain.search(trigger) >= 0);
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

/**
 * Where a piece has to end: inside an image's extension (backslashes in it do not count), and inside what the composer
 * would take from the end of a piece for the terminal's word about the focus.
 */
const seam = /\.(?=\\*(?:p\\*n\\*g|j\\*p\\*(?:e\\*)?g|g\\*i\\*f|w\\*e\\*b\\*p))|\[(?=[IO])/gi;

/** Pure. Pieces of at most 2 lines and 350 code points, none with an image's name; together they are the text. */
export function segmentsOf(encoded: string): string[] {
  const seams = new Set([...encoded.matchAll(seam)].map(({ index }) => index + 1));
  const segments: string[] = [];
  let segment = '';
  let points = 0;
  let lines = 1;
  let at = 0;
  for (const point of encoded) {
    if (points === maxCodePoints || (point === '\n' && lines === maxLines) || seams.has(at)) {
      segments.push(segment);
      segment = '';
      points = 0;
      lines = 1;
    }
    if (point === '\n') lines += 1;
    segment += point;
    points += 1;
    at += point.length;
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
  return comparable(prompt) === comparable(encoded);
}

/** Pure. Whether a prompt has the encoded text whole and in order, alone or among other text. */
export function hasWhole(prompt: string, encoded: string): boolean {
  return comparable(prompt).includes(comparable(encoded));
}

/** Pure. Whether a prompt has something of the encoded text, but not all of it, or more than it. */
export function isTorn(prompt: string, encoded: string): boolean {
  const given = comparable(prompt);
  if (given === '' || given === comparable(encoded)) return false;
  const lines = encoded
    .split('\n')
    .map(comparable)
    .filter((line) => line !== '');
  return comparable(encoded).includes(given) || lines.some((line) => given.includes(line));
}

/**
 * Pure. What a prompt has besides the encoded text, wherever the composer has changed its blanks; undefined where it does
 * not have it whole.
 */
export function besides(prompt: string, encoded: string): string | undefined {
  // Without blanks, with the place of each character: a search that counts them would miss what was trimmed.
  const places: number[] = [];
  let bare = '';
  for (const { 0: character, index } of prompt.matchAll(/[^\s\p{Cf}\p{Default_Ignorable_Code_Point}]/gu)) {
    for (let unit = 0; unit < character.length; unit += 1) places.push(index + unit);
    bare += character;
  }
  const wanted = encoded.replace(/[\s\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '');
  const from = bare.indexOf(wanted);
  if (wanted === '' || from < 0) return undefined;
  const [start = 0, end = 0] = [places[from], places[from + wanted.length - 1]];
  return `${prompt.slice(0, start)}${prompt.slice(end + 1)}`.trim();
}

function comparable(text: string): string {
  return text
    .replace(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')
    .replace(/\s+/g, ' ')
    .trim();
}
