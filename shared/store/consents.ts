import type { ConsentItem } from '../domain/consent.ts';
import { text } from './database.ts';
import type { Database } from './database.ts';

/** What the user has agreed to, per rig: each content by its hash. It stays agreed to when the repository goes back to it. */
export class ConsentTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  add(rig: string, { subject, hash, content }: ConsentItem, at: number): void {
    // Anew, so that the newest word is the last one.
    this.db.run(
      'INSERT OR REPLACE INTO consents (rig, subject, hash, content, agreed_at) VALUES (?, ?, ?, ?, ?)',
      rig,
      subject,
      hash,
      content,
      at,
    );
  }

  has(rig: string, { subject, hash }: Pick<ConsentItem, 'subject' | 'hash'>): boolean {
    return (
      this.db.get('SELECT 1 FROM consents WHERE rig = ? AND subject = ? AND hash = ?', rig, subject, hash) !== undefined
    );
  }

  /** What was agreed to last of this place. */
  latest(rig: string, subject: string): string | undefined {
    const row = this.db.get(
      'SELECT content FROM consents WHERE rig = ? AND subject = ? ORDER BY agreed_at DESC, rowid DESC LIMIT 1',
      rig,
      subject,
    );
    return row === undefined ? undefined : text(row['content']);
  }

  forget(rig: string): void {
    this.db.run('DELETE FROM consents WHERE rig = ?', rig);
  }
}
