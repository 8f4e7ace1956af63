import type { RunReference } from '../domain/run.ts';
import type { ResolvedAgent } from '../domain/agent.ts';
import type { BackendName, Role, SessionId } from '../domain/orchestrator.ts';
import { number, optionalNumber, optionalText, text } from './database.ts';
import type { Database, Row } from './database.ts';

export interface StoredSession {
  id: SessionId;
  backend: BackendName;
  role: Role;
  agentName: string;
  rig: string;
  agent: ResolvedAgent;
  workDir: string;
  branch?: string;
  /** As its caller gave it (`SessionConfig.metadata`). */
  metadata?: Record<string, string>;
  runId: string;
  createdAt: number;
  /** It is not started again by itself: it failed too often. */
  quarantined?: Quarantine;
}

export interface Quarantine {
  /** Epoch milliseconds. */
  at: number;
  reason: string;
}

export type RunState = 'starting' | 'running' | 'stopped' | 'failed';

export interface StoredRun {
  id: string;
  sessionId: SessionId;
  /** Secret of this run on the channel. */
  token: string;
  state: RunState;
  reference: RunReference;
  pid?: number;
  startedAt: number;
  /** Set before a stop is carried out, so that a restart never undoes it. */
  stopRequestedAt?: number;
  endedAt?: number;
  error?: string;
  /** It ended while no host was there; its state is `stopped`. */
  endedUnseen?: true;
}

/** Sessions and their runs. */
export class SessionTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  /** Records the intent to start: a session with its new run, replacing an ended session of the same name. */
  begin(session: StoredSession, run: StoredRun): void {
    this.db.transaction(() => {
      this.db.run('DELETE FROM sessions WHERE id = ?', session.id);
      // What an earlier session of this name went through is not this one's.
      this.db.run('DELETE FROM restarts WHERE session_id = ?', session.id);
      this.db.run(
        `INSERT INTO sessions (id, backend, role, agent_name, rig, agent, agent_config, work_dir, branch, metadata, run_id, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        session.id,
        session.backend,
        session.role,
        session.agentName,
        session.rig,
        session.agent.name,
        JSON.stringify(session.agent),
        session.workDir,
        session.branch ?? null,
        session.metadata === undefined ? null : JSON.stringify(session.metadata),
        session.runId,
        session.createdAt,
      );
      this.insertRun(run);
    });
  }

  private insertRun(run: StoredRun): void {
    this.db.run(
      'INSERT INTO runs (id, session_id, token, state, reference, started_at) VALUES (?, ?, ?, ?, ?, ?)',
      run.id,
      run.sessionId,
      run.token,
      run.state,
      JSON.stringify(run.reference),
      run.startedAt,
    );
  }

  /** Records the intent to go on with a new run: `before`, the one that it follows, is over. Earlier runs are kept. */
  renew(session: StoredSession, run: StoredRun, before: string): void {
    this.db.transaction(() => {
      this.end(before, 'stopped', run.startedAt);
      this.db.run(
        `UPDATE sessions SET backend = ?, agent = ?, agent_config = ?, run_id = ?, quarantined_at = NULL, quarantine_reason = NULL
         WHERE id = ?`,
        session.backend,
        session.agent.name,
        JSON.stringify(session.agent),
        run.id,
        session.id,
      );
      this.insertRun(run);
    });
  }

  addRestart(id: SessionId, at: number, reason: string): void {
    this.db.run('INSERT INTO restarts (session_id, at, reason) VALUES (?, ?, ?)', id, at, reason);
  }

  /** When the session was restarted since then, oldest first. */
  restartsSince(id: SessionId, since: number): number[] {
    return this.db
      .all('SELECT at FROM restarts WHERE session_id = ? AND at >= ? ORDER BY at', id, since)
      .map((row) => number(row['at']));
  }

  /**
   * How many runs of the session in a row, its last one included, ended before they were ready. A start that went down with
   * its host says nothing about the session, and is passed over.
   */
  failedStarts(id: SessionId): number {
    const sql = 'SELECT state, ready_at FROM runs WHERE session_id = ? AND ended_unseen = 0 ORDER BY rowid DESC';
    const rows = this.db.all(sql, id);
    const other = rows.findIndex((row) => row['state'] !== 'failed' || row['ready_at'] !== null);
    return other === -1 ? rows.length : other;
  }

  quarantine(id: SessionId, { at, reason }: Quarantine): void {
    this.db.run('UPDATE sessions SET quarantined_at = ?, quarantine_reason = ? WHERE id = ?', at, reason, id);
  }

  /** The run is over, and everything that follows from that is done. */
  settle(runId: string, at: number): void {
    this.db.run('UPDATE runs SET settled_at = ? WHERE id = ?', at, runId);
  }

  isSettled(runId: string): boolean {
    return this.db.get('SELECT 1 FROM runs WHERE id = ? AND settled_at IS NOT NULL', runId) !== undefined;
  }

  /** The session is not wanted back: its run counts as stopped on request, and it is not quarantined any more. */
  giveUp(id: SessionId, runId: string, at: number): void {
    this.db.transaction(() => {
      this.requestStop(runId, at);
      this.db.run('UPDATE runs SET ended_unseen = 0 WHERE id = ?', runId);
      this.reset(id);
    });
  }

  /** Lifts the quarantine; what led to it is not held against the session any more. */
  reset(id: SessionId): void {
    this.db.transaction(() => {
      this.db.run('UPDATE sessions SET quarantined_at = NULL, quarantine_reason = NULL WHERE id = ?', id);
      this.db.run('DELETE FROM restarts WHERE session_id = ?', id);
      this.db.run("UPDATE runs SET state = 'stopped' WHERE session_id = ? AND state = 'failed'", id);
    });
  }

  /** Where the session's newest conversation is, by the reference of the last run that noted one. */
  lastReference(id: SessionId): RunReference | undefined {
    const sql = "SELECT * FROM runs WHERE session_id = ? AND reference <> '{}' ORDER BY rowid DESC LIMIT 1";
    const row = this.db.get(sql, id);
    return row && toRun(row).reference;
  }

  saveReference(runId: string, reference: RunReference): void {
    this.db.run('UPDATE runs SET reference = ? WHERE id = ?', JSON.stringify(reference), runId);
  }

  setPid(runId: string, pid: number): void {
    this.db.run('UPDATE runs SET pid = ? WHERE id = ?', pid, runId);
  }

  setRunning(runId: string, at: number): void {
    this.db.run("UPDATE runs SET state = 'running', ready_at = ? WHERE id = ? AND state = 'starting'", at, runId);
  }

  requestStop(runId: string, at: number): void {
    this.db.run('UPDATE runs SET stop_requested_at = coalesce(stop_requested_at, ?) WHERE id = ?', at, runId);
  }

  /** Changes nothing where it had ended before. */
  end(runId: string, end: 'stopped' | 'failed' | 'ended-unseen', at: number, error?: string): void {
    const sql = `UPDATE runs SET state = ?, ended_unseen = ?, ended_at = ?, error = ? WHERE id = ? AND state IN ('starting', 'running')`;
    const unseen = end === 'ended-unseen';
    this.db.run(sql, unseen ? 'stopped' : end, unseen ? 1 : 0, at, error ?? null, runId);
  }

  remove(id: SessionId): void {
    this.db.run('DELETE FROM sessions WHERE id = ?', id);
  }

  /** The same, unless the session has another run by now. */
  removeRun(id: SessionId, runId: string): void {
    this.db.run('DELETE FROM sessions WHERE id = ? AND run_id = ?', id, runId);
  }

  /** An earlier one of a session that has another by now. */
  forgetRun(runId: string): void {
    this.db.run('DELETE FROM runs WHERE id = ?', runId);
  }

  run(runId: string): StoredRun | undefined {
    const row = this.db.get('SELECT * FROM runs WHERE id = ?', runId);
    return row && toRun(row);
  }

  runByToken(token: string): StoredRun | undefined {
    const row = this.db.get("SELECT * FROM runs WHERE token = ? AND state IN ('starting', 'running')", token);
    return row && toRun(row);
  }

  session(id: SessionId): StoredSession | undefined {
    const row = this.db.get('SELECT * FROM sessions WHERE id = ?', id);
    return row && toSession(row);
  }

  /** Every session with its current run. */
  all(): { session: StoredSession; run: StoredRun }[] {
    return this.db.all('SELECT * FROM sessions ORDER BY created_at').flatMap((row) => {
      const session = toSession(row);
      const run = this.run(session.runId);
      return run ? [{ session, run }] : [];
    });
  }
}

function toSession(row: Row): StoredSession {
  const branch = optionalText(row['branch']);
  const metadata = optionalText(row['metadata']);
  const quarantinedAt = optionalNumber(row['quarantined_at']);
  return {
    id: text(row['id']),
    backend: text(row['backend']) as BackendName,
    role: text(row['role']) as Role,
    agentName: text(row['agent_name']),
    rig: text(row['rig']),
    agent: JSON.parse(text(row['agent_config'])) as ResolvedAgent,
    workDir: text(row['work_dir']),
    ...(branch === undefined ? {} : { branch }),
    ...(metadata === undefined ? {} : { metadata: JSON.parse(metadata) as Record<string, string> }),
    runId: text(row['run_id']),
    createdAt: number(row['created_at']),
    ...(quarantinedAt === undefined
      ? {}
      : { quarantined: { at: quarantinedAt, reason: text(row['quarantine_reason']) } }),
  };
}

function toRun(row: Row): StoredRun {
  const pid = optionalNumber(row['pid']);
  const stopRequestedAt = optionalNumber(row['stop_requested_at']);
  const endedAt = optionalNumber(row['ended_at']);
  const error = optionalText(row['error']);
  return {
    id: text(row['id']),
    sessionId: text(row['session_id']),
    token: text(row['token']),
    state: text(row['state']) as RunState,
    reference: JSON.parse(text(row['reference'])) as RunReference,
    startedAt: number(row['started_at']),
    ...(pid === undefined ? {} : { pid }),
    ...(stopRequestedAt === undefined ? {} : { stopRequestedAt }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(error === undefined ? {} : { error }),
    ...(row['ended_unseen'] === 1 ? { endedUnseen: true as const } : {}),
  };
}
