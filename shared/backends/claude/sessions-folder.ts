import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod/mini';
import { readBounded } from '../../platform/read-bounded.ts';
import { messageOf } from '../../platform/errors.ts';
import type { Disposable } from '../../platform/emitter.ts';
import type { Logger } from '../../platform/logger.ts';
import { orElse } from '../../platform/or-else.ts';
import { FolderWatch } from './folder-watch.ts';

/** `shell`: the turn is over, a background command still runs. */
const programStatuses = ['busy', 'idle', 'waiting', 'shell'] as const;
export type ProgramStatus = (typeof programStatuses)[number];

const stateSchema = z.object({
  pid: z.number(),
  sessionId: z.string(),
  procStart: z.optional(z.coerce.string()),
  /** Absent in the first moments; unknown words of newer versions count as absent. */
  status: z.optional(orElse(z.optional(z.enum(programStatuses)), undefined)),
  waitingFor: z.optional(orElse(z.optional(z.string()), undefined)),
  /** Since when it does that, in epoch milliseconds. */
  statusUpdatedAt: z.optional(orElse(z.optional(z.number()), undefined)),
});

/** What one Claude Code process says about itself in `sessions/<pid>.json`. */
export type ProgramState = z.output<typeof stateSchema>;

/** Who follows the file of a process. */
export interface Follower {
  /** What the file says; undefined when it is gone. */
  says(state: ProgramState | undefined): void;
  /** Whether no file of its process has been seen yet. */
  seeks(): boolean;
  /** Whether the file of another process is the one: of Claude Code below a wrapper that waits for it. */
  isOurs(state: ProgramState): Promise<boolean>;
}

export interface Following extends Disposable {
  /** Reads the file now. Resolves when what it says has been told. */
  refresh(): Promise<void>;
}

/** The file is rewritten in place, so a read may see half of it; in milliseconds. */
const rereadAfter = 50;

interface Watched {
  pid: number;
  follower: Follower;
  reading: Promise<void> | undefined;
  again: boolean;
}

/** `sessions/` in a configuration folder of Claude Code, watched by the system's file events: one watcher for all runs. */
export class SessionsFolder {
  private readonly folder: string;
  private readonly log: Logger;
  private readonly watched = new Set<Watched>();
  private readonly watch: FolderWatch;

  constructor(configDir: string, log: Logger) {
    this.folder = join(configDir, 'sessions');
    this.log = log;
    this.watch = new FolderWatch(this.folder, log, (name) => void this.onChange(name));
  }

  /**
   * Tells every change of the process's file from now on, beginning with what it says now. While there has been none, a file
   * of another process is taken for it where the follower says so.
   */
  async follow(pid: number, follower: Follower): Promise<Following> {
    await this.watch.begin();
    const entry: Watched = { pid, follower, reading: undefined, again: false };
    this.watched.add(entry);
    await this.refresh(entry);
    if (follower.seeks()) for (const other of await this.pids()) await this.look(other);
    return { refresh: () => this.refresh(entry), dispose: () => this.watched.delete(entry) };
  }

  dispose(): void {
    this.watched.clear();
    this.watch.dispose();
  }

  private async refresh(entry: Watched): Promise<void> {
    if (!this.watched.has(entry)) return;
    if (entry.reading) {
      // Whoever asks now wants to know what is true now, and the read under way may be older.
      entry.again = true;
      return entry.reading;
    }
    entry.reading = this.readAndTell(entry).finally(() => {
      entry.reading = undefined;
    });
    await entry.reading;
  }

  private async readAndTell(entry: Watched): Promise<void> {
    do {
      entry.again = false;
      const state = await this.read(entry.pid);
      if (state !== 'unreadable' && this.watched.has(entry)) entry.follower.says(state);
    } while (entry.again);
  }

  /** The file of a process has changed, or may have. */
  private async look(pid: number): Promise<void> {
    const followed = [...this.watched].filter((entry) => entry.pid === pid);
    await Promise.all(followed.map((entry) => this.refresh(entry)));
    const seeking = [...this.watched].filter((entry) => entry.pid !== pid && entry.follower.seeks());
    if (seeking.length === 0 || followed.some((entry) => !entry.follower.seeks())) return;
    const state = await this.read(pid);
    if (state === undefined || state === 'unreadable') return;
    for (const entry of seeking) {
      try {
        if (!(await entry.follower.isOurs(state))) continue;
        entry.pid = pid;
        await this.refresh(entry);
      } catch (error) {
        // The next change asks again.
        this.log.debug(`claude: whose state ${pid} tells is not known just now: ${messageOf(error)}`);
      }
    }
  }

  /** Of all files that are there. */
  private async pids(): Promise<number[]> {
    try {
      return (await readdir(this.folder)).flatMap((name) => pidOf(name) ?? []);
    } catch {
      // Not there before Claude Code has run; the health check tells of one that cannot be read.
      return [];
    }
  }

  private async read(pid: number): Promise<ProgramState | undefined | 'unreadable'> {
    const file = join(this.folder, `${pid}.json`);
    const first = await readState(file);
    if (first !== 'unreadable') return first;
    await delay(rereadAfter);
    const second = await readState(file);
    if (second === 'unreadable') this.log.debug(`claude: ${file} cannot be read just now; the next change tells more`);
    return second;
  }

  private async onChange(name: string | undefined): Promise<void> {
    const pid = pidOf(name ?? '');
    if (pid !== undefined) return this.look(pid);
    if (name !== undefined) return;
    await Promise.all([...this.watched].map((entry) => this.refresh(entry)));
    if ([...this.watched].some(({ follower }) => follower.seeks()))
      for (const other of await this.pids()) await this.look(other);
  }
}

function pidOf(name: string): number | undefined {
  const digits = /^(\d+)\.json$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

async function readState(file: string): Promise<ProgramState | undefined | 'unreadable'> {
  let text: string;
  try {
    text = await readBounded(file);
  } catch {
    // Not there: before the program is ready, or after it has ended.
    return undefined;
  }
  try {
    const parsed = stateSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : 'unreadable';
  } catch {
    // Half written; the caller reads again.
    return 'unreadable';
  }
}
