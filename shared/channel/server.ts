import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  StreamMessageReader,
  SocketMessageWriter,
} from 'vscode-jsonrpc/node';
import type { CancellationToken, ContentTypeDecoder, Message, MessageConnection } from 'vscode-jsonrpc/node';
import * as z from 'zod/mini';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { ErrorCode } from '../platform/errors.ts';
import { LimitedLog } from '../platform/limited-log.ts';
import type { Logger } from '../platform/logger.ts';
import '../platform/zod-words.ts';
import { excessOf, maxBytesOfMessage } from './frame-bounds.ts';
import { changedNotification, deltaNotification, schemas } from './protocol.ts';
import type { CallerView, ErrorData, MethodName, Results } from './protocol.ts';
import { deltaOf } from './snapshot-delta.ts';
import type { TownSnapshot } from './views.ts';

/** What the host does with a call whose parameters are known to be well formed. */
export interface ChannelHandler {
  /**
   * Who owns this token now; undefined refuses. Asked anew for every call and everything that is told: rights end with
   * what they belong to, on open connections, too.
   */
  identify(token: string): CallerView | undefined;
  hello(caller: CallerView): Results['hello'];
  /** The signal fires when the caller cancels; with what is held open for it (`held`), also when it has gone. */
  handle(caller: CallerView, method: MethodName, params: unknown, signal: AbortSignal): Promise<unknown>;
}

/** A stranger may say who it is, not fill the memory. */
const maxBytesBeforeHello = 64 * 1024;
/** So many may be connected without having said who they are; of more, the oldest is disconnected. */
const maxStrangers = 64;
/** So long they may take, in ms. */
const helloMs = 10_000;
/** So many connections one caller may have open. */
const maxOfCaller = 256;
/** Calls that nobody waits for any more when their connection ends: nothing was begun for them. */
const held: readonly MethodName[] = ['inside.hook'];
/** So much of what a peer sent wrong is shown. */
const shownOfError = 200;
/** A peer that does not read is not waited for longer. */
const flushMs = 5_000;

/** A window that is told of every change. */
interface Watcher {
  socket: Socket;
  token: string;
  deltas: boolean;
  /** What it was told last. */
  told?: TownSnapshot;
  /** It has not taken the last one yet. */
  isTaking: boolean;
}

/** The host's end of the channel: a socket of mode 0600 in a folder of mode 0700. */
export class ChannelServer {
  private server: Server | undefined;
  private readonly path: string;
  private readonly handler: ChannelHandler;
  private readonly log: Logger;
  /** For what a peer can make happen as often as it likes. */
  private readonly peers: LimitedLog;
  private readonly connections = new Map<Socket, MessageConnection>();
  /** With their timers, the oldest first. */
  private readonly strangers = new Map<Socket, NodeJS.Timeout>();
  /** How many connections are open, by token. */
  private readonly open = new Map<string, number>();
  private readonly watchers = new Map<MessageConnection, Watcher>();
  private latest: TownSnapshot | undefined;
  private closing = false;

  private constructor(path: string, handler: ChannelHandler, log: Logger) {
    this.path = path;
    this.handler = handler;
    this.log = log;
    this.peers = new LimitedLog(log);
  }

  /** Listens on `path`. The caller has made sure that no live host owns it: a left-over socket file is removed. */
  static async listen(path: string, handler: ChannelHandler, log: Logger): Promise<ChannelServer> {
    const channel = new ChannelServer(path, handler, log);
    await channel.listenAnew();
    return channel;
  }

  /** Listens where its socket has gone; connections that are open stay. */
  async listenAnew(): Promise<void> {
    const { path } = this;
    // Its callback comes with the end of the last connection; that it does not listen any more is so at once.
    this.server?.close();
    if (process.platform !== 'win32') {
      await privateFolder(dirname(path));
      await rm(path, { force: true });
    }
    const server = createServer();
    this.server = server;
    server.on('connection', (socket) => this.accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
    if (process.platform !== 'win32') await chmod(path, 0o600);
  }

  /** Tells every window that asked to watch. */
  notify(method: string, params: unknown): void {
    // A watcher that has just gone away is taken out by its close event.
    for (const [connection] of this.knownWatchers()) connection.sendNotification(method, params).catch(() => undefined);
  }

  /** Tells every window that asked to watch how the town is now. One that reads slowly is told of several changes at once. */
  tellChange(snapshot: TownSnapshot): void {
    this.latest = snapshot;
    for (const [connection, watcher] of this.knownWatchers()) void this.tellWatcher(connection, watcher);
  }

  private async tellWatcher(connection: MessageConnection, watcher: Watcher): Promise<void> {
    if (watcher.isTaking) return;
    watcher.isTaking = true;
    try {
      while (this.latest !== undefined && this.latest !== watcher.told) {
        const { told, deltas } = watcher;
        const { latest } = this;
        watcher.told = latest;
        await (deltas && told
          ? connection.sendNotification(deltaNotification, deltaOf(told, latest))
          : connection.sendNotification(changedNotification, latest));
      }
    } catch {
      // It has just gone away, and is taken out by its close event.
    } finally {
      watcher.isTaking = false;
    }
  }

  /** Those whose token still counts; the others are disconnected. */
  private knownWatchers(): [MessageConnection, Watcher][] {
    return [...this.watchers].filter(([, { socket, token }]) => {
      const isKnown = this.handler.identify(token) !== undefined;
      if (!isKnown) socket.destroy();
      return isKnown;
    });
  }

  /** Resolves when what has been answered by now is handed over. */
  async flush(): Promise<void> {
    // Each connection sends in order, and a peer passes over what begins with `$/`.
    const told = [...this.connections.values()].map((connection) =>
      connection.sendNotification('$/flush').catch(() => undefined),
    );
    await Promise.race([Promise.all(told), delay(flushMs, undefined, { ref: false })]);
  }

  /** Hangs up on everybody. Whose call was held open has not gone because of that, and may ask the next host. */
  async close(): Promise<void> {
    this.closing = true;
    for (const socket of this.connections.keys()) socket.destroy();
    await new Promise<void>((resolve) => (this.server ? this.server.close(() => resolve()) : resolve()));
  }

  private accept(socket: Socket): void {
    const { handler, log, peers } = this;
    const connection = createMessageConnection(
      new StreamMessageReader(socket, { contentTypeDecoder }),
      new SocketMessageWriter(socket),
    );
    this.connections.set(socket, connection);
    this.admit(socket);
    const gone = new AbortController();
    let known: string | undefined;
    // Since the last message of one who is known; since the beginning of a stranger's connection.
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (bytes <= (known === undefined ? maxBytesBeforeHello : maxBytesOfMessage)) return;
      peers.warn(
        'size',
        `channel: a peer sent ${known === undefined ? 'much without saying who it is' : 'too large a message'}; it was disconnected`,
      );
      socket.destroy();
    });
    socket.on('close', () => {
      this.connections.delete(socket);
      this.meet(socket);
      this.watchers.delete(connection);
      if (known !== undefined) this.count(known, -1);
      connection.dispose();
      if (!this.closing) gone.abort();
    });
    socket.on('error', (error) => log.debug(`channel: ${error.message}`));
    connection.onError(([error]) => {
      const why = error.message.slice(0, shownOfError);
      peers.warn('form', `channel: a peer was disconnected: it vanished, or what it sent is no JSON-RPC (${why})`);
      socket.destroy();
    });
    connection.onRequest(async (method: string, raw: unknown, cancellation: CancellationToken) => {
      if (known !== undefined) bytes = 0;
      try {
        if (method === 'hello') {
          if (known !== undefined) throw new GasTownError('bad-input', 'This connection has said hello already.');
          const { token, watch } = parse('hello', raw);
          const caller = this.identify(token);
          if ((this.open.get(token) ?? 0) >= maxOfCaller) {
            throw new GasTownError(
              'refused',
              `More than ${maxOfCaller} connections with this token are open. Close some first.`,
            );
          }
          known = token;
          bytes = 0;
          this.count(token, 1);
          this.meet(socket);
          if (watch) this.watchers.set(connection, { socket, token, deltas: watch === 'deltas', isTaking: false });
          return handler.hello(caller);
        }
        if (known === undefined) throw new GasTownError('denied', 'Say hello first.');
        const caller = this.identify(known);
        if (!isMethod(method))
          return new ResponseError<ErrorData>(ErrorCodes.MethodNotFound, `There is no method "${method}".`, {
            code: 'bad-input',
          });
        const signal = held.includes(method)
          ? AbortSignal.any([gone.signal, signalOf(cancellation)])
          : signalOf(cancellation);
        return await handler.handle(caller, method, parse(method, raw), signal);
      } catch (error) {
        return toResponseError(error, method, log);
      }
    });
    connection.listen();
  }

  /** Throws `denied` where the token is nobody's, or nobody's any more. */
  private identify(token: string): CallerView {
    const caller = this.handler.identify(token);
    if (!caller) throw new GasTownError('denied', 'The host does not know this token. Is it from an ended session?');
    return caller;
  }

  /** Lets a stranger in, for a while. */
  private admit(socket: Socket): void {
    const late = setTimeout(() => {
      this.peers.warn('hello', `channel: a peer did not say who it is within ${helloMs / 1000} s; it was disconnected`);
      socket.destroy();
    }, helloMs);
    this.strangers.set(socket, late);
    if (this.strangers.size <= maxStrangers) return;
    const [oldest] = this.strangers.keys();
    this.peers.warn(
      'crowd',
      `channel: more than ${maxStrangers} peers did not say who they are; the oldest was disconnected`,
    );
    oldest?.destroy();
    if (oldest) this.meet(oldest);
  }

  /** It is a stranger no more: it has said who it is, or has gone. */
  private meet(socket: Socket): void {
    clearTimeout(this.strangers.get(socket));
    this.strangers.delete(socket);
  }

  private count(token: string, change: 1 | -1): void {
    const open = (this.open.get(token) ?? 0) + change;
    if (open > 0) this.open.set(token, open);
    else this.open.delete(token);
  }
}

/** Takes no message apart that is more than a message of ours. */
const contentTypeDecoder: ContentTypeDecoder = {
  name: 'application/json',
  decode: async (bytes) => {
    const excess = excessOf(bytes);
    if (excess !== undefined) throw new Error(`a message ${excess}`);
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as Message;
  },
};

/**
 * Makes the folder, or makes sure that it is ours alone: it lies in a folder that everybody may write to, so somebody
 * else could have made it first and put their own socket there.
 */
async function privateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const facts = await lstat(folder);
  if (!facts.isDirectory() || facts.uid !== process.getuid?.()) {
    throw new GasTownError(
      'denied',
      `${folder} belongs to somebody else, so no socket is put there. Remove it, or set TMPDIR to a folder of yours.`,
    );
  }
  if ((facts.mode & 0o077) !== 0) await chmod(folder, 0o700);
}

function isMethod(method: string): method is MethodName {
  return Object.hasOwn(schemas, method);
}

function parse<M extends MethodName>(method: M, raw: unknown): z.output<(typeof schemas)[M]> {
  const result = schemas[method].safeParse(raw ?? {});
  if (result.success) return result.data as z.output<(typeof schemas)[M]>;
  const [first, ...more] = result.error.issues;
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
  throw new GasTownError('bad-input', `${method}: ${z.prettifyError({ issues: first ? [first] : [] })}${others}`);
}

function toResponseError(error: unknown, method: string, log: Logger): ResponseError<ErrorData> {
  const code: ErrorCode = GasTownError.is(error) ? error.code : 'internal';
  if (code === 'internal')
    log.error(`channel: ${method} failed: ${error instanceof Error ? error.stack : messageOf(error)}`);
  const wire = code === 'bad-input' ? ErrorCodes.InvalidParams : ErrorCodes.InternalError;
  return new ResponseError(wire, messageOf(error), { code });
}

function signalOf(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}
