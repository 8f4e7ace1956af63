import type { Ask } from '../../../shared/domain/activity.ts';
import type {
  EscalationView,
  MergeView,
  MessageView,
  RigView,
  SessionView,
  TownSnapshot,
  WorkView,
} from '../../../shared/channel/views.ts';
import type { ViewContext } from '../../../extension/views/view-context.ts';

const start = Date.UTC(2026, 10, 22, 12, 0, 0);
export const minute = 60_000;

/** Ten minutes after everything began. */
export const context: ViewContext = {
  now: start + 10 * minute,
  t: (message, ...args) => message.replace(/\{(\d+)\}/g, (_, index: string) => String(args[Number(index)])),
  clock: (at) => new Date(at).toISOString().slice(11, 16),
};

export function session(changes: Partial<SessionView> = {}): SessionView {
  return {
    id: 'myproject-worker-1',
    backend: 'opencode',
    role: 'polecat',
    agentName: 'worker-1',
    rig: 'myproject',
    state: 'running',
    startedAt: start,
    location: 'local',
    workUnits: [],
    runId: 'run-1',
    agent: 'opencode',
    activity: { kind: 'idle' },
    since: start + 7 * minute,
    cause: 'session.idle',
    asks: [],
    children: [],
    workDir: '/town/.runtime/worktrees/worker-1',
    queued: 0,
    unreadMail: 0,
    unseen: false,
    ...changes,
  };
}

export function ask(changes: Partial<Ask> = {}): Ask {
  return {
    id: 'ask-1',
    kind: 'permission',
    title: 'Bash: npm test',
    detail: 'npm test',
    options: [],
    calls: [{ tool: 'Bash', argument: 'npm test', kind: 'shell' }],
    resolvable: true,
    since: start + 8 * minute,
    ...changes,
  };
}

/** A session that waits for these. */
export function asking(asks: Ask[], changes: Partial<SessionView> = {}): SessionView {
  const kind = asks[0]?.kind ?? 'dialog';
  return session({ asks, activity: { kind: 'attention', ask: kind }, since: asks[0]?.since ?? start, ...changes });
}

export function work(changes: Partial<WorkView> = {}): WorkView {
  return {
    id: 'issue-1',
    type: 'issue',
    title: 'Add a dark theme',
    description: 'Add a dark theme to the settings page.',
    priority: 2,
    state: 'open',
    rig: 'myproject',
    createdAt: start,
    changedAt: start,
    ...changes,
  };
}

export function merge(changes: Partial<MergeView> = {}): MergeView {
  return {
    work: 'issue-1',
    rig: 'myproject',
    branch: 'polecat/toast/issue-1',
    target: 'main',
    base: 'a'.repeat(40),
    head: 'b'.repeat(40),
    state: 'review',
    round: 1,
    reviewed: false,
    size: { files: 3, additions: 12, deletions: 4, commits: 2 },
    openThreads: 0,
    comments: 0,
    createdAt: start + 5 * minute,
    changedAt: start + 5 * minute,
    ...changes,
  };
}

export function escalation(changes: Partial<EscalationView> = {}): EscalationView {
  return {
    id: 'esc_1',
    kind: 'reported',
    severity: 'medium',
    message: 'The key is missing',
    by: 'host',
    raisedAt: start + 7 * minute,
    ...changes,
  };
}

export function message(changes: Partial<MessageView> = {}): MessageView {
  return {
    id: 'msg_a',
    from: 'hq-mayor',
    to: 'myproject-worker-1',
    kind: 'nudge',
    priority: 'normal',
    subject: '',
    body: 'How is\nit going?',
    state: 'accepted',
    attempts: 0,
    repeated: false,
    sentAt: start + 7 * minute,
    ...changes,
  };
}

export const rig: RigView = { name: 'myproject', path: '/town/myproject', defaultBranch: 'main' };

export function town(changes: Partial<TownSnapshot> = {}): TownSnapshot {
  return {
    revision: 1,
    root: '/town',
    name: 'town',
    rigs: [rig],
    sessions: [],
    work: [],
    merges: [],
    batches: [],
    escalations: [],
    problems: [],
    backends: [],
    worktrees: [],
    starting: [],
    messagesRevision: 0,
    ...changes,
  };
}
