import { connect } from 'node:net';
import { excessOf, maxBytesOfMessage } from './frame-bounds.ts';
import { requireOwnSocket } from './own-socket.ts';
import type { ErrorData, MethodName, Params, protocolVersion, Results } from './protocol.ts';

const protocol: typeof protocolVersion = 1;
const headerEnd = '\r\n\r\n';

/** The host has refused the question. Every other rejection of `askOnce` means: no host answers there. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The host would take no such question, whoever hosts: it was not sent. */
export class TooLargeError extends RefusedError {
  constructor(excess: string) {
    super('bad-input', `What is asked has ${excess}.`);
  }
}

export interface Question<M extends MethodName> {
  socket: string;
  token: string;
  /** Who asks, for the host's log. */
  client: string;
  method: M;
  params: Params<M>;
  /** Hangs up. */
  signal?: AbortSignal;
}

/**
 * One question to the host over a connection of its own. For programs that are started for this and wait for nothing
 * else: it loads neither a JSON-RPC library nor a schema. Rejects with `RefusedError` (`TooLargeError` before anything is sent), or with another error where no host
 * (of ours) is there, or the connection ends without an answer.
 */
export async function askOnce<M extends MethodName>(question: Question<M>): Promise<Results[M]> {
  const { socket: path, token, client, method, params, signal } = question;
  const asked = frame(2, method, params);
  const excess = asked.length > maxBytesOfMessage ? `more than ${maxBytesOfMessage / 2 ** 20} MB` : excessOf(asked);
  if (excess !== undefined) throw new TooLargeError(excess);
  await requireOwnSocket(path);
  return new Promise((resolve, reject) => {
    const socket = connect({ path, ...(signal ? { signal } : {}) });
    const answers = new FrameReader((answer) => {
      if (answer.error) reject(refusalOf(answer.error));
      // Not in one go with the hello: of a stranger the host takes no more than a hello's worth.
      else if (answer.id === 1) return void socket.write(asked);
      else if (answer.id === 2) resolve(answer.result as Results[M]);
      else return;
      socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        answers.take(chunk);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('The host closed the connection.')));
    socket.write(frame(1, 'hello', { protocol, token, client }));
  });
}

interface Answer {
  id?: number;
  result?: unknown;
  error?: { message: string; data?: ErrorData };
}

const refusalOf = ({ message, data }: NonNullable<Answer['error']>): Error =>
  data ? new RefusedError(data.code, message) : new Error(`The host closed the connection (${message}).`);

function frame(id: number, method: string, params: unknown): Buffer {
  const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
  return Buffer.from(`Content-Length: ${Buffer.byteLength(body)}${headerEnd}${body}`);
}

/** Takes the host's messages out of the stream. */
class FrameReader {
  private bytes = Buffer.alloc(0);
  private readonly found: (answer: Answer) => void;

  constructor(found: (answer: Answer) => void) {
    this.found = found;
  }

  take(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    for (;;) {
      const at = this.bytes.indexOf(headerEnd);
      if (at < 0) return;
      const length = Number(/Content-Length: *(\d+)/i.exec(this.bytes.toString('latin1', 0, at))?.[1]);
      if (Number.isNaN(length)) throw new Error('What listens there does not speak our protocol.');
      const end = at + headerEnd.length + length;
      if (this.bytes.length < end) return;
      const body = this.bytes.toString('utf8', at + headerEnd.length, end);
      this.bytes = this.bytes.subarray(end);
      this.found(JSON.parse(body) as Answer);
    }
  }
}
