/** What the driver and its program say to each other: a JSON object a line, on the program's standard input and output. */
export type ToProgram =
  { kind: 'prompt'; id: string; text: string } | { kind: 'answer'; askId: string; allow: boolean };

export type FromProgram =
  | { kind: 'ready' }
  | { kind: 'busy' }
  /** The prompt is in the conversation. */
  | { kind: 'taken'; id: string }
  | { kind: 'progress' }
  /** A command is run when this has been answered. */
  | { kind: 'ask'; askId: string; command: string }
  | { kind: 'turn-ended'; words?: string; failure?: string }
  | { kind: 'idle' };

/** Calls `take` with each whole line. */
export function readLines<T>(stream: NodeJS.ReadableStream, take: (message: T) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(JSON.parse(line) as T);
  });
}
