import type { SQLInputValue } from 'node:sqlite';
import type { MessageKind, MessageState, Priority } from '../domain/message.ts';
import { number, optionalNumber, optionalText, text } from './database.ts';
import type { Database, Row } from './database.ts';
import { withoutUndefined } from '../platform/objects.ts';

export interface StoredMessage {
  id: string;
  from: string;
  to: string;
  kind: MessageKind;
  priority: Priority;
  subject: string;
  body: string;
  /** The unit that a `work` or `reminder` entry is about. */
  workId?: string;
  state: MessageState;
  /** The run whose model has it. */
  runId?: string;
  /** How often it was handed over, or may have been. */
  attempts: number;
  /** An earlier attempt may have reached the model, and nothing proves that it did not. */
  repeated: boolean;
  reason?: string;
  sentAt: number;
  /** When it is given up unless it was delivered before; never where absent. */
  expiresAt?: number;
  deliveredAt?: number;
  actedAt?: number;
  readAt?: number;
  /** When it was refused, expired, given up, or put into the archive. */
  closedAt?: number;
}

/** Which messages a list is of; what is absent is not asked for. */
export interface MessageFilter {
  /** Sender or recipient. */
  session?: string;
  from?: string;
  state?: MessageState;
  kind?: MessageKind;
  /** The unit that it is about. */
  work?: string;
}

type EndState = 'refused' | 'expired' | 'dead';

/** The outbox, which is also everybody's mailbox: one row per recipient. */
export class MessageTable {
  private readonly db: Database;
  private changes = 0;

  constructor(db: Database) {
    this.db = db;
  }

  /** Counts up with every change, so that whoever shows messages knows when to look again. */
  get revision(): number {
    return this.changes;
  }

  /** Idempotent: a message with a known id is not stored again. */
  insert(message: StoredMessage): void {
    this.change(
      `INSERT INTO messages (id, sender, recipient, kind, priority, subject, body, work_id, state, reason, sent_at, expires_at, closed_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      message.id,
      message.from,
      message.to,
      message.kind,
      message.priority,
      message.subject,
      message.body,
      message.workId ?? null,
      message.state,
      message.reason ?? null,
      message.sentAt,
      message.expiresAt ?? null,
      message.closedAt ?? null,
    );
  }

  get(id: string): StoredMessage | undefined {
    const row = this.db.get('SELECT * FROM messages WHERE id = ?', id);
    return row && toMessage(row);
  }

  /** Accepted entries that are to be put before the recipient's model, oldest first. */
  pending(to: string): StoredMessage[] {
    return this.db
      .all("SELECT * FROM messages WHERE recipient = ? AND state = 'accepted' ORDER BY rowid", to)
      .map(toMessage);
  }

  /** What was not archived, refused or given up; unread only, or read as well. */
  inbox(to: string, all: boolean): StoredMessage[] {
    const unread = all ? '' : 'AND read_at IS NULL';
    const sql = `SELECT * FROM messages WHERE recipient = ? AND kind IN ('mail', 'broadcast') AND closed_at IS NULL ${unread} ORDER BY rowid`;
    return this.db.all(sql, to).map(toMessage);
  }

  /** The newest first. */
  latest(limit: number, { session, from, state, kind, work }: MessageFilter = {}): StoredMessage[] {
    // Only what is asked for, so that an index can answer it.
    const conditions = [
      session !== undefined && '(sender = :session OR recipient = :session)',
      from !== undefined && 'sender = :from',
      state !== undefined && 'state = :state',
      kind !== undefined && 'kind = :kind',
      work !== undefined && 'work_id = :work',
    ].filter((condition) => condition !== false);
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const sql = `SELECT * FROM messages ${where} ORDER BY sent_at DESC, rowid DESC LIMIT :limit`;
    return this.db.allNamed(sql, withoutUndefined({ session, from, state, kind, work, limit })).map(toMessage);
  }

  /** To or from somebody, the newest `limit`. */
  correspondence(party: string, limit: number): StoredMessage[] {
    return this.latest(limit, { session: party });
  }

  /** How many accepted entries are due to the recipient: mail is not in the run that was told of it. */
  countDue(to: string, runId: string | undefined): number {
    const sql = `SELECT count(*) AS n FROM messages
      WHERE recipient = ? AND state = 'accepted' AND (kind <> 'mail' OR run_id IS NULL OR run_id IS NOT ?)`;
    return number(this.db.get(sql, to, runId ?? null)?.['n']);
  }

  countUnread(to: string): number {
    const sql =
      "SELECT count(*) AS n FROM messages INDEXED BY messages_unread WHERE recipient = ? AND kind = 'mail' AND read_at IS NULL AND closed_at IS NULL";
    return number(this.db.get(sql, to)?.['n']);
  }

  /** How many messages somebody has sent since then; a broadcast, whose entries share their time, counts once. Those of the time `but` are left out. */
  countSent(from: string, since: number, but?: number): number {
    const sql = `SELECT count(DISTINCT CASE kind WHEN 'broadcast' THEN 'at ' || sent_at ELSE id END) AS n
      FROM messages WHERE sender = ? AND sent_at > ? AND sent_at IS NOT ? AND kind IN ('nudge', 'mail', 'broadcast') AND state <> 'refused'`;
    return number(this.db.get(sql, from, since, but ?? null)?.['n']);
  }

  /** How many messages two have sent each other since then. */
  countExchanged(one: string, other: string, since: number): number {
    // Each way by itself: the index has a sender's messages by their time.
    const sql = `SELECT count(*) AS n FROM messages WHERE sender = ? AND recipient = ? AND sent_at > ?
      AND kind IN ('nudge', 'mail', 'broadcast') AND state <> 'refused'`;
    const sent = (from: string, to: string): number => number(this.db.get(sql, from, to, since)?.['n']);
    return sent(one, other) + (one === other ? 0 : sent(other, one));
  }

  /** Messages with ids that begin so, sent after `since`, up to `now`: later times are from before the clock was set back. */
  countBeginning(beginning: string, since: number, now: number): number {
    const sql = 'SELECT count(*) AS n FROM messages WHERE id >= ? AND id < ? AND sent_at > ? AND sent_at <= ?';
    return number(this.db.get(sql, beginning, `${beginning}\u{10ffff}`, since, now)?.['n']);
  }

  /** Before it is handed over. */
  addAttempt(id: string): void {
    this.change('UPDATE messages SET attempts = attempts + 1 WHERE id = ?', id);
  }

  /** It is certain that nothing was handed over. */
  takeBackAttempt(id: string): void {
    this.change('UPDATE messages SET attempts = max(0, attempts - 1) WHERE id = ?', id);
  }

  /** Nothing proves that the model does not have it: it will be delivered again, marked. */
  setRepeated(id: string): void {
    this.change("UPDATE messages SET repeated = 1 WHERE id = ? AND state = 'accepted'", id);
  }

  /** The same for everything that was handed over to a run which has ended, and has no receipt; but not for one. */
  setAllRepeated(to: string, but = ''): void {
    this.change(
      "UPDATE messages SET repeated = 1 WHERE recipient = ? AND state = 'accepted' AND attempts > 0 AND id <> ?",
      to,
      but,
    );
  }

  /**
   * False when it had been delivered before: a doubled receipt changes nothing. One that comes after the message was
   * given up says what is true.
   */
  setDelivered(id: string, runId: string, at: number): boolean {
    const sql = `UPDATE messages SET state = 'delivered', run_id = ?, delivered_at = ?, reason = NULL, closed_at = NULL
      WHERE id = ? AND state IN ('accepted', 'dead', 'expired')`;
    return this.change(sql, runId, at, id) === 1;
  }

  /** All that the run's model had when its turn ended has been acted on. */
  setActed(runId: string, at: number): number {
    return this.change(
      "UPDATE messages SET state = 'acted', acted_at = ? WHERE run_id = ? AND state = 'delivered'",
      at,
      runId,
    );
  }

  /**
   * The run ended in the middle of the turn: what it was given in that turn, or read in it, waits again, and goes marked, since
   * nobody knows what the model made of it. What it archived stays so, and work is told anew anyway. Returns how many.
   */
  reopenCut(runId: string, reason: string): number {
    return this.change(
      `UPDATE messages SET state = 'accepted', repeated = 1, attempts = 0, run_id = NULL, delivered_at = NULL, read_at = NULL,
         reason = ?
       WHERE run_id = ? AND state = 'delivered' AND kind IN ('nudge', 'broadcast', 'mail') AND closed_at IS NULL`,
      reason,
      runId,
    );
  }

  /** Whether the run's model was given something, and its turn was not seen to end. */
  isTurnOpen(runId: string): boolean {
    return this.db.get("SELECT 1 FROM messages WHERE run_id = ? AND state = 'delivered' LIMIT 1", runId) !== undefined;
  }

  /** Whether the run's model has the newest message about the unit, by the order of messages: the clock may be set back. */
  wasGiven(runId: string, workId: string): boolean {
    const sql = `SELECT state, run_id FROM messages WHERE work_id = ? AND kind = 'work' AND state IN ('accepted', 'delivered', 'acted')
      ORDER BY rowid DESC LIMIT 1`;
    const last = this.db.get(sql, workId);
    return last !== undefined && last['run_id'] === runId && last['state'] !== 'accepted';
  }

  /** Whether the run has been reminded of the unit. */
  wasReminded(runId: string, workId: string): boolean {
    const sql = "SELECT 1 FROM messages WHERE run_id = ? AND work_id = ? AND kind = 'reminder' LIMIT 1";
    return this.db.get(sql, runId, workId) !== undefined;
  }

  /** The run's model was told of the mail, which stays unread; the next run is told anew. */
  setNoticed(id: string, runId: string): void {
    this.change(
      "UPDATE messages SET run_id = ?, attempts = 0, repeated = 0 WHERE id = ? AND state = 'accepted'",
      runId,
      id,
    );
  }

  /** Closes what of these kinds was still to be put before a session that has gone. Returns how many. */
  expirePending(to: string, kinds: readonly MessageKind[], reason: string, at: number): number {
    const list = kinds.map(() => '?').join(', ');
    const sql = `UPDATE messages SET state = 'expired', reason = ?, closed_at = ? WHERE recipient = ? AND state = 'accepted' AND kind IN (${list})`;
    return this.change(sql, reason, at, to, ...kinds);
  }

  /** What is accepted has so many ms more to be delivered in, or less. */
  moveExpiry(by: number): void {
    this.change(
      "UPDATE messages SET expires_at = expires_at + ? WHERE state = 'accepted' AND expires_at IS NOT NULL",
      by,
    );
  }

  /** Accepted entries whose time is over. */
  overdue(now: number): StoredMessage[] {
    return this.db.all("SELECT * FROM messages WHERE state = 'accepted' AND expires_at <= ?", now).map(toMessage);
  }

  /** When the next accepted entry expires. */
  nextExpiry(after: number): number | undefined {
    const row = this.db.get(
      "SELECT min(expires_at) AS at FROM messages WHERE state = 'accepted' AND expires_at > ?",
      after,
    );
    return optionalNumber(row?.['at']);
  }

  /** Everybody for whom something waits. */
  recipientsWaiting(): string[] {
    return this.db
      .all("SELECT DISTINCT recipient FROM messages WHERE state = 'accepted'")
      .map((row) => text(row['recipient']));
  }

  setRead(id: string, at: number): void {
    this.change('UPDATE messages SET read_at = coalesce(read_at, ?) WHERE id = ?', at, id);
  }

  /** False when it was not accepted any more: what has been delivered stays so. */
  close(id: string, state: EndState, reason: string, at: number): boolean {
    return (
      this.change(
        "UPDATE messages SET state = ?, reason = ?, closed_at = ? WHERE id = ? AND state = 'accepted'",
        state,
        reason,
        at,
        id,
      ) === 1
    );
  }

  /** The recipient has done with it. One that it never read counts as acted on now. */
  archive(id: string, at: number): void {
    this.change(
      `UPDATE messages SET closed_at = coalesce(closed_at, ?), state = CASE state WHEN 'accepted' THEN 'acted' ELSE state END,
         acted_at = CASE state WHEN 'accepted' THEN ? ELSE acted_at END,
         reason = CASE state WHEN 'accepted' THEN 'archived unread' ELSE reason END WHERE id = ?`,
      at,
      at,
      id,
    );
  }

  setReason(id: string, reason: string): void {
    this.change('UPDATE messages SET reason = ? WHERE id = ?', reason, id);
  }

  remove(id: string): void {
    this.change('DELETE FROM messages WHERE id = ?', id);
  }

  private change(sql: string, ...values: SQLInputValue[]): number {
    const rows = this.db.run(sql, ...values);
    if (rows > 0) this.changes += 1;
    return rows;
  }
}

function toMessage(row: Row): StoredMessage {
  const optional = {
    workId: optionalText(row['work_id']),
    runId: optionalText(row['run_id']),
    reason: optionalText(row['reason']),
    deliveredAt: optionalNumber(row['delivered_at']),
    actedAt: optionalNumber(row['acted_at']),
    readAt: optionalNumber(row['read_at']),
    expiresAt: optionalNumber(row['expires_at']),
    closedAt: optionalNumber(row['closed_at']),
  };
  return {
    id: text(row['id']),
    from: text(row['sender']),
    to: text(row['recipient']),
    kind: text(row['kind']) as MessageKind,
    priority: text(row['priority']) as Priority,
    subject: text(row['subject']),
    body: text(row['body']),
    state: text(row['state']) as MessageState,
    attempts: number(row['attempts']),
    repeated: number(row['repeated']) === 1,
    sentAt: number(row['sent_at']),
    ...withoutUndefined(optional),
  };
}
