import * as z from 'zod/mini';

/** What an entry of the conversation's record says of a prompt. */
export interface RecordEntry {
  /**
   * `given`: it is part of what the model is given; `refused`: a hook of the user's did not let it through; `asked`: the model
   * is asked with all before it; `answer`: it has said something.
   */
  kind: 'given' | 'refused' | 'asked' | 'answer';
  /** Only of a prompt. */
  text: string;
  /** Epoch milliseconds. */
  at: number;
  /** Claude's name for the prompt whose turn has it; absent in older versions. */
  promptId?: string;
}

const blocks = z.union([z.string(), z.array(z.object({ type: z.string(), text: z.optional(z.string()) }))]);
const common = { timestamp: z.string(), isSidechain: z.optional(z.literal(false)), promptId: z.optional(z.string()) };
const own = z.optional(z.literal(false));

// As 2.1.330 writes them. What Claude Code itself says to the model (`isMeta`, summaries) is nobody's prompt.
const given = z.object({
  ...common,
  type: z.literal('user'),
  isMeta: own,
  isCompactSummary: own,
  message: z.object({ content: blocks }),
});
/** One that was typed into a running turn, and has been put before the model in its middle. */
const queued = z.object({
  ...common,
  type: z.literal('attachment'),
  attachment: z.object({ type: z.literal('queued_command'), prompt: blocks }),
});
const refused = z.object({ ...common, type: z.literal('system'), content: z.string() });
/** 2.1.197 has none. */
const asked = z.object({ ...common, type: z.literal('api-request'), querySource: z.literal('repl_main_thread') });
const answer = z.object({
  ...common,
  type: z.literal('assistant'),
  isApiErrorMessage: z.optional(z.boolean()),
  message: z.object({ model: z.optional(z.string()) }),
});
const line = z.discriminatedUnion('type', [given, queued, refused, asked, answer]);

/** Pure. Undefined for everything else, and for half a line. */
export function readRecordEntry(text: string): RecordEntry | undefined {
  if (!/"type":"(user|queued_command|system|api-request|assistant)"/.test(text)) return undefined;
  const entry = line.safeParse(parse(text)).data;
  if (!entry) return undefined;
  const { promptId } = entry;
  const more = { at: Date.parse(entry.timestamp), ...(promptId === undefined ? {} : { promptId }) };
  switch (entry.type) {
    case 'user':
      return { kind: 'given', text: textOf(entry.message.content), ...more };
    case 'attachment':
      return { kind: 'given', text: textOf(entry.attachment.prompt), ...more };
    case 'system':
      return { kind: 'refused', text: entry.content, ...more };
    case 'api-request':
      return { kind: 'asked', text: '', ...more };
    case 'assistant':
      // What Claude Code says in the model's place when it resumes a conversation that was cut off.
      if (entry.message.model === '<synthetic>' && !entry.isApiErrorMessage) return undefined;
      return { kind: 'answer', text: '', ...more };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // It is being written.
    return undefined;
  }
}

function textOf(content: z.output<typeof blocks>): string {
  if (typeof content === 'string') return content;
  return content.flatMap(({ type, text }) => (type === 'text' && text !== undefined ? [text] : [])).join('\n');
}
