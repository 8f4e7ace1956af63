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
];
