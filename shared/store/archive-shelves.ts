// What may leave the store: when a row of each kind is over, and has nothing to do with anything that is open.

/** Where rows of a kind that is archived lie, by the time that they were over. */
export interface Shelf {
  kind: 'work' | 'message' | 'escalation' | 'run';
  table: string;
  /** The column with the time, which an index begins with. */
  at: string;
  /** Which rows are looked at, where not all. */
  where: string;
  /** Whether the row `:id` is over since before `:before`, and nothing that is open has to do with it. */
  over: string;
}

/** Whether a run is the one that a session has now, alive or not. */
const isPresent = (run: string): string =>
  `EXISTS (SELECT 1 FROM runs AS its JOIN sessions ON sessions.id = its.session_id AND sessions.run_id = its.id WHERE its.id = ${run})`;

/**
 * What was written last is never archived: by the numbers of the newest rows an opening tells whether a database has less in
 * it than its copy.
 */
const workOver = `
  id <> (SELECT work_id FROM work_history ORDER BY rowid DESC LIMIT 1)
  AND NOT EXISTS (SELECT 1 FROM merges WHERE work_id = work.id
    AND (merges.state NOT IN ('merged', 'discarded') OR merges.changed_at >= :before))
  AND NOT EXISTS (SELECT 1 FROM handoffs WHERE work_id = work.id)
  AND NOT EXISTS (SELECT 1 FROM messages WHERE work_id = work.id AND messages.state = 'accepted')
  AND NOT EXISTS (SELECT 1 FROM escalations WHERE closed_at IS NULL AND (work_id = work.id OR subject = work.id))
  AND NOT EXISTS (SELECT 1 FROM batches WHERE batches.id = work.batch AND outcome IS NOT 'finished')
  AND NOT EXISTS (SELECT 1 FROM worktrees WHERE worktrees.rig = work.rig AND worktrees.state <> 'removed'
    AND (worktrees.branch = work.branch OR session_id = work.owner))
  AND NOT EXISTS (SELECT 1 FROM work_dependencies JOIN work AS other ON other.id = after_id
    WHERE work_id = work.id AND other.state NOT IN ('done', 'cancelled'))
  AND NOT EXISTS (SELECT 1 FROM work_dependencies JOIN work AS other ON other.id = work_id
    WHERE after_id = work.id AND other.state NOT IN ('done', 'cancelled'))
  AND (NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.branch = work.branch AND sessions.rig = work.rig)
    OR EXISTS (SELECT 1 FROM work AS newer
      WHERE newer.branch = work.branch AND newer.rig = work.rig AND newer.changed_at > work.changed_at))`;

/** What is about a unit goes after it. */
const messageOver = `
  state <> 'accepted'
  AND max(sent_at, ifnull(delivered_at, 0), ifnull(acted_at, 0), ifnull(read_at, 0), ifnull(closed_at, 0)) < :before
  AND (kind <> 'mail' OR read_at IS NOT NULL OR closed_at IS NOT NULL)
  AND (state <> 'delivered' OR NOT ${isPresent('messages.run_id')})
  AND rowid < (SELECT max(rowid) FROM messages)
  AND NOT EXISTS (SELECT 1 FROM work WHERE work.id = messages.work_id)
  AND NOT EXISTS (SELECT 1 FROM json_each(:subjects) AS subject WHERE
    EXISTS (SELECT 1 FROM work WHERE work.id = subject.value)
    OR EXISTS (SELECT 1 FROM escalations WHERE escalations.id = subject.value AND escalations.closed_at IS NULL))`;

/** While what it was raised for may still be so, its key keeps it from being raised once more. */
const escalationOver = `
  NOT EXISTS (SELECT 1 FROM work WHERE work.id IN (escalations.work_id, escalations.subject))
  AND NOT ${isPresent('escalations.run_id')}
  AND (kind <> 'target' OR NOT EXISTS (SELECT 1 FROM merges
    WHERE merges.state NOT IN ('merged', 'discarded') AND rig || ' ' || target = escalations.subject))`;

/** The newest reference of a session is where its conversation is found again. */
const runOver = `
  state IN ('stopped', 'failed')
  AND NOT ${isPresent('runs.id')}
  AND (reference = '{}' OR EXISTS (SELECT 1 FROM runs AS later
    WHERE later.session_id = runs.session_id AND later.rowid > runs.rowid AND later.reference <> '{}'))`;

/** Units go first: what is about them goes after them. */
export const shelves: readonly Shelf[] = [
  { kind: 'work', table: 'work', at: 'changed_at', where: "state = 'done'", over: workOver },
  { kind: 'work', table: 'work', at: 'changed_at', where: "state = 'cancelled'", over: workOver },
  { kind: 'message', table: 'messages', at: 'sent_at', where: 'true', over: messageOver },
  { kind: 'escalation', table: 'escalations', at: 'closed_at', where: 'closed_at IS NOT NULL', over: escalationOver },
  { kind: 'run', table: 'runs', at: 'ended_at', where: 'ended_at IS NOT NULL', over: runOver },
];
