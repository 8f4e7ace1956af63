/** Each entry takes the schema one version further; `PRAGMA user_version` says how many have run. Never edit a landed one. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    backend TEXT NOT NULL,
    role TEXT NOT NULL,
    agent_name TEXT NOT NULL,
    rig TEXT NOT NULL,
    agent TEXT NOT NULL,
    agent_config TEXT NOT NULL,
    work_dir TEXT NOT NULL,
    branch TEXT,
    run_id TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
    token TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    reference TEXT NOT NULL DEFAULT '{}',
    pid INTEGER,
    started_at INTEGER NOT NULL,
    stop_requested_at INTEGER,
    ended_at INTEGER,
    error TEXT
  ) STRICT;
  CREATE INDEX runs_by_session ON runs(session_id);

  CREATE TABLE work (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    payload TEXT NOT NULL,
    priority INTEGER NOT NULL,
    rig TEXT NOT NULL,
    state TEXT NOT NULL,
    owner TEXT,
    run_id TEXT,
    branch TEXT,
    base TEXT,
    note TEXT,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    assigned_at INTEGER
  ) STRICT;
  CREATE INDEX work_by_owner ON work(owner);

  CREATE TABLE work_history (
    work_id TEXT NOT NULL REFERENCES work(id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    by TEXT NOT NULL,
    run_id TEXT,
    note TEXT
  ) STRICT;
  CREATE INDEX work_history_by_work ON work_history(work_id);

  CREATE TABLE messages (
    id TEXT PRIMARY KEY,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    work_id TEXT,
    state TEXT NOT NULL,
    run_id TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    sent_at INTEGER NOT NULL,
    delivered_at INTEGER,
    acted_at INTEGER,
    read_at INTEGER
  ) STRICT;
  CREATE INDEX messages_by_recipient ON messages(recipient, state);

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    session_id TEXT,
    run_id TEXT,
    type TEXT NOT NULL,
    detail TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_session ON events(session_id, seq);

  CREATE TABLE rigs (
    name TEXT PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    added_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;
  `,
  // Messages with receipts, restarts, failure policies, escalations, circuit breakers.
  `
  ALTER TABLE messages ADD COLUMN priority TEXT NOT NULL DEFAULT 'normal';
  ALTER TABLE messages ADD COLUMN expires_at INTEGER;
  ALTER TABLE messages ADD COLUMN closed_at INTEGER;
  ALTER TABLE messages ADD COLUMN repeated INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX messages_by_sender ON messages(sender, sent_at);

  ALTER TABLE sessions ADD COLUMN quarantined_at INTEGER;
  ALTER TABLE sessions ADD COLUMN quarantine_reason TEXT;

  ALTER TABLE work ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE work ADD COLUMN not_before INTEGER;

  CREATE TABLE restarts (
    session_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    reason TEXT NOT NULL
  ) STRICT;
  CREATE INDEX restarts_by_session ON restarts(session_id, at);

  CREATE TABLE escalations (
    id TEXT PRIMARY KEY,
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    raised_by TEXT NOT NULL,
    session_id TEXT,
    work_id TEXT,
    cause TEXT NOT NULL UNIQUE,
    raised_at INTEGER NOT NULL,
    closed_at INTEGER,
    closed_by TEXT,
    note TEXT
  ) STRICT;

  CREATE TABLE breakers (
    backend TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    failures INTEGER NOT NULL,
    until INTEGER,
    reason TEXT NOT NULL,
    changed_at INTEGER NOT NULL
  ) STRICT;
  `,
  // What the outbox looks for at every change.
  `
  CREATE INDEX messages_waiting ON messages(expires_at) WHERE state = 'accepted';
  CREATE INDEX messages_by_run ON messages(run_id);
  `,
  // Which runs came to be ready; how a queued unit is to be slung.
  `
  ALTER TABLE runs ADD COLUMN ready_at INTEGER;
  UPDATE runs SET ready_at = started_at WHERE state <> 'starting';
  ALTER TABLE work ADD COLUMN dispatch TEXT;
  `,
  // Sessions that rest after turns that the model's provider made fail.
  `
  CREATE TABLE troubles (
    session_id TEXT PRIMARY KEY,
    run_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    until INTEGER,
    go_on INTEGER NOT NULL,
    redeliveries INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
  ) STRICT;
  `,
  // Units that are on their way from one session to another.
  `
  CREATE TABLE handoffs (
    work_id TEXT PRIMARY KEY,
    from_session TEXT NOT NULL,
    to_session TEXT NOT NULL,
    note TEXT NOT NULL
  ) STRICT;
  `,
  // Runs that are over, with everything that follows from that; whom an escalation has reached.
  `
  ALTER TABLE runs ADD COLUMN settled_at INTEGER;
  ALTER TABLE escalations ADD COLUMN mailed_at INTEGER;
  ALTER TABLE escalations ADD COLUMN command_ended_at INTEGER;
  UPDATE escalations SET mailed_at = raised_at, command_ended_at = raised_at;
  `,
  // What was done for a unit, read from its worktree.
  `
  ALTER TABLE work ADD COLUMN result TEXT;
  CREATE INDEX work_by_branch ON work(branch);
  `,
  // Sessions of rigs with a "-" in their names have a "." behind it: `my-app-one` was an id that two sessions could have.
  // What is left of sessions that are forgotten keeps its id where nothing says whose it was.
  `
  CREATE TEMP TABLE renamed (old TEXT PRIMARY KEY, new TEXT NOT NULL);
  INSERT INTO renamed SELECT id, rig || '.' || substr(id, length(rig) + 2) FROM sessions WHERE instr(rig, '-') > 0;
  INSERT OR IGNORE INTO renamed
    SELECT name || '-' || role, name || '.' || role
    FROM rigs JOIN (SELECT 'witness' AS role UNION ALL SELECT 'refinery')
    WHERE instr(name, '-') > 0 AND name || '-' || role NOT IN (SELECT id FROM sessions);
  INSERT OR IGNORE INTO renamed
    SELECT owner, rig || '.' || substr(owner, length(rig) + 2) FROM work
    WHERE instr(rig, '-') > 0 AND substr(owner, 1, length(rig) + 1) = rig || '-' AND owner NOT IN (SELECT id FROM sessions);

  PRAGMA defer_foreign_keys = ON;
  UPDATE sessions SET id = (SELECT new FROM renamed WHERE old = id) WHERE id IN (SELECT old FROM renamed);
  UPDATE runs SET session_id = (SELECT new FROM renamed WHERE old = session_id) WHERE session_id IN (SELECT old FROM renamed);
  UPDATE work SET owner = (SELECT new FROM renamed WHERE old = owner) WHERE owner IN (SELECT old FROM renamed);
  UPDATE work SET dispatch = json_set(dispatch, '$.to', (SELECT new FROM renamed WHERE old = dispatch ->> '$.to'))
    WHERE dispatch ->> '$.to' IN (SELECT old FROM renamed);
  UPDATE work_history SET by = (SELECT new FROM renamed WHERE old = by) WHERE by IN (SELECT old FROM renamed);
  UPDATE messages SET sender = (SELECT new FROM renamed WHERE old = sender) WHERE sender IN (SELECT old FROM renamed);
  UPDATE messages SET recipient = (SELECT new FROM renamed WHERE old = recipient) WHERE recipient IN (SELECT old FROM renamed);
  UPDATE events SET session_id = (SELECT new FROM renamed WHERE old = session_id) WHERE session_id IN (SELECT old FROM renamed);
  UPDATE restarts SET session_id = (SELECT new FROM renamed WHERE old = session_id) WHERE session_id IN (SELECT old FROM renamed);
  UPDATE escalations SET session_id = (SELECT new FROM renamed WHERE old = session_id) WHERE session_id IN (SELECT old FROM renamed);
  UPDATE escalations SET raised_by = (SELECT new FROM renamed WHERE old = raised_by) WHERE raised_by IN (SELECT old FROM renamed);
  UPDATE escalations SET closed_by = (SELECT new FROM renamed WHERE old = closed_by) WHERE closed_by IN (SELECT old FROM renamed);
  UPDATE troubles SET session_id = (SELECT new FROM renamed WHERE old = session_id) WHERE session_id IN (SELECT old FROM renamed);
  UPDATE handoffs SET from_session = (SELECT new FROM renamed WHERE old = from_session) WHERE from_session IN (SELECT old FROM renamed);
  UPDATE handoffs SET to_session = (SELECT new FROM renamed WHERE old = to_session) WHERE to_session IN (SELECT old FROM renamed);
  DROP TABLE renamed;
  `,
  // Sessions that ended while no host was there have not failed.
  `
  ALTER TABLE runs ADD COLUMN ended_unseen INTEGER NOT NULL DEFAULT 0;
  UPDATE runs SET ended_unseen = 1, state = 'stopped' WHERE state = 'failed' AND error = 'it ended while no host was there';
  `,
  // What the user has agreed to of what a rig's repository brings.
  `
  CREATE TABLE consents (
    rig TEXT NOT NULL,
    subject TEXT NOT NULL,
    hash TEXT NOT NULL,
    content TEXT NOT NULL,
    agreed_at INTEGER NOT NULL,
    PRIMARY KEY (rig, subject, hash)
  ) STRICT;
  `,
  // What the caller of a spawn wants kept with the session.
  `
  ALTER TABLE sessions ADD COLUMN metadata TEXT;
  `,
  // Rigs that are a folder of a repository: `path` is the folder, `repository` the top of the checkout where that is another.
  `
  ALTER TABLE rigs ADD COLUMN repository TEXT;
  `,
  // Worktrees that stay after their session, and those that are gone, with what brings them back.
  `
  CREATE TABLE worktrees (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    rig TEXT NOT NULL,
    repository TEXT NOT NULL,
    path TEXT NOT NULL,
    branch TEXT,
    state TEXT NOT NULL,
    occasion TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    removed TEXT,
    reason TEXT,
    refused INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX worktrees_by_path ON worktrees(path);
  CREATE INDEX worktrees_by_change ON worktrees(changed_at);
  `,
  // What an escalation is about has a kind of its own; before it was a text such as `hung:<run>:<since>`.
  `
  ALTER TABLE escalations RENAME TO escalations_before;
  CREATE TABLE escalations (
    id TEXT PRIMARY KEY,
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    raised_by TEXT NOT NULL,
    session_id TEXT,
    work_id TEXT,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    run_id TEXT NOT NULL,
    since INTEGER NOT NULL,
    raised_at INTEGER NOT NULL,
    closed_at INTEGER,
    closed_by TEXT,
    note TEXT,
    mailed_at INTEGER,
    command_ended_at INTEGER,
    UNIQUE (kind, subject, run_id, since)
  ) STRICT;
  WITH split AS (
    SELECT rowid AS place, *, substr(cause, 1, instr(cause, ':') - 1) AS head, substr(cause, instr(cause, ':') + 1) AS rest
    FROM escalations_before
  ), parts AS (
    SELECT *,
      CASE
        WHEN head IN ('quarantined', 'hung', 'stalled', 'failed', 'escalated', 'wait') THEN head
        WHEN head = 'model' THEN 'model-' || substr(rest, instr(rest, ':') + 1)
        ELSE 'reported'
      END AS kind
    FROM split
  )
  INSERT INTO escalations
  SELECT id, severity, message, raised_by, session_id, work_id, kind,
    CASE
      WHEN kind IN ('stalled', 'failed', 'escalated') THEN rtrim(rtrim(rest, '0123456789'), ':')
      WHEN kind = 'wait' AND rest LIKE '%/dialog@%' THEN 'dialog'
      WHEN kind = 'wait' THEN substr(rest, instr(rest, '/') + 1)
      WHEN kind = 'reported' THEN cause
      ELSE coalesce(session_id, '')
    END,
    CASE
      WHEN kind = 'quarantined' THEN rest
      WHEN kind = 'hung' OR kind LIKE 'model-%' THEN substr(rest, 1, instr(rest, ':') - 1)
      WHEN kind = 'wait' THEN substr(rest, 1, instr(rest, '/') - 1)
      ELSE ''
    END,
    CASE
      WHEN kind IN ('stalled', 'failed', 'escalated', 'hung') OR (kind = 'wait' AND rest LIKE '%/dialog@%')
        THEN CAST(substr(rest, length(rtrim(rest, '0123456789')) + 1) AS INTEGER)
      ELSE 0
    END,
    raised_at, closed_at, closed_by, note, mailed_at, command_ended_at
  FROM parts ORDER BY place;
  DROP TABLE escalations_before;
  `,
  // Units that wait for others, and units that belong together; who has slung one, and hears of its end.
  `
  CREATE TABLE work_dependencies (
    work_id TEXT NOT NULL,
    after_id TEXT NOT NULL,
    PRIMARY KEY (work_id, after_id)
  ) STRICT;
  CREATE INDEX work_dependencies_by_after ON work_dependencies(after_id);
  CREATE TABLE batches (
    id TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    started_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    outcome TEXT,
    outcome_at INTEGER
  ) STRICT;
  ALTER TABLE work ADD COLUMN batch TEXT;
  ALTER TABLE work ADD COLUMN slung_by TEXT;
  CREATE INDEX work_by_batch ON work(batch);
  `,
  // Finished branches on their way into the branch that they are for, and what was said about their lines.
  `
  CREATE TABLE merges (
    work_id TEXT PRIMARY KEY,
    rig TEXT NOT NULL,
    branch TEXT NOT NULL,
    target TEXT NOT NULL,
    base TEXT NOT NULL,
    head TEXT NOT NULL,
    state TEXT NOT NULL,
    round INTEGER NOT NULL,
    reviewed_head TEXT,
    approved_head TEXT,
    approved_by TEXT,
    conflict_rounds INTEGER NOT NULL,
    detail TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    queued_at INTEGER
  ) STRICT;
  CREATE INDEX merges_by_state ON merges(state);
  CREATE TABLE merge_history (
    work_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    by TEXT NOT NULL,
    round INTEGER NOT NULL,
    head TEXT NOT NULL,
    note TEXT
  ) STRICT;
  CREATE INDEX merge_history_by_work ON merge_history(work_id);
  CREATE TABLE review_threads (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    work_id TEXT NOT NULL,
    path TEXT NOT NULL,
    side TEXT NOT NULL,
    line INTEGER NOT NULL,
    head TEXT NOT NULL,
    quote TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX review_threads_by_work ON review_threads(work_id);
  CREATE TABLE review_comments (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    thread INTEGER NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    body TEXT NOT NULL,
    message_id TEXT
  ) STRICT;
  CREATE INDEX review_comments_by_thread ON review_comments(thread);
  `,
  // A port of its own for each worktree, as long as somebody may come back to it.
  `
  CREATE TABLE worktree_ports (
    path TEXT PRIMARY KEY,
    port INTEGER NOT NULL UNIQUE
  ) STRICT;
  `,
  // What is looked for at every change costs the same after years.
  `
  DROP INDEX messages_by_recipient;
  CREATE INDEX messages_by_recipient ON messages(recipient, state, kind, run_id);
  CREATE INDEX messages_unread ON messages(recipient) WHERE kind = 'mail' AND read_at IS NULL AND closed_at IS NULL;
  CREATE INDEX messages_by_time ON messages(sent_at);
  CREATE INDEX messages_by_work ON messages(work_id) WHERE work_id IS NOT NULL;
  CREATE INDEX work_by_state ON work(state, changed_at);
  CREATE INDEX work_by_folded_id ON work(id COLLATE NOCASE);
  CREATE INDEX escalations_open ON escalations(raised_at) WHERE closed_at IS NULL;
  CREATE INDEX merges_by_change ON merges(changed_at);
  CREATE INDEX events_of_asks ON events(run_id, seq) WHERE type IN ('ask.asked', 'ask.answered');
  `,
  // Which units are archived, so that no id is given twice; what is looked for when something is.
  `
  CREATE TABLE archived_work (
    id TEXT PRIMARY KEY COLLATE NOCASE,
    file TEXT NOT NULL
  ) STRICT;
  CREATE INDEX escalations_closed ON escalations(closed_at) WHERE closed_at IS NOT NULL;
  CREATE INDEX runs_ended ON runs(ended_at) WHERE ended_at IS NOT NULL;
  CREATE INDEX sessions_by_branch ON sessions(branch) WHERE branch IS NOT NULL;
  CREATE INDEX worktrees_left ON worktrees(rig) WHERE state <> 'removed';
  `,
];
