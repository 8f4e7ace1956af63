import type { ApiContext } from '../api/context.ts';
import { carryOut } from '../api/dispatch.ts';
import { protocolVersion } from '../channel/protocol.ts';
import type { CallerView, Results, TownApi } from '../channel/protocol.ts';
import type { ChannelHandler } from '../channel/server.ts';
import { GasTownError } from '../platform/errors.ts';
import type { HostEnd } from './host-end.ts';
import type { HostLock } from './host-lock.ts';
import type { Means } from './means.ts';

/** Who asks the host for something, and whether it may still answer. */
export class Calls implements ChannelHandler {
  /** What this process asks for is the user's. */
  readonly api: TownApi;
  private readonly parts: { town: ApiContext; end: HostEnd; lock: HostLock; means: Means; token: string };

  constructor(parts: Calls['parts']) {
    this.parts = parts;
    this.api = {
      request: (method, params, signal) => this.handle({ kind: 'person' }, method, params, signal) as never,
    };
  }

  identify(token: string): CallerView | undefined {
    const { town } = this.parts;
    if (token === this.parts.token) return { kind: 'person' };
    const run = town.store.sessions.runByToken(token);
    if (run) return { kind: 'session', session: run.sessionId, runId: run.id };
    const server = town.manager.drivers.identify(token);
    return server === undefined ? undefined : { kind: 'server', server };
  }

  hello(caller: CallerView): Results['hello'] {
    const { name, paths } = this.parts.town;
    return { protocol: protocolVersion, town: name, root: paths.root, host: `pid ${process.pid}`, caller };
  }

  async handle(
    caller: CallerView,
    method: Parameters<ChannelHandler['handle']>[1],
    params: unknown,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const { town, end, lock, means } = this.parts;
    if (!end.isOver && !(lock.isInPlace() && town.store.displaced() === undefined)) await means.now();
    if (end.isOver) throw new GasTownError('no-host', 'This host has let go of the town.');
    if (caller.kind === 'session' && town.registry.find(caller.session)?.runId !== caller.runId) {
      throw new GasTownError('denied', `This run of ${caller.session} has been replaced, so nothing was changed.`);
    }
    return carryOut(town, caller, method, params, signal ?? new AbortController().signal);
  }
}
