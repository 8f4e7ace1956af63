/** Snapshot → rows of the Work view, grouped by what a person has to do about them. Pure. */
import type { WorkState } from '../../shared/work/state.ts';
import type { TownSnapshot, WorkView } from '../../shared/town/snapshot.ts';
import type { Translate } from '../translate.ts';
import type { StateIcon } from './session-icon.ts';
import { longAge } from './session-text.ts';
import type { TreeNode } from './tree-node.ts';
import type { ViewContext } from './view-context.ts';

const groups = [
  { id: 'attention', states: ['escalated', 'failed', 'stalled'] },
  { id: 'progress', states: ['running', 'assigned'] },
  { id: 'waiting', states: ['queued', 'open'] },
  { id: 'ended', states: ['done', 'cancelled'] },
] as const satisfies readonly { id: string; states: readonly WorkState[] }[];

type GroupId = (typeof groups)[number]['id'];

export const workIcons: Record<WorkState, StateIcon> = {
  open: { icon: 'circle-outline', color: 'disabledForeground' },
  queued: { icon: 'clock', color: 'disabledForeground' },
  assigned: { icon: 'person', color: 'charts.blue' },
  running: { icon: 'play-circle', color: 'charts.blue' },
  stalled: { icon: 'debug-pause', color: 'list.warningForeground' },
  done: { icon: 'pass-filled', color: 'charts.green' },
  failed: { icon: 'error', color: 'list.errorForeground' },
  escalated: { icon: 'megaphone', color: 'list.warningForeground' },
  cancelled: { icon: 'circle-slash', color: 'disabledForeground' },
};

export function workTree(snapshot: TownSnapshot, context: ViewContext): TreeNode[] {
  const { t } = context;
  return groups.flatMap(({ id, states }) => {
    const units = snapshot.work.filter((work) => states.some((state) => state === work.state));
    if (units.length === 0) return [];
    const label = groupName(id, t);
    return [
      {
        id: `group:${id}`,
        label,
        description: String(units.length),
        icon: { icon: id === 'attention' ? 'warning' : id === 'ended' ? 'archive' : 'layers' },
        aria: t('{0}, {1} work units', label, units.length),
        contextValue: 'group',
        expanded: id !== 'ended',
        target: { kind: 'group' } as const,
        children: [...units].sort(inOrder).map((work) => workNode(work, context)),
      },
    ];
  });
}

function workNode(work: WorkView, context: ViewContext): TreeNode {
  const { t } = context;
  const attention = groups[0].states.some((state) => state === work.state);
  const description = [
    workStateText(work.state, t),
    // What the person has to know first; the tooltip has it in full.
    ...(attention && work.note !== undefined ? [work.note.replace(/\s+/g, ' ')] : []),
    ...(work.notBefore === undefined ? [] : [t('not before {0}', context.clock(work.notBefore))]),
    ...(work.owner === undefined ? [] : [work.owner]),
    ...(work.rig === '' ? [] : [work.rig]),
    ...(work.commits === undefined ? [] : [work.commits === 1 ? t('1 commit') : t('{0} commits', work.commits)]),
    ...elsewhere(work, t),
    ...(work.worktree === undefined ? [] : [t('its worktree stays: {0}', work.worktree)]),
  ].join(' · ');
  return {
    id: `work:${work.id}`,
    label: work.title === '' || work.title === work.id ? work.id : t('{0}: {1}', work.id, work.title),
    description,
    icon: workIcons[work.state],
    aria: t('work unit {0}, {1}, {2}, for {3}', work.id, work.title, description, longAge(work.changedAt, context)),
    contextValue: `work.${work.state}`,
    expanded: false,
    target: { kind: 'work', work: work.id },
    children: [],
  };
}

/** Where its commits are, when not (only) on the branch that it was given. */
function elsewhere({ branch, result }: WorkView, t: Translate): string[] {
  if (result === undefined) return [];
  const others = (result.others ?? []).map((each) => t('also on {0}', each.branch));
  if (result.branch === branch) return others;
  return [
    result.branch === undefined ? t('on no branch, at {0}', result.head.slice(0, 7)) : t('on {0}', result.branch),
    ...others,
  ];
}

function groupName(id: GroupId, t: Translate): string {
  switch (id) {
    case 'attention':
      return t('Needs Attention');
    case 'progress':
      return t('In Progress');
    case 'waiting':
      return t('Not Started');
    case 'ended':
      return t('Done');
  }
}

export function workStateText(state: WorkState, t: Translate): string {
  switch (state) {
    case 'open':
      return t('open');
    case 'queued':
      return t('queued');
    case 'assigned':
      return t('assigned');
    case 'running':
      return t('running');
    case 'stalled':
      return t('stalled');
    case 'done':
      return t('done');
    case 'failed':
      return t('failed');
    case 'escalated':
      return t('escalated');
    case 'cancelled':
      return t('cancelled');
  }
}

/** The most urgent first, then the oldest. */
function inOrder(a: WorkView, b: WorkView): number {
  return a.priority - b.priority || a.createdAt - b.createdAt || a.id.localeCompare(b.id, undefined, { numeric: true });
}
