import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Program } from '../../../../plugin/gt/io.ts';
import { run } from '../../../../plugin/gt/run.ts';
import type { CallerView, MethodName, Params, Results } from '../../../../shared/channel/protocol.ts';
import { ChannelServer } from '../../../../shared/channel/server.ts';
import { namesOf } from '../../../../shared/domain/backend.ts';
import { backends } from '../../../../shared/host/backends.ts';
import { GasTownError } from '../../../../shared/platform/errors.ts';
import { silentLogger } from '../../../../shared/platform/logger.ts';
import type { SessionView, TownSnapshot, WorkView } from '../../../../shared/channel/views.ts';

// esbuild puts it into what ships.
Object.assign(globalThis, { GT_BACKENDS: namesOf(backends) });

export const personToken = 'token-of-the-person';
export const sessionToken = 'token-of-the-session';

export interface Call {
  caller: CallerView;
  method: MethodName;
  params: unknown;
}

type Answers = { [M in MethodName]?: Results[M] | ((params: Params<M>) => Results[M]) };

/** A town in a temporary folder, whose host answers what the test says. */
export class FakeTown {
  readonly root: string;
  readonly calls: Call[] = [];
  answers: Answers = {};
  private readonly server: ChannelServer;

  private constructor(root: string, server: ChannelServer) {
    this.root = root;
    this.server = server;
  }

  static async start(): Promise<FakeTown> {
    const root = await mkdtemp(join(tmpdir(), 'gt-'));
    const persons: CallerView = { kind: 'person' };
    const handle = (call: Call): Promise<unknown> => town.answer(call);
    const server = await ChannelServer.listen(
      join(root, '.runtime', 'gt.sock'),
      {
        identify: (token) => {
          if (token === personToken) return persons;
          return token === sessionToken ? { kind: 'session', session: 'demo-toast', runId: 'run-1' } : undefined;
        },
        hello: (caller) => ({ protocol: 1, town: 'demo', root, host: 'test', caller }),
        handle: (caller, method, params) => handle({ caller, method, params }),
      },
      silentLogger,
    );
    const town = new FakeTown(root, server);
    return town;
  }

  get socket(): string {
    return join(this.root, '.runtime', 'gt.sock');
  }

  /** Runs `gt` in the town's folder, as the user. */
  gt(
    argv: string[],
    world: { cwd?: string; input?: string; answer?: string; env?: Record<string, string>; width?: number } = {},
  ): Promise<Ran> {
    return gt(argv, { cwd: this.root, ...world, env: { GT_SOCKET: this.socket, GT_TOKEN: personToken, ...world.env } });
  }

  /** What the host was asked, in order. */
  asked(): [MethodName, unknown][] {
    return this.calls.map(({ method, params }) => [method, params]);
  }

  async stop(): Promise<void> {
    await this.server.close();
    await rm(this.root, { recursive: true, force: true });
  }

  private answer(call: Call): Promise<unknown> {
    this.calls.push(call);
    const answer: unknown = this.answers[call.method];
    if (answer === undefined) throw new GasTownError('internal', `The test has no answer for ${call.method}.`);
    return Promise.resolve(
      typeof answer === 'function' ? (answer as (params: unknown) => unknown)(call.params) : answer,
    );
  }
}

export interface Ran {
  code: number;
  out: string;
  err: string;
  programs: Program[];
}

/** Runs `gt` in this process. */
export async function gt(
  argv: string[],
  world: { env?: Record<string, string>; cwd: string; input?: string; answer?: string; width?: number },
): Promise<Ran> {
  const ran: Ran = { code: -1, out: '', err: '', programs: [] };
  ran.code = await run(argv, {
    env: world.env ?? {},
    cwd: world.cwd,
    width: world.width,
    out: (text) => (ran.out += text),
    err: (text) => (ran.err += text),
    readInput: () => Promise.resolve(world.input ?? ''),
    ask: (question) => {
      ran.out += question;
      return Promise.resolve(world.answer);
    },
    runProgram: (program) => {
      ran.programs.push(program);
      return Promise.resolve(7);
    },
  });
  return ran;
}

export function session(facts: Partial<SessionView> & Pick<SessionView, 'id' | 'backend' | 'role'>): SessionView {
  return {
    agentName: '',
    rig: '',
    state: 'running',
    startedAt: 0,
    location: 'local',
    workUnits: [],
    runId: 'run-1',
    agent: facts.backend,
    activity: { kind: 'idle' },
    since: 0,
    cause: 'test',
    asks: [],
    children: [],
    workDir: '/work',
    queued: 0,
    unreadMail: 0,
    unseen: false,
    ...facts,
  };
}

export function work(facts: Partial<WorkView> & Pick<WorkView, 'id'>): WorkView {
  return {
    type: 'issue',
    title: 'Mend the roof',
    description: 'Mend the roof\nof the barn.',
    priority: 2,
    state: 'open',
    rig: 'demo',
    createdAt: 0,
    changedAt: 0,
    ...facts,
  };
}

/** What `session.list` tells of these. */
export function listed({ sessions, backends = [] }: Partial<Results['session.list']>): Results['session.list'] {
  return { sessions: sessions ?? [], backends };
}

export function snapshot(facts: Partial<TownSnapshot> = {}): TownSnapshot {
  return {
    revision: 1,
    root: '/town',
    name: 'town',
    rigs: [],
    sessions: [],
    work: [],
    merges: [],
    batches: [],
    escalations: [],
    problems: [],
    backends: [],
    worktrees: [],
    starting: [],
    messagesRevision: 0,
    ...facts,
  };
}
