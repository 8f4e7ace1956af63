/** Text of senders, made safe to be put before a model: it can neither steer a terminal nor pass for another message. */

/** Control characters but line feed and tab become visible: ESC is `␛`, the end of a paste `␛[201~`. */
function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  return code === 0x7f ? '\u2421' : '\ufffd';
}

/**
 * Pure. The text without control characters and lone surrogates, with `\n` as its only line end, and without anything
 * that reads as the mark of a delivery (see `unmarked`).
 */
export function sanitize(text: string): string {
  const plain = text
    .replace(/\r\n?|[\u2028\u2029]/g, '\n')
    .replace(/[^\P{Cc}\n\t]/gu, visible)
    .replace(/\p{Cs}/gu, '\ufffd');
  return unmarked(plain);
}

/** Pure. The same in one line, for subjects. */
export function sanitizeLine(text: string): string {
  return sanitize(text).replace(/\s+/g, ' ').trim();
}

/** Pure. The same with each of its lines quoted, so that none can be taken for the words of whoever shows it. */
export function quoted(text: string): string {
  return sanitize(text)
    .trim()
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
}

/**
 * Pure. Without anything that reads as the mark of a delivery (`[gt msg_…]`), exactly or nearly (`[GT msg_…]`, full-width
 * brackets, invisible characters between): only we write those, so that a text cannot forge a receipt or speak in somebody
 * else's name. It is broken by a colon, `[gt: msg_…]`.
 */
export function unmarked(text: string): string {
  const pieces: string[] = [];
  let from = 0;
  // Breaks come in order: no bracket stands inside of the `gt` of another one's mark.
  for (const { index, 0: opening } of text.matchAll(/\p{Ps}/gu)) {
    const at = markAt(text, index + opening.length);
    if (at === undefined) continue;
    // Joined once: a megabyte of marks would be copied as often as it has marks, and the host is one thread.
    pieces.push(text.slice(from, at));
    from = at;
  }
  return [...pieces, text.slice(from)].join(':').replace(/\[gt(?=\s)/g, '[gt:');
}

/** How far behind an opening bracket a mark is looked for, in characters: invisible ones may stand between. */
const reach = 200;
const letters = 'gtmsg';
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{M}]/u;
/** Letters of other scripts that look like ours and have no compatibility form. */
const alike: Readonly<Record<string, string>> = {
  ɡ: 'g',
  ɢ: 'g',
  т: 't',
  τ: 't',
  ᴛ: 't',
  м: 'm',
  ᴍ: 'm',
  ѕ: 's',
  ꜱ: 's',
};

/** Where the mark that begins behind a bracket at `start` is to be broken: behind its `gt`. Undefined where there is none. */
function markAt(text: string, start: number): number | undefined {
  let found = 0;
  let behindName = start;
  let at = start;
  for (const character of text.slice(start, start + reach)) {
    at += character.length;
    if (invisible.test(character)) continue;
    for (const folded of character.normalize('NFKC').toLowerCase()) {
      if ((alike[folded] ?? folded) === letters[found]) {
        found += 1;
        if (found === 2) behindName = at;
        if (found === letters.length) return behindName;
      } else if (!/\s/.test(folded) && !(found === 2 && /[\p{P}\p{S}]/u.test(folded) && folded !== ':'))
        return undefined;
    }
  }
  return undefined;
}
