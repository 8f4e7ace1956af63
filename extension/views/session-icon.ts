/**
 * The one table from a session's status to how it looks. Shape and colour both tell the state, so that colour is never
 * alone. Icon names are codicons, colours are theme colour ids.
 */
import type { SessionView } from '../../shared/channel/views.ts';

export interface StateIcon {
  icon: string;
  color?: string;
}

const attentionColor = 'list.warningForeground';

export const sessionIcons = {
  starting: { icon: 'loading~spin' },
  working: { icon: 'sync~spin', color: 'charts.blue' },
  permission: { icon: 'shield', color: attentionColor },
  plan: { icon: 'checklist', color: attentionColor },
  question: { icon: 'question', color: attentionColor },
  dialog: { icon: 'bell-dot', color: attentionColor },
  unread: { icon: 'circle-filled', color: 'charts.green' },
  idle: { icon: 'circle-outline', color: 'disabledForeground' },
  limited: { icon: 'watch', color: 'list.warningForeground' },
  paused: { icon: 'debug-pause', color: 'disabledForeground' },
  failed: { icon: 'error', color: 'list.errorForeground' },
  quarantined: { icon: 'lock', color: 'list.errorForeground' },
  ended: { icon: 'eye-closed', color: 'disabledForeground' },
  stopped: { icon: 'circle-slash', color: 'disabledForeground' },
  unknown: { icon: 'dash', color: 'disabledForeground' },
} as const satisfies Record<string, StateIcon>;

export type SessionLook = keyof typeof sessionIcons;

/** What menus, sorting and aggregates tell apart. */
export const sessionClasses = [
  'waiting',
  'failed',
  'working',
  'starting',
  'limited',
  'idle',
  'unknown',
  'paused',
  'ended',
  'stopped',
] as const;
export type SessionClass = (typeof sessionClasses)[number];

export function lookOf(session: SessionView): SessionLook {
  // A dialog may keep a session from starting (about trust in the folder): that it waits says more than that it starts.
  if (session.state === 'starting' && session.activity.kind === 'attention') return session.activity.ask;
  if (session.quarantined !== undefined) return 'quarantined';
  if (session.endedUnseen) return 'ended';
  if (session.state !== 'running') return session.state;
  switch (session.activity.kind) {
    case 'unknown':
      return 'unknown';
    case 'busy':
      return 'working';
    case 'idle':
      return session.unseen ? 'unread' : 'idle';
    case 'attention':
      return session.activity.ask;
    case 'rate-limited':
      return 'limited';
  }
}

const classes: Record<SessionLook, SessionClass> = {
  starting: 'starting',
  working: 'working',
  permission: 'waiting',
  plan: 'waiting',
  question: 'waiting',
  dialog: 'waiting',
  unread: 'idle',
  idle: 'idle',
  limited: 'limited',
  paused: 'paused',
  failed: 'failed',
  quarantined: 'failed',
  ended: 'ended',
  stopped: 'stopped',
  unknown: 'unknown',
};

export function classOf(session: SessionView): SessionClass {
  return classes[lookOf(session)];
}

/** A session that is there: everything but stopped and failed. */
export function isAlive(session: SessionView): boolean {
  return session.state !== 'stopped' && session.state !== 'failed';
}

/** The command that starts it again, the one that its row offers; undefined: it has not ended. */
export function startsAgainBy(session: SessionView): 'reset' | 'resume' | undefined {
  const kind = classOf(session);
  if (kind === 'failed') return 'reset';
  return kind === 'ended' || kind === 'stopped' ? 'resume' : undefined;
}
