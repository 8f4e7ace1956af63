import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  ConnectionError,
  createMessageConnection,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
  CancellationTokenSource,
} from 'vscode-jsonrpc/node';
import type { MessageConnection } from 'vscode-jsonrpc/node';
import { requireOwnSocket } from './own-socket.ts';
import type { ErrorData, MethodName, Params, Results, TownApi } from './protocol.ts';

/** The host answered with an error; `code` is the core's error code (`unknown-rig`, …). */
export class ChannelError extends Error {
  override readonly name = 'ChannelError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** How long the host may take to answer a call that was cancelled. */
const cancelGraceMs = 2000;
const turnsToReceive = 100;

/** One connection to the host. It does not reconnect by itself: whoever owns it decides when. */
export class ChannelClient implements TownApi {
  readonly hello: Results['hello'];
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;
  private readonly connection: MessageConnection;
  private readonly socket: Socket;

  private constructor(socket: Socket, connection: MessageConnection, closed: Promise<void>, hello: Results['hello']) {
    this.socket = socket;
    this.connection = connection;
    this.closed = closed;
    this.hello = hello;
  }

  /**
   * Connects and says hello. Rejects with `ECONNREFUSED`/`ENOENT` (nobody listens) as an `Error` of Node's, with a
   * `ChannelError` where the host does not accept the token, or where it is not the host that listens there.
   */
  static async connect(path: string, hello: Params<'hello'>, timeoutMs = 5000): Promise<ChannelClient> {
    await requireOwnSocket(path);
    const socket = await open(path, timeoutMs);
    const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
    const closed = goneOf(socket);
    connection.onClose(() => socket.destroy());
    connection.onError(() => socket.destroy());
    connection.listen();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    try {
      const answer = await call(connection, closed, 'hello', hello, late.signal);
      return new ChannelClient(socket, connection, closed, answer);
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  request<M extends MethodName>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Results[M]> {
    return call(this.connection, this.closed, method, params, signal);
  }

  onNotification(method: string, handler: (params: unknown) => void): void {
    this.connection.onNotification(method, handler);
  }

  close(): void {
    this.connection.dispose();
    this.socket.destroy();
  }
}

/**
 * Resolves when the connection is gone. Not every runtime ends an error, or the peer's end, in 'close': Bun, in which the
 * plugin runs, tells only of the end when a request of ours was under way.
 */
function goneOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const gone = (): void => {
      resolve();
      socket.destroy();
    };
    for (const event of ['close', 'end', 'error'] as const) socket.once(event, gone);
  });
}

/** Resolves when what came before the end has been taken up: the connection takes a turn for each step of each message. */
async function received(): Promise<void> {
  for (let turn = 0; turn < turnsToReceive; turn += 1) await nextTurn();
}

function open(path: string, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const late = Object.assign(new Error(`No answer from ${path} within ${timeoutMs} ms.`), { code: 'ETIMEDOUT' });
    const timer = setTimeout(() => fail(late), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
      socket.destroy();
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      // From here on the connection reports.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

async function call<M extends MethodName>(
  connection: MessageConnection,
  closed: Promise<void>,
  method: M,
  params: Params<M>,
  signal?: AbortSignal,
): Promise<Results[M]> {
  const cancellation = new CancellationTokenSource();
  const gone = closed.then(received).then(() => {
    throw new ChannelError('no-host', 'The host closed the connection.');
  });
  let giveUp: (error: ChannelError) => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => (giveUp = reject));
  let grace: ReturnType<typeof setTimeout> | undefined;
  const cancel = (): void => {
    // The host is told, and may answer with what it has undone; a host that does not answer is not waited for.
    cancellation.cancel();
    grace = setTimeout(() => giveUp(new ChannelError('cancelled', `"${method}" was cancelled.`)), cancelGraceMs);
  };
  if (signal?.aborted) cancel();
  else signal?.addEventListener('abort', cancel, { once: true });
  // Whichever of them comes too late is nobody's error.
  gone.catch(() => undefined);
  aborted.catch(() => undefined);
  try {
    return await Promise.race([connection.sendRequest<Results[M]>(method, params, cancellation.token), gone, aborted]);
  } catch (error) {
    throw toChannelError(error);
  } finally {
    signal?.removeEventListener('abort', cancel);
    clearTimeout(grace);
    cancellation.dispose();
  }
}

/** The host's answers carry a code of ours; what has none was made by the connection itself, which is gone then. */
function toChannelError(error: unknown): unknown {
  if (error instanceof ConnectionError) return new ChannelError('no-host', 'The host closed the connection.');
  if (!(error instanceof ResponseError)) return error;
  const data = error.data as ErrorData | undefined;
  if (data?.code === undefined)
    return new ChannelError('no-host', `The host closed the connection (${error.message}).`);
  return new ChannelError(data.code, error.message);
}
