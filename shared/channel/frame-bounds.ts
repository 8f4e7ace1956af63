/** Whoever sends more in one message is disconnected. */
export const maxBytesOfMessage = 16 * 1024 * 1024;

/** No message of ours is near either. Checked before anything is made of the text. */
const bounds = { depth: 64, values: 100_000 };

const code = (character: string): number => character.charCodeAt(0);
const quote = code('"');
const backslash = code('\\');
const comma = code(',');
const opens = new Set([code('['), code('{')]);
const closes = new Set([code(']'), code('}')]);

/**
 * Pure. What is too much in a JSON text: how deep it is, or how many values it has. A megabyte of `[` or of `1,` costs
 * whoever parses or checks it a hundred times as much; this looks at each byte once. Undefined: nothing.
 */
export function excessOf(json: Uint8Array): string | undefined {
  let depth = 0;
  let values = 0;
  let inText = false;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at]!;
    if (inText) {
      if (byte === backslash) at += 1;
      else if (byte === quote) inText = false;
    } else if (byte === quote) inText = true;
    else if (byte === comma) values += 1;
    else if (opens.has(byte)) {
      depth += 1;
      values += 1;
    } else if (closes.has(byte)) depth -= 1;
    if (depth > bounds.depth) return `more than ${bounds.depth} levels deep`;
    if (values > bounds.values) return `more than ${bounds.values} values`;
  }
  return undefined;
}
