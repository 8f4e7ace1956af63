import type { Said } from './script.ts';
import type { WireCall } from './tools.ts';
import type { Usage } from './steps.ts';

/** A finished answer, ready to be put in a dialect's form. */
export interface Reply {
  readonly id: string;
  readonly model: string;
  readonly said: readonly Said[];
  readonly calls: readonly (WireCall & { readonly id: string })[];
  readonly usage: Required<Usage>;
}

/** One server-sent event, sent after `delay` milliseconds. */
export interface Frame {
  readonly event?: string;
  readonly data: string;
  readonly delay: number;
}

/** A streamed answer in its three parts; a cut happens in the middle of `content`. */
export interface Stream {
  readonly open: readonly Frame[];
  readonly content: readonly Frame[];
  readonly close: readonly Frame[];
}

/** The whole text of a reply. Texts of several steps stand on lines of their own. */
export function wholeText(reply: Reply): string {
  return reply.said.map(({ text }) => text).join('\n');
}

/** The deltas that a reply's text is streamed in. */
export function textDeltas(reply: Reply): { readonly text: string; readonly delay: number }[] {
  return reply.said.flatMap(({ text, chunks, delay }, index) =>
    pieces(index === 0 ? text : `\n${text}`, chunks).map((piece) => ({ text: piece, delay })),
  );
}

/** Cuts a text in about equal pieces (at most `count`, none empty), never inside a character. */
export function pieces(text: string, count: number): string[] {
  const characters = [...text];
  const size = Math.max(1, Math.ceil(characters.length / Math.max(1, count)));
  const cut: string[] = [];
  for (let from = 0; from < characters.length; from += size) cut.push(characters.slice(from, from + size).join(''));
  return cut;
}
