/** Snapshot → what is escalated, at the top of the Sessions view. Pure. */
import type { EscalationView, TownSnapshot } from '../../shared/channel/views.ts';
import type { Severity } from '../../shared/domain/severity.ts';
import type { Translate } from '../translate.ts';
import type { StateIcon } from './session-icon.ts';
import { fullSessionName, longAge, shortAge } from './session-text.ts';
import type { TreeNode } from './tree-node.ts';
import type { ViewContext } from './view-context.ts';

/** Shape and colour both tell how much the user is needed. */
export const severityIcons: Record<Severity, StateIcon> = {
  low: { icon: 'info', color: 'charts.blue' },
  medium: { icon: 'megaphone', color: 'list.warningForeground' },
  high: { icon: 'warning', color: 'list.errorForeground' },
  critical: { icon: 'flame', color: 'list.errorForeground' },
};

const rank: Record<Severity, number> = { critical: 0, high: 1, medium: 2, low: 3 };

/** The group, or nothing where nothing is escalated. */
export function escalationGroup(snapshot: TownSnapshot, context: ViewContext): TreeNode[] {
  const { escalations } = snapshot;
  const first = inOrder(escalations)[0];
  if (!first) return [];
  const { t } = context;
  const count = escalations.length === 1 ? t('1 escalation') : t('{0} escalations', escalations.length);
  return [
    {
      id: 'escalations',
      label: t('Escalations'),
      description: String(escalations.length),
      icon: severityIcons[first.severity],
      aria: t('{0}, the highest is {1}', count, severityText(first.severity, t)),
      contextValue: 'escalations',
      expanded: true,
      target: { kind: 'group' },
      children: inOrder(escalations).map((escalation) => escalationNode(escalation, snapshot, context)),
    },
  ];
}

function escalationNode(escalation: EscalationView, snapshot: TownSnapshot, context: ViewContext): TreeNode {
  const { t } = context;
  const { id, severity, message, raisedAt, session } = escalation;
  const line = message.replace(/\s+/g, ' ');
  const parts = [severityText(severity, t), shortAge(raisedAt, context), ...aboutOf(escalation, snapshot, t)];
  const age = longAge(raisedAt, context);
  return {
    id: `escalation:${id}`,
    label: line,
    description: parts.join(' · '),
    icon: severityIcons[severity],
    aria: t('escalation, {0}: {1}, {2} ago', severityText(severity, t), line, age),
    contextValue: isThere(session, snapshot) ? 'escalation.session' : 'escalation',
    expanded: false,
    target: { kind: 'escalation', escalation: id, ...(session === undefined ? {} : { session }) },
    children: [],
  };
}

/** The unit and the session that it is about. */
function aboutOf({ work, session, by }: EscalationView, snapshot: TownSnapshot, t: Translate): string[] {
  const found = snapshot.sessions.find((each) => each.id === (session ?? by));
  return [...(work === undefined ? [] : [work]), ...(found ? [fullSessionName(found, t)] : [])];
}

function isThere(session: string | undefined, snapshot: TownSnapshot): boolean {
  return snapshot.sessions.some((each) => each.id === session && each.state === 'running');
}

export function severityText(severity: Severity, t: Translate): string {
  switch (severity) {
    case 'low':
      return t('low');
    case 'medium':
      return t('medium');
    case 'high':
      return t('high');
    case 'critical':
      return t('critical');
  }
}

/** The most severe first, then the newest. */
export function inOrder(escalations: readonly EscalationView[]): EscalationView[] {
  return [...escalations].sort((a, b) => rank[a.severity] - rank[b.severity] || b.raisedAt - a.raisedAt);
}
