import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod/mini';
import { readBounded } from '../../platform/read-bounded.ts';
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

type Listener = (state: ProgramState | undefined) => void;

/** The file is rewritten in place, so a read may see half of it; in milliseconds. */
const rereadAfter = 50;

interface Watched {
  listener: Listener;
  reading: Promise<void> | undefined;
  again: boolean;
}

/** `sessions/` in a configuration folder of Claude Code, watched by the system's file events: one watcher for all runs. */
export class SessionsFolder {
  private readonly folder: string;
  private readonly log: Logger;
  private readonly watched = new Map<number, Watched>();
  private readonly watch: FolderWatch;

  constructor(configDir: string, log: Logger) {
    this.folder = join(configDir, 'sessions');
    this.log = log;
    this.watch = new FolderWatch(this.folder, log, (name) => void this.onChange(name));
  }

  /** Tells every change of the process's file from now on, beginning with what it says now; undefined when it is gone. */
  async follow(pid: number, listener: Listener): Promise<Disposable> {
    await this.watch.begin();
    this.watched.set(pid, { listener, reading: undefined, again: false });
    await this.refresh(pid);
    return { dispose: () => this.watched.delete(pid) };
  }

  /** Reads the file now and tells the listener. Resolves with what was read; undefined when there is no file. */
  async refresh(pid: number): Promise<void> {
    const entry = this.watched.get(pid);
    if (!entry) return;
    if (entry.reading) {
      // Whoever asks now wants to know what is true now, and the read under way may be older.
      entry.again = true;
      return entry.reading;
    }
    entry.reading = this.readAndTell(pid, entry).finally(() => {
      entry.reading = undefined;
    });
    await entry.reading;
  }

  dispose(): void {
    this.watched.clear();
    this.watch.dispose();
  }

  private async readAndTell(pid: number, entry: Watched): Promise<void> {
    do {
      entry.again = false;
      const state = await this.read(pid);
      if (state !== 'unreadable' && this.watched.get(pid) === entry) entry.listener(state);
    } while (entry.again);
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
    const pid = /^(\d+)\.json$/.exec(name ?? '')?.[1];
    if (name !== undefined && pid === undefined) return;
    const pids = pid === undefined ? [...this.watched.keys()] : [Number(pid)];
    await Promise.all(pids.map((changed) => this.refresh(changed)));
  }
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
