import type { Dependency } from '../domain/dependency.ts';
import type { MergeState } from '../domain/merge.ts';
import type { WorkState } from '../domain/work-state.ts';
import { withoutUndefined } from '../platform/objects.ts';
import { optionalText, text } from './database.ts';
import type { Database, Row } from './database.ts';

const selected = `SELECT work_dependencies.work_id AS work_id, after_id, work.state AS state, merges.state AS merge
  FROM work_dependencies JOIN work ON work.id = after_id LEFT JOIN merges ON merges.work_id = after_id`;

/** Which units wait for which. */
export class DependencyTable {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  /** What a unit waits for, with what is over of it, in the order in which that was said. */
  of(workId: string): Dependency[] {
    return this.db
      .all(`${selected} WHERE work_dependencies.work_id = ? ORDER BY work_dependencies.rowid`, workId)
      .map(toDependency);
  }

  /** The same of every unit that is neither done nor cancelled. */
  ofUnfinished(): Map<string, Dependency[]> {
    const sql = `${selected} JOIN work AS waiting ON waiting.id = work_dependencies.work_id
      WHERE waiting.state NOT IN ('done', 'cancelled') ORDER BY work_dependencies.rowid`;
    const all = new Map<string, Dependency[]>();
    for (const row of this.db.all(sql)) {
      const id = text(row['work_id']);
      all.set(id, [...(all.get(id) ?? []), toDependency(row)]);
    }
    return all;
  }

  /** The units that wait for this one. */
  dependants(afterId: string): string[] {
    return this.db
      .all('SELECT work_id FROM work_dependencies WHERE after_id = ?', afterId)
      .map((row) => text(row['work_id']));
  }

  add(workId: string, afterId: string): void {
    const sql = 'INSERT INTO work_dependencies (work_id, after_id) VALUES (?, ?) ON CONFLICT DO NOTHING';
    this.db.run(sql, workId, afterId);
  }

  remove(workId: string, afterId: string): void {
    this.db.run('DELETE FROM work_dependencies WHERE work_id = ? AND after_id = ?', workId, afterId);
  }
}

function toDependency(row: Row): Dependency {
  return {
    after: text(row['after_id']),
    state: text(row['state']) as WorkState,
    ...withoutUndefined({ merge: optionalText(row['merge']) as MergeState | undefined }),
  };
}
