import type { MessageKind, MessageState } from '../mail/message.ts';
import { number, optionalNumber, optionalText, text } from './database.ts';
import type { Database, Row } from './database.ts';

export interface StoredMessage {
  id: string;
  from: string;
  to: string;
  kind: MessageKind;
  subject: string;
  body: string;
  /** The unit that a `work` or `reminder` entry is about. */
  workId?: string;
  state: MessageState;
  /** The run whose model has it. */
  runId?: string;
  attempts: number;
  reason?: string;
  sentAt: number;
  deliveredAt?: number;
  actedAt?: number;
  readAt?: number;
}

/** The outbox, which is also everybody's mailbox: one row per recipient. */
export class MessageTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  /** Idempotent: a message with a known id is not stored again. */
  insert(message: StoredMessage): void {
    this.db.run(
      `INSERT INTO messages (id, sender, recipient, kind, subject, body, work_id, state, reason, sent_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      message.id,
      message.from,
      message.to,
      message.kind,
      message.subject,
      message.body,
      message.workId ?? null,
      message.state,
      message.reason ?? null,
      message.sentAt,
    );
  }

  get(id: string): StoredMessage | undefined {
    const row = this.db.get('SELECT * FROM messages WHERE id = ?', id);
    return row && toMessage(row);
  }

  /** Accepted entries that are to be put before the recipient's model, oldest first. */
  pending(to: string): StoredMessage[] {
    return this.db.all("SELECT * FROM messages WHERE recipient = ? AND state = 'accepted' ORDER BY sent_at, rowid", to).map(toMessage);
  }

  inbox(to: string, all: boolean): StoredMessage[] {
    const unread = all ? '' : 'AND read_at IS NULL';
    const sql = `SELECT * FROM messages WHERE recipient = ? AND kind IN ('mail', 'broadcast') ${unread} ORDER BY sent_at, rowid`;
    return this.db.all(sql, to).map(toMessage);
  }

  latest(limit: number): StoredMessage[] {
    return this.db.all('SELECT * FROM messages ORDER BY sent_at DESC, rowid DESC LIMIT ?', limit).map(toMessage);
  }

  /** To or from somebody, the newest `limit`. */
  correspondence(party: string, limit: number): StoredMessage[] {
    const sql = 'SELECT * FROM messages WHERE recipient = ? OR sender = ? ORDER BY sent_at DESC, rowid DESC LIMIT ?';
    return this.db.all(sql, party, party, limit).map(toMessage);
  }

  countUnread(to: string): number {
    const sql = "SELECT count(*) AS n FROM messages WHERE recipient = ? AND kind = 'mail' AND read_at IS NULL";
    return number(this.db.get(sql, to)?.['n']);
  }

  addAttempt(id: string): void {
    this.db.run('UPDATE messages SET attempts = attempts + 1 WHERE id = ?', id);
  }

  /** False when it had been delivered before: a doubled receipt changes nothing. */
  setDelivered(id: string, runId: string, at: number): boolean {
    const sql = "UPDATE messages SET state = 'delivered', run_id = ?, delivered_at = ? WHERE id = ? AND state = 'accepted'";
    return this.db.run(sql, runId, at, id) === 1;
  }

  /** All that the run's model had when its turn ended has been acted on. */
  setActed(runId: string, at: number): number {
    return this.db.run(
      "UPDATE messages SET state = 'acted', acted_at = ? WHERE run_id = ? AND state = 'delivered'",
      at,
      runId,
    );
  }

  /** Whether the run's model was given something, and its turn was not seen to end. */
  isTurnOpen(runId: string): boolean {
    return this.db.get("SELECT 1 FROM messages WHERE run_id = ? AND state = 'delivered' LIMIT 1", runId) !== undefined;
  }

  /** Whether the run has been reminded of the unit. */
  wasReminded(runId: string, workId: string): boolean {
    const sql = "SELECT 1 FROM messages WHERE run_id = ? AND work_id = ? AND kind = 'reminder' LIMIT 1";
    return this.db.get(sql, runId, workId) !== undefined;
  }

  /** The run's model was told of the mail, which stays unread. */
  setNoticed(id: string, runId: string): void {
    this.db.run("UPDATE messages SET run_id = ? WHERE id = ? AND state = 'accepted'", runId, id);
  }

  /** Closes what of these kinds was still to be put before a session that has gone. Returns how many. */
  expirePending(to: string, kinds: readonly MessageKind[], reason: string): number {
    const list = kinds.map(() => '?').join(', ');
    const sql = `UPDATE messages SET state = 'expired', reason = ? WHERE recipient = ? AND state = 'accepted' AND kind IN (${list})`;
    return this.db.run(sql, reason, to, ...kinds);
  }

  /** Everybody for whom something waits. */
  recipientsWaiting(): string[] {
    return this.db.all("SELECT DISTINCT recipient FROM messages WHERE state = 'accepted'").map((row) => text(row['recipient']));
  }

  setRead(id: string, at: number): void {
    this.db.run('UPDATE messages SET read_at = coalesce(read_at, ?) WHERE id = ?', at, id);
  }

  close(id: string, state: 'refused' | 'expired' | 'dead', reason: string): void {
    this.db.run("UPDATE messages SET state = ?, reason = ? WHERE id = ? AND state = 'accepted'", state, reason, id);
  }

  setReason(id: string, reason: string): void {
    this.db.run('UPDATE messages SET reason = ? WHERE id = ?', reason, id);
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
  };
  return {
    id: text(row['id']),
    from: text(row['sender']),
    to: text(row['recipient']),
    kind: text(row['kind']) as MessageKind,
    subject: text(row['subject']),
    body: text(row['body']),
    state: text(row['state']) as MessageState,
    attempts: number(row['attempts']),
    sentAt: number(row['sent_at']),
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as Partial<StoredMessage>),
  };
}
