import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { z } from 'zod';
import { unlessMissing, writeAtomically } from '../../config/write-atomically.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../process/logger.ts';
import { hookPayload } from './hook-payloads.ts';
import type { HookPayload } from './hook-payloads.ts';

/**
 * Gets every well-formed hook of a caller that has the run's token. The answer goes to Claude; while it is pending, the
 * hook is held open. The signal fires when Claude hangs up. Undefined for a run that is not (or no longer) known.
 */
export type HookHandler = (runId: string, hook: HookPayload, signal: AbortSignal) => Promise<object | undefined>;

const recordSchema = z.object({ port: z.number().int(), secret: z.string().min(32) });
type HookRecord = z.output<typeof recordSchema>;

/** A hook carries a tool's whole input and output. */
const maxBody = 32 * 1024 * 1024;

/**
 * One HTTP server on loopback for the hooks of all runs. Port and secret are kept (0600), because sessions read them at
 * their start and outlive the host: a run's token is derived from the secret, so it is valid after a restart.
 */
export class HookServer {
  readonly port: number;
  private readonly server: Server;
  private readonly secret: string;

  private constructor(server: Server, port: number, secret: string) {
    this.server = server;
    this.port = port;
    this.secret = secret;
  }

  /** `folder` is private to us (0700). Where another program has taken the port, a new one is chosen and kept. */
  static async start(folder: string, handler: HookHandler, log: Logger): Promise<HookServer> {
    const file = join(folder, 'hooks.json');
    const known = await readRecord(file);
    const secret = known?.secret ?? randomBytes(32).toString('hex');
    const server = createServer((request, response) => {
      answer(secret, handler, request, response).catch((error: unknown) => {
        log.error(`claude: a hook failed: ${messageOf(error)}`);
        if (!response.headersSent) respond(response, 200, {});
      });
    });
    // Claude reuses connections; one that we close just then would look like a failed hook.
    server.keepAliveTimeout = 0;
    const port = (known && (await listen(server, known.port))) ?? (await listen(server, 0));
    if (port === undefined) throw new Error('No port on 127.0.0.1 is free for the hooks of Claude Code.');
    if (known && known.port !== port) log.warn(`claude: port ${known.port} is taken; running sessions report no hooks any more`);
    if (known?.port !== port) {
      await writeAtomically(file, JSON.stringify({ port, secret } satisfies HookRecord));
      await chmod(file, 0o600);
    }
    return new HookServer(server, port, secret);
  }

  urlOf(runId: string): string {
    return `http://127.0.0.1:${this.port}/runs/${encodeURIComponent(runId)}/hook`;
  }

  tokenOf(runId: string): string {
    return tokenOf(this.secret, runId);
  }

  /** Whoever still holds a hook has let go of it before. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeIdleConnections();
    // The answers that were just given must get out; whatever still hangs after that is cut.
    const bound = setTimeout(() => this.server.closeAllConnections(), 500);
    await closed;
    clearTimeout(bound);
  }
}

async function readRecord(file: string): Promise<HookRecord | undefined> {
  const text = await unlessMissing(readFile(file, 'utf8'));
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    // Not ours any more: a new secret is made, and running sessions fall back to their state files.
    return undefined;
  }
}

/** The port; undefined where it is taken. */
function listen(server: Server, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const failed = (): void => resolve(undefined);
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : undefined);
    });
  });
}

function tokenOf(secret: string, runId: string): string {
  return createHmac('sha256', secret).update(runId).digest('hex');
}

async function answer(
  secret: string,
  handler: HookHandler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const runId = runOf(request);
  if (runId === undefined) return respond(response, 404, {});
  if (!isAuthorized(request, tokenOf(secret, runId))) return respond(response, 401, {});
  const body = await readBody(request);
  if (body === undefined) return respond(response, 413, {});
  const hook = parseHook(body);
  if (hook === undefined) return respond(response, 400, {});
  const hungUp = new AbortController();
  response.once('close', () => hungUp.abort());
  respond(response, 200, (await handler(runId, hook, hungUp.signal)) ?? {});
}

function runOf(request: IncomingMessage): string | undefined {
  const run = request.method === 'POST' ? /^\/runs\/([^/]+)\/hook$/.exec(request.url ?? '')?.[1] : undefined;
  return run === undefined ? undefined : decodeURIComponent(run);
}

function isAuthorized(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBody) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseHook(body: string): HookPayload | undefined {
  try {
    return hookPayload.safeParse(JSON.parse(body)).data;
  } catch {
    // No JSON: the caller gets 400.
    return undefined;
  }
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
