import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { writeServerRecord } from '../../../shared/backends/opencode/server-record.ts';
import type { ServerRecord } from '../../../shared/backends/opencode/server-record.ts';
import { identify } from '../../../shared/platform/process-table.ts';

const program = path.join(import.meta.dirname, 'status-server-program.ts');

export interface StatusServerOptions {
  /** Where the host looks for what an earlier one has left: `.runtime/opencode/<launch>` of the town. */
  folder: string;
  id: string;
  /** Opencode's ids of the sessions. */
  sessions: readonly string[];
  directory: string;
  /** How long each answer takes; none where absent. */
  answersAfterMs?: number;
}

/** To the program. */
export type StatusServerSetup = Omit<StatusServerOptions, 'folder' | 'id'> | { eventsPerSecond: number };

/** What it has done until it is told to rest. */
export interface StatusServerFigures {
  /** How many changes it has told. */
  told: number;
  /** How many sessions are busy since the last of them. */
  busy: number;
  /** How many requests it had to answer at the same time. */
  atOnce: number;
}

/** From the program; first where it listens. */
export type StatusServerWord = { port: number } | StatusServerFigures;

/**
 * An Opencode server without agents, as an earlier host might have left it: it answers what the driver asks of sessions, and
 * tells as many changes of their status as it is asked for. A process of its own: the host knows its server by that.
 */
export class StatusServer {
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  /** Resolves when it listens, and the record is written by which a host adopts it. */
  static async start({ folder, id, ...setup }: StatusServerOptions): Promise<StatusServer> {
    const child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const server = new StatusServer(child);
    try {
      const { port } = await server.ask<{ port: number }>(setup);
      const { pid, startTime } = (await identify(child.pid!))!;
      const record: ServerRecord = {
        ...{ id, launch: path.basename(folder), program: 'opencode', port, pid, startTime },
        ...{ password: 'none', token: `token-of-${id}` },
      };
      await writeServerRecord(folder, record);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Each is one: an idle session is busy, or the other way round, all of them in turn. */
  tell(eventsPerSecond: number): void {
    this.child.send({ eventsPerSecond } satisfies StatusServerSetup);
  }

  /** Tells nothing more. */
  rest(): Promise<StatusServerFigures> {
    return this.ask({ eventsPerSecond: 0 });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }

  private async ask<T extends StatusServerWord>(setup: StatusServerSetup): Promise<T> {
    const gone = once(this.child, 'exit').then(() => {
      throw new Error('The status server has ended.');
    });
    gone.catch(() => undefined);
    this.child.send(setup);
    const [word] = (await Promise.race([once(this.child, 'message'), gone])) as [T];
    return word;
  }
}
