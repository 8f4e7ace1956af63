import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
} from 'vscode-jsonrpc/node';
import type { CancellationToken, MessageConnection } from 'vscode-jsonrpc/node';
import { z } from 'zod';
import { GasTownError, messageOf } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import type { Logger } from '../process/logger.ts';
import { schemas } from './protocol.ts';
import type { CallerView, ErrorData, MethodName, Results } from './protocol.ts';

/** What the host does with a call whose parameters are known to be well formed. */
export interface ChannelHandler {
  /** Who owns this token; undefined refuses the connection. */
  identify(token: string): CallerView | undefined;
  hello(caller: CallerView): Results['hello'];
  /** The signal fires when the caller cancels; with what is held open for it (`held`), also when it has gone. */
  handle(caller: CallerView, method: MethodName, params: unknown, signal: AbortSignal): Promise<unknown>;
}

/** A stranger may say who it is, not fill the memory; no message of anybody else is near the second. */
const maxBytesBeforeHello = 64 * 1024;
const maxBytesOfMessage = 16 * 1024 * 1024;
/** Calls that nobody waits for any more when their connection ends: nothing was begun for them. */
const held: readonly MethodName[] = ['inside.hook'];
/** A peer that does not read is not waited for longer. */
const flushMs = 5_000;

/** The host's end of the channel: a socket of mode 0600 in a folder of mode 0700. */
export class ChannelServer {
  private readonly server: Server;
  private readonly connections = new Map<Socket, MessageConnection>();
  private readonly watchers = new Set<MessageConnection>();
  private closing = false;

  private constructor(server: Server) {
    this.server = server;
  }

  /** Listens on `path`. The caller has made sure that no live host owns it: a left-over socket file is removed. */
  static async listen(path: string, handler: ChannelHandler, log: Logger): Promise<ChannelServer> {
    if (process.platform !== 'win32') {
      await privateFolder(dirname(path));
      await rm(path, { force: true });
    }
    const server = createServer();
    const channel = new ChannelServer(server);
    server.on('connection', (socket) => channel.accept(socket, handler, log));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
    if (process.platform !== 'win32') await chmod(path, 0o600);
    return channel;
  }

  /** Tells every window that asked to watch. */
  notify(method: string, params: unknown): void {
    for (const connection of this.watchers) {
      // A watcher that has just gone away is taken out by its close event.
      connection.sendNotification(method, params).catch(() => undefined);
    }
  }

  /** Resolves when what has been answered by now is handed over. */
  async flush(): Promise<void> {
    // Each connection sends in order, and a peer passes over what begins with `$/`.
    const told = [...this.connections.values()].map((connection) => connection.sendNotification('$/flush').catch(() => undefined));
    await Promise.race([Promise.all(told), delay(flushMs, undefined, { ref: false })]);
  }

  /** Hangs up on everybody. Whose call was held open has not gone because of that, and may ask the next host. */
  async close(): Promise<void> {
    this.closing = true;
    for (const socket of this.connections.keys()) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private accept(socket: Socket, handler: ChannelHandler, log: Logger): void {
    const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
    this.connections.set(socket, connection);
    const gone = new AbortController();
    let caller: CallerView | undefined;
    // Since the last message of one who is known; since the beginning of a stranger's connection.
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes <= (caller ? maxBytesOfMessage : maxBytesBeforeHello)) return;
      log.warn(`channel: a peer sent ${caller ? 'too large a message' : 'much without saying who it is'}; it was disconnected`);
      socket.destroy();
    });
    socket.on('close', () => {
      this.connections.delete(socket);
      this.watchers.delete(connection);
      connection.dispose();
      if (!this.closing) gone.abort();
    });
    socket.on('error', (error) => log.debug(`channel: ${error.message}`));
    connection.onError(([error]) => {
      log.warn(`channel: a peer was disconnected: it vanished, or what it sent is no JSON-RPC (${error.message})`);
      socket.destroy();
    });
    connection.onRequest(async (method: string, raw: unknown, token: CancellationToken) => {
      if (caller) bytes = 0;
      try {
        if (method === 'hello') {
          if (caller) throw new GasTownError('bad-input', 'This connection has said hello already.');
          const params = parse('hello', raw);
          caller = handler.identify(params.token);
          if (!caller) throw new GasTownError('denied', 'The host does not know this token. Is it from an ended session?');
          if (params.watch) this.watchers.add(connection);
          return handler.hello(caller);
        }
        if (!caller) throw new GasTownError('denied', 'Say hello first.');
        if (!isMethod(method)) return new ResponseError<ErrorData>(ErrorCodes.MethodNotFound, `There is no method "${method}".`, { code: 'bad-input' });
        const signal = held.includes(method) ? AbortSignal.any([gone.signal, signalOf(token)]) : signalOf(token);
        return await handler.handle(caller, method, parse(method, raw), signal);
      } catch (error) {
        return toResponseError(error, method, log);
      }
    });
    connection.listen();
  }
}

/**
 * Makes the folder, or makes sure that it is ours alone: it lies in a folder that everybody may write to, so somebody
 * else could have made it first and put their own socket there.
 */
async function privateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const facts = await lstat(folder);
  if (!facts.isDirectory() || facts.uid !== process.getuid?.()) {
    throw new GasTownError('denied', `${folder} belongs to somebody else, so no socket is put there. Remove it, or set TMPDIR to a folder of yours.`);
  }
  if ((facts.mode & 0o077) !== 0) await chmod(folder, 0o700);
}

function isMethod(method: string): method is MethodName {
  return Object.hasOwn(schemas, method);
}

function parse<M extends MethodName>(method: M, raw: unknown): z.output<(typeof schemas)[M]> {
  const result = schemas[method].safeParse(raw ?? {});
  if (result.success) return result.data as z.output<(typeof schemas)[M]>;
  throw new GasTownError('bad-input', `${method}: ${z.prettifyError(result.error)}`);
}

function toResponseError(error: unknown, method: string, log: Logger): ResponseError<ErrorData> {
  const code: ErrorCode = GasTownError.is(error) ? error.code : 'internal';
  if (code === 'internal') log.error(`channel: ${method} failed: ${error instanceof Error ? error.stack : messageOf(error)}`);
  const wire = code === 'bad-input' ? ErrorCodes.InvalidParams : ErrorCodes.InternalError;
  return new ResponseError(wire, messageOf(error), { code });
}

function signalOf(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}
