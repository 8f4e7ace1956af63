import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** An answer as it stands on the wire. */
export interface RawAnswer {
  id?: number | null;
  result?: unknown;
  error?: { code: number; message: string; data?: { code: string } };
}

/** A peer that speaks to the host's socket byte by byte, as a broken or hostile program would. */
export class RawChannel {
  readonly closed: Promise<void>;
  private readonly socket: Socket;
  private readonly answers: RawAnswer[] = [];
  private readonly wakers = new Set<() => void>();
  private buffer = Buffer.alloc(0);
  private lastId = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    // A host that hangs up in the middle of what we write is what some tests are about.
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.take(chunk));
  }

  static async connect(path: string): Promise<RawChannel> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new RawChannel(socket);
  }

  write(bytes: string): void {
    this.socket.write(bytes);
  }

  /** Sends a body with the header that belongs to it. */
  send(body: string): void {
    this.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  /** Calls a method, whatever it is. Resolves with the answer, an error too. */
  async call(method: string, params: unknown): Promise<RawAnswer> {
    const id = (this.lastId += 1);
    this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    for (;;) {
      const answer = this.answers.find((each) => each.id === id);
      if (answer) return answer;
      await Promise.race([
        new Promise<void>((resolve) => this.wakers.add(resolve)),
        this.closed.then(() => Promise.reject(new Error('The host hung up.'))),
      ]);
    }
  }

  /** Calls a method and resolves with the code of the error that it must answer with. */
  async refusal(method: string, params: unknown): Promise<string | number | undefined> {
    const { error } = await this.call(method, params);
    return error?.data?.code ?? error?.code;
  }

  close(): void {
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    for (;;) {
      const head = this.buffer.indexOf('\r\n\r\n');
      const length = Number(/Content-Length: (\d+)/.exec(this.buffer.subarray(0, Math.max(head, 0)).toString())?.[1]);
      if (head < 0 || this.buffer.length < head + 4 + length) break;
      this.answers.push(JSON.parse(this.buffer.subarray(head + 4, head + 4 + length).toString()) as RawAnswer);
      this.buffer = this.buffer.subarray(head + 4 + length);
    }
    for (const wake of this.wakers) wake();
    this.wakers.clear();
  }
}
