/** Text of senders, made safe to be put before a model: it can neither steer a terminal nor pass for another message. */

/** Control characters but line feed and tab become visible: ESC is `␛`, the end of a paste `␛[201~`. */
function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? '\u2421' : '\ufffd';
}

/**
 * Pure. The text without control characters and lone surrogates, with `\n` as its only line end, and without anything
 * that reads as the mark of a delivery (`[gt msg_…]`): only we write those, so that a text cannot forge a receipt or
 * speak in somebody else's name.
 */
export function inert(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\n\t]/gu, visible)
    .replace(/\p{Cs}/gu, '\ufffd')
    .replace(/\[gt(?=\s)/g, '[gt:');
}

/** Pure. The same in one line, for subjects. */
export function inertLine(text: string): string {
  return inert(text).replace(/\s+/g, ' ').trim();
}
