import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Frame, Stream } from './reply.ts';
import type { Failure } from './steps.ts';

/** Sends a JSON answer. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/**
 * Streams an answer as server-sent events, or as much of it as the failure allows: a cut ends the connection in the
 * middle of the content, a hang "mid" falls silent there (until the other side hangs up). The content waits for `held`.
 * Rejects when `signal` aborts.
 */
export async function sendStream(
  response: ServerResponse,
  stream: Stream,
  { failure, held }: { failure: Failure | undefined; held: () => Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const half = stream.content.slice(0, Math.ceil(stream.content.length / 2));
  const send = async (frames: readonly Frame[]): Promise<void> => {
    for (const frame of frames) {
      if (frame.delay > 0) await sleep(frame.delay, undefined, { signal });
      await write(response, inFull(frame), signal);
    }
  };
  await send(stream.open);
  await held();
  await send(failure === undefined ? [...stream.content, ...stream.close] : half);
  if (failure === undefined) response.end();
  else await breakOff(response, failure, signal);
}

/** The same for an answer that is not streamed: a part of its body arrives. */
export async function sendBroken(
  response: ServerResponse,
  body: unknown,
  failure: Failure,
  signal: AbortSignal,
): Promise<void> {
  const text = JSON.stringify(body);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  await write(response, text.slice(0, text.length / 2), signal);
  await breakOff(response, failure, signal);
}

/** Resolves never, rejects when `signal` aborts. */
export async function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(new Error('The connection was closed.', { cause: signal.reason }));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

async function breakOff(response: ServerResponse, failure: Failure, signal: AbortSignal): Promise<void> {
  if ('hang' in failure) await silence(signal);
  response.destroy();
}

async function write(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    response.write(text, (error) => (error == null ? resolve() : reject(error)));
  });
}

function inFull({ event, data }: Frame): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`;
}
