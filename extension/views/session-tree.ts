/** Snapshot → rows of the Sessions view: what is escalated, then town → rig → role → session → what it asks and its child sessions. Pure. */
import { identityOfId } from '../../shared/domain/names.ts';
import { townRoles } from '../../shared/domain/orchestrator.ts';
import type { ChildSession, Role } from '../../shared/domain/orchestrator.ts';
import { waitsOf } from '../../shared/attention/waits.ts';
import type { RigView, SessionView, TownSnapshot, AttentionView } from '../../shared/channel/views.ts';
import { escalationGroup } from './escalation-tree.ts';
import { reviewText, rigIcon } from './rig-tree.ts';
import { classOf, lookOf, sessionIcons } from './session-icon.ts';
import type { SessionClass } from './session-icon.ts';
import {
  aggregateText,
  roleName,
  sessionDescription,
  sessionName,
  sessionSentence,
  shortAge,
  shortAggregateText,
  waitSentence,
} from './session-text.ts';
import type { TreeNode } from './tree-node.ts';
import type { ViewContext } from './view-context.ts';

/** Roles of a rig in the order in which they are shown; of the first two there is one each, shown without a group. */
const single: readonly Role[] = ['witness', 'refinery'];
const many: readonly Role[] = ['crew', 'polecat'];

/** Rows stay where they are while work goes on: only waiting, failing and ending move one. */
const rank: Partial<Record<SessionClass, number>> = { waiting: 0, failed: 1, ended: 3, stopped: 3 };
const usualRank = 2;

/** Made once: `localeCompare` with options was half of what the rows of 1,000 sessions cost. */
const byName = new Intl.Collator(undefined, { numeric: true });

/** No rows at all for a town without rigs and sessions, so that the welcome view shows. */
export function sessionTree(snapshot: TownSnapshot, context: ViewContext): TreeNode[] {
  if (snapshot.rigs.length === 0 && snapshot.sessions.length === 0) return [];
  const ofTown = inOrder(snapshot.sessions.filter((session) => townRoles.includes(session.role)));
  const { t } = context;
  const aggregate = aggregateText(snapshot.sessions, t);
  return [
    ...escalationGroup(snapshot, context),
    {
      id: 'town',
      label: snapshot.name,
      description: shortAggregateText(snapshot.sessions, t),
      icon: { icon: 'organization' },
      aria: t('town {0}, {1}', snapshot.name, aggregate),
      contextValue: 'town',
      expanded: true,
      target: { kind: 'town' },
      children: [
        ...ofTown.map((session) => sessionNode(session, context)),
        ...rigsOf(snapshot).map((rig) => rigNode(rig, snapshot, context)),
      ],
    },
  ];
}

type RigFacts = Pick<RigView, 'name' | 'problem' | 'toReview'>;

/** The town's rigs, and those that it no longer has but whose sessions are still there. */
function rigsOf(snapshot: TownSnapshot): RigFacts[] {
  const known = new Set(snapshot.rigs.map((rig) => rig.name));
  const gone = new Set(snapshot.sessions.map((session) => session.rig).filter((rig) => rig !== '' && !known.has(rig)));
  return [...snapshot.rigs, ...[...gone].map((name) => ({ name }))];
}

function rigNode(rig: RigFacts, snapshot: TownSnapshot, context: ViewContext): TreeNode {
  const { t } = context;
  const sessions = snapshot.sessions.filter((session) => session.rig === rig.name && !townRoles.includes(session.role));
  const review = reviewText(rig, t);
  return {
    id: `rig:${rig.name}`,
    label: rig.name,
    description: rig.problem ?? [...review, shortAggregateText(sessions, t)].join(' · '),
    icon: rigIcon(rig),
    aria: t('rig {0}, {1}', rig.name, rig.problem ?? [...review, aggregateText(sessions, t)].join(', ')),
    contextValue: 'rig',
    expanded: true,
    target: { kind: 'rig', rig: rig.name },
    children: [
      ...inOrder(sessions.filter((session) => single.includes(session.role))).map((each) => sessionNode(each, context)),
      ...single.flatMap((role) => startingNodes(rig.name, role, snapshot, context)),
      ...many.flatMap((role) => roleNode(rig.name, role, sessions, snapshot, context)),
    ],
  };
}

function roleNode(
  rig: string,
  role: Role,
  ofRig: readonly SessionView[],
  snapshot: TownSnapshot,
  context: ViewContext,
): TreeNode[] {
  const sessions = ofRig.filter((session) => session.role === role);
  const starting = startingNodes(rig, role, snapshot, context);
  if (sessions.length + starting.length === 0) return [];
  const { t } = context;
  const label = roleName(role, t);
  const aggregate = aggregateText(sessions, t);
  return [
    {
      id: `role:${rig}/${role}`,
      label,
      description: shortAggregateText(sessions, t),
      icon: { icon: role === 'crew' ? 'person' : 'rocket' },
      aria: t('{0} of rig {1}, {2}', label, rig, aggregate),
      contextValue: `role.${role}`,
      expanded: true,
      target: { kind: 'role', rig, role },
      children: [...inOrder(sessions).map((session) => sessionNode(session, context)), ...starting],
    },
  ];
}

/** Rows of sessions that the town does not have yet, because their worktrees are still being made ready. */
function startingNodes(
  rig: string,
  role: Role,
  { starting, sessions }: TownSnapshot,
  context: ViewContext,
): TreeNode[] {
  const { t, clock } = context;
  return starting.flatMap(({ session, text, since }) => {
    const who = identityOfId(session);
    if (who?.rig !== rig || who.role !== role || sessions.some(({ id }) => id === session)) return [];
    const label = who.name === '' ? roleName(role, t) : who.name;
    const stage = t('{0} since {1}', text, clock(since));
    return [
      {
        id: `starting:${session}`,
        label,
        description: [t('starting'), stage].join(' · '),
        icon: sessionIcons.starting,
        aria: t('session {0} is starting, {1}', label, stage),
        contextValue: 'starting',
        expanded: false,
        target: { kind: 'group' } as const,
        children: [],
      },
    ];
  });
}

function sessionNode(session: SessionView, context: ViewContext): TreeNode {
  const waits = waitsOf(session);
  return {
    id: `session:${session.id}`,
    label: sessionName(session, context.t),
    description: sessionDescription(session, context),
    icon: sessionIcons[lookOf(session)],
    aria: sessionSentence(session, context),
    contextValue: sessionContextValue(session),
    expanded: waits.length > 0 || session.problem !== undefined,
    target: { kind: 'session', session: session.id },
    children: [
      ...(session.problem === undefined ? [] : [problemNode(session, session.problem, context)]),
      ...waits.map((wait) => waitNode(session, wait, context)),
      ...session.children.map((child) => childNode(session, child, context)),
    ],
  };
}

/**
 * `session.<backend>.working`, `session.<backend>.failed.quarantined`; while it waits also for what and where it can be answered:
 * `session.<backend>.waiting.plan.here`.
 */
export function sessionContextValue(session: SessionView): string {
  const base = `session.${session.backend}.${classOf(session)}`;
  if (session.quarantined !== undefined) return `${base}.quarantined`;
  if (classOf(session) !== 'waiting') return base;
  const ask = session.asks[0];
  return ask ? `${base}.${ask.kind}.${answerPlace(ask)}` : `${base}.dialog.terminal`;
}

function answerPlace({ resolvable }: { resolvable: boolean }): 'here' | 'terminal' {
  return resolvable ? 'here' : 'terminal';
}

/** One row for each thing that the session waits for; a click shows all there is to know, or the terminal that tells it. */
function waitNode(session: SessionView, wait: AttentionView, context: ViewContext): TreeNode {
  const { ask, kind, title, since } = wait;
  return {
    id: `ask:${session.id}/${ask ?? 'dialog'}`,
    label: title,
    description: shortAge(since, context),
    icon: sessionIcons[kind],
    aria: waitSentence(session, wait, context),
    contextValue: `ask.${kind}.${answerPlace(wait)}`,
    expanded: false,
    target: { kind: 'ask', session: session.id, run: session.runId, ...(ask === undefined ? {} : { ask }) },
    opens: ask === undefined ? 'attach' : 'showAsk',
    children: [],
  };
}

function problemNode(session: SessionView, problem: string, { t }: ViewContext): TreeNode {
  return {
    id: `problem:${session.id}`,
    label: problem,
    description: '',
    icon: { icon: 'warning', color: 'list.warningForeground' },
    aria: t('problem of {0}: {1}', sessionName(session, t), problem),
    contextValue: 'problem',
    expanded: false,
    target: { kind: 'session', session: session.id },
    children: [],
  };
}

function childNode(session: SessionView, child: ChildSession, { t }: ViewContext): TreeNode {
  const activity = child.activity === 'busy' ? t('working') : child.activity === 'idle' ? t('idle') : '';
  const icon = child.activity === 'busy' ? 'working' : child.activity === 'idle' ? 'idle' : 'unknown';
  return {
    id: `child:${session.id}/${child.id}`,
    label: child.title,
    description: activity,
    icon: sessionIcons[icon],
    aria: t('child session {0} of {1}, {2}', child.title, sessionName(session, t), activity || t('activity unknown')),
    contextValue: 'child',
    expanded: false,
    target: { kind: 'child', session: session.id, child: child.id },
    children: [],
  };
}

function inOrder(sessions: readonly SessionView[]): SessionView[] {
  const keyed = sessions.map((session) => ({
    session,
    rank: rank[classOf(session)] ?? usualRank,
    name: roleAndName(session),
  }));
  keyed.sort((a, b) => a.rank - b.rank || byName.compare(a.name, b.name));
  return keyed.map(({ session }) => session);
}

/** The mayor before the deacon, otherwise by name. */
function roleAndName(session: SessionView): string {
  return `${session.role === 'mayor' ? 0 : 1}${session.agentName || session.role}`;
}
