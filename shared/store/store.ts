import { ArchiveSource } from './archive.ts';
import { Backlog } from './backlog.ts';
import { BreakerTable } from './breakers.ts';
import { withoutUndefined } from '../platform/objects.ts';
import { Database, number, optionalText, text } from './database.ts';
import type { Row } from './database.ts';
import { BatchTable } from './batches.ts';
import { ConsentTable } from './consents.ts';
import { DependencyTable } from './dependencies.ts';
import { EscalationTable } from './escalations.ts';
import { HandoffTable } from './handoffs.ts';
import { MergeTable } from './merges.ts';
import { MessageTable } from './messages.ts';
import { ReviewTable } from './reviews.ts';
import { SessionTable } from './sessions.ts';
import type { Touched } from './touched.ts';
import { TroubleTable } from './troubles.ts';
import { WorkTable } from './work.ts';
import { WorktreePortTable } from './worktree-ports.ts';
import { WorktreeTable } from './worktrees.ts';

export interface StoredEvent {
  at: number;
  sessionId?: string;
  runId?: string;
  type: string;
  detail: Record<string, unknown>;
}

export interface StoredRig {
  name: string;
  /** Its folder. */
  path: string;
  /** Top of the checkout, where the rig is a folder in it. */
  repository?: string;
}

/** So many events of a session are kept, and at most `pruneEvery` more for a while. */
export const keptEvents = 1_000;
export const pruneEvery = 100;

/** Everything durable of one town. */
export class Store {
  readonly sessions: SessionTable;
  readonly work: WorkTable;
  readonly dependencies: DependencyTable;
  readonly batches: BatchTable;
  readonly merges: MergeTable;
  readonly reviews: ReviewTable;
  readonly messages: MessageTable;
  readonly escalations: EscalationTable;
  readonly breakers: BreakerTable;
  readonly troubles: TroubleTable;
  readonly handoffs: HandoffTable;
  readonly consents: ConsentTable;
  /** What has happened and is to be recorded, whether or not that can be done now. */
  readonly backlog: Backlog;
  readonly worktrees: WorktreeTable;
  readonly ports: WorktreePortTable;
  /** What is over and may leave. */
  readonly archive: ArchiveSource;
  private readonly db: Database;
  /** How many events were added to a session since the last look at how many it has. */
  private readonly sincePruned = new Map<string | null, number>();

  /** `report` is told, in words for the log, what goes wrong with the file later. Throws as `Database` does. */
  constructor(file: string, report: (message: string) => void = () => undefined) {
    this.db = new Database(file);
    this.backlog = new Backlog(this.db, report);
    this.sessions = new SessionTable(this.db);
    this.work = new WorkTable(this.db);
    this.dependencies = new DependencyTable(this.db);
    this.batches = new BatchTable(this.db);
    this.merges = new MergeTable(this.db);
    this.reviews = new ReviewTable(this.db);
    this.messages = new MessageTable(this.db);
    this.escalations = new EscalationTable(this.db);
    this.breakers = new BreakerTable(this.db);
    this.troubles = new TroubleTable(this.db);
    this.handoffs = new HandoffTable(this.db);
    this.consents = new ConsentTable(this.db);
    this.worktrees = new WorktreeTable(this.db);
    this.ports = new WorktreePortTable(this.db);
    this.archive = new ArchiveSource(this.db, this);
  }

  transaction<T>(work: () => T): T {
    return this.db.transaction(work);
  }

  /** See `Database`. */
  get touched(): Touched {
    return this.db.touched;
  }

  /** See `Database.afterCommit`. */
  afterCommit(act: () => void): void {
    this.db.afterCommit(act);
  }

  /** Of each session the newest events are kept (see `keptEvents`). */
  addEvent(event: StoredEvent): void {
    this.db.run(
      'INSERT INTO events (at, session_id, run_id, type, detail) VALUES (?, ?, ?, ?, ?)',
      event.at,
      event.sessionId ?? null,
      event.runId ?? null,
      event.type,
      JSON.stringify(event.detail),
    );
    this.prune(event.sessionId ?? null);
  }

  /** What happened to one session, oldest first. */
  events(sessionId: string): StoredEvent[] {
    return this.db.all('SELECT * FROM events WHERE session_id = ? ORDER BY seq', sessionId).map(toEvent);
  }

  /** What a run has asked, and the ends of that, oldest first. */
  asksOf(runId: string): StoredEvent[] {
    const sql = `SELECT * FROM events WHERE run_id = ? AND type IN ('ask.asked', 'ask.answered') ORDER BY seq`;
    return this.db.all(sql, runId).map(toEvent);
  }

  /** Events of a type in a session after `since`, up to `now`: later times are from before the clock was set back. */
  countEvents(sessionId: string, type: string, since: number, now: number): number {
    const sql = 'SELECT count(*) AS n FROM events WHERE session_id = ? AND type = ? AND at > ? AND at <= ?';
    return number(this.db.get(sql, sessionId, type, since, now)?.['n']);
  }

  /** Not with every event, so that it costs next to nothing. */
  private prune(sessionId: string | null): void {
    const added = (this.sincePruned.get(sessionId) ?? pruneEvery) + 1;
    this.sincePruned.set(sessionId, added % pruneEvery);
    if (added < pruneEvery) return;
    const oldest = 'SELECT seq FROM events WHERE session_id IS ? ORDER BY seq DESC LIMIT 1 OFFSET ?';
    this.db.run(`DELETE FROM events WHERE session_id IS ? AND seq <= (${oldest})`, sessionId, sessionId, keptEvents);
  }

  rigs(): StoredRig[] {
    return this.db.all('SELECT name, path, repository FROM rigs ORDER BY name').map((row) => {
      const repository = optionalText(row['repository']);
      return { name: text(row['name']), path: text(row['path']), ...(repository === undefined ? {} : { repository }) };
    });
  }

  /** What was agreed to for an earlier rig of that name is no word about this one. */
  addRig(rig: StoredRig, at: number): void {
    this.db.transaction(() => {
      this.consents.forget(rig.name);
      this.db.run(
        'INSERT INTO rigs (name, path, repository, added_at) VALUES (?, ?, ?, ?)',
        rig.name,
        rig.path,
        rig.repository ?? null,
        at,
      );
    });
  }

  /** A value made once and kept for the town's life, such as the host's token. */
  remember(key: string, make: () => string): string {
    return this.db.transaction(() => {
      const known = optionalText(this.db.get('SELECT value FROM settings WHERE key = ?', key)?.['value']);
      if (known !== undefined) return known;
      const value = make();
      this.db.run('INSERT INTO settings (key, value) VALUES (?, ?)', key, value);
      return value;
    });
  }

  /** See `Database`. */
  get revision(): number {
    return this.db.revision;
  }

  displaced(): string | undefined {
    return this.db.displaced();
  }

  putBack(at: number): string | undefined {
    return this.db.putBack(at);
  }

  saveTo(file: string): void {
    this.db.saveTo(file);
  }

  copyTo(file: string): Promise<void> {
    return this.db.copyTo(file);
  }

  get isOpen(): boolean {
    return this.db.isOpen;
  }

  close(): void {
    this.backlog.dispose();
    this.db.close();
  }
}

function toEvent(row: Row): StoredEvent {
  return {
    at: number(row['at']),
    type: text(row['type']),
    detail: JSON.parse(text(row['detail'])) as Record<string, unknown>,
    ...withoutUndefined({ sessionId: optionalText(row['session_id']), runId: optionalText(row['run_id']) }),
  };
}
