/** Snapshot → rows of the Work view, grouped by what a user has to do about them. Pure. */
import type { WorkState } from '../../shared/domain/work-state.ts';
import type { MergeState } from '../../shared/domain/merge.ts';
import type { BatchView, MergeView, TownSnapshot, WorkView } from '../../shared/channel/views.ts';
import type { Translate } from '../translate.ts';
import { commitsText, isStuck, mergeIcon, mergeParts } from './merge-text.ts';
import type { StateIcon } from './session-icon.ts';
import { longAge } from './session-text.ts';
import type { TreeNode } from './tree-node.ts';
import type { ViewContext } from './view-context.ts';

const groups = ['attention', 'review', 'progress', 'queue', 'waiting', 'ended'] as const;
type GroupId = (typeof groups)[number];

const groupOfState: Record<WorkState, GroupId> = {
  escalated: 'attention',
  failed: 'attention',
  stalled: 'attention',
  running: 'progress',
  assigned: 'progress',
  queued: 'waiting',
  open: 'waiting',
  done: 'ended',
  cancelled: 'ended',
};

const groupOfMerge: Record<MergeState, GroupId> = {
  review: 'review',
  conflict: 'attention',
  'gate-failed': 'attention',
  ready: 'queue',
  proposed: 'queue',
  queued: 'queue',
  merging: 'queue',
  merged: 'ended',
  'sent-back': 'ended',
  discarded: 'ended',
};

const groupOfFinished = (merge: MergeView): GroupId => (isStuck(merge) ? 'attention' : groupOfMerge[merge.state]);

const groupIcons: Partial<Record<GroupId, string>> = {
  attention: 'warning',
  review: 'git-pull-request',
  queue: 'list-ordered',
  ended: 'archive',
};

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
  const placed = withBatches(snapshot, context);
  return groups.flatMap((id, index) => {
    const { units, rows } = placed[index] ?? { units: 0, rows: [] };
    if (units === 0) return [];
    const label = groupName(id, t);
    return [
      {
        id: `group:${id}`,
        label,
        description: String(units),
        icon: { icon: groupIcons[id] ?? 'layers' },
        aria: t('{0}, {1} work units', label, units),
        contextValue: 'group',
        expanded: id !== 'ended',
        target: { kind: 'group' } as const,
        children: rows,
      },
    ];
  });
}

/** The rows of each group. A batch stands, with all its units, in the group of that one which needs its user most. */
function withBatches(
  { work, batches, merges: all }: TownSnapshot,
  context: ViewContext,
): { units: number; rows: TreeNode[] }[] {
  const merges = new Map(all.map((merge) => [merge.work, merge]));
  const groupOf = ({ id, state }: WorkView): number => {
    const merge = state === 'done' ? merges.get(id) : undefined;
    return groups.indexOf(merge === undefined ? groupOfState[state] : groupOfFinished(merge));
  };
  const inTurn = (a: WorkView, b: WorkView): number => inQueue(merges.get(a.id), merges.get(b.id)) || inOrder(a, b);
  const known = new Map(batches.map(({ id }) => [id, work.filter(({ batch }) => batch === id).sort(inTurn)]));
  const placeOf = (units: readonly WorkView[]): number => Math.min(...units.map(groupOf));
  return groups.map((_group, index) => {
    const here = batches.filter(({ id }) => placeOf(known.get(id) ?? []) === index);
    const single = work.filter((unit) => !known.has(unit.batch ?? '') && groupOf(unit) === index).sort(inTurn);
    const grouped = here.map((batch) => ({ batch, units: known.get(batch.id) ?? [] }));
    return {
      units: single.length + grouped.reduce((sum, { units }) => sum + units.length, 0),
      rows: [
        ...grouped.map(({ batch, units }) => batchNode(batch, units, merges, context)),
        ...single.map((unit) => workNode(unit, merges.get(unit.id), context)),
      ],
    };
  });
}

function batchNode(
  batch: BatchView,
  units: readonly WorkView[],
  merges: ReadonlyMap<string, MergeView>,
  context: ViewContext,
): TreeNode {
  const { t } = context;
  const { id, title, done, total, state } = batch;
  const description = [
    `${done}/${total}`,
    ...(state === 'open' ? [] : [state === 'stuck' ? t('stuck') : t('finished')]),
  ];
  return {
    id: `batch:${id}`,
    label: id,
    description: [...description, title].join(' · '),
    icon: batchIcons[state],
    aria: t('batch {0}, {1} of {2} done, {3}', title, done, total, state),
    contextValue: 'batch',
    expanded: state !== 'finished',
    target: { kind: 'group' },
    children: units.map((unit) => workNode(unit, merges.get(unit.id), context)),
  };
}

const batchIcons: Record<BatchView['state'], StateIcon> = {
  open: { icon: 'package' },
  finished: { icon: 'package', color: 'charts.green' },
  stuck: { icon: 'package', color: 'list.warningForeground' },
};

function workNode(work: WorkView, merge: MergeView | undefined, context: ViewContext): TreeNode {
  const { t } = context;
  const attention = groupOfState[work.state] === 'attention';
  const finished = work.state === 'done' ? merge : undefined;
  const [state = '', ...ofMerge] = finished ? mergeParts(finished, t) : [workStateText(work.state, t)];
  // A narrow side bar shows no more than the id and this.
  const first = [
    state,
    ...(merge?.state === 'sent-back' && !finished ? [t('sent back in round {0}', merge.round)] : []),
    ...(work.stage === undefined ? [] : [t('{0} since {1}', work.stage.text, context.clock(work.stage.since))]),
    // What the user has to know first; the tooltip has it in full.
    ...(attention && work.note !== undefined ? [work.note.replace(/\s+/g, ' ')] : []),
    ...(work.state === 'queued' && work.waitsFor !== undefined ? [t('waits for {0}', work.waitsFor.join(', '))] : []),
    ...(work.notBefore === undefined ? [] : [t('not before {0}', context.clock(work.notBefore))]),
  ];
  const rest = [
    ...ofMerge,
    ...(work.owner === undefined ? [] : [work.owner]),
    ...(work.rig === '' ? [] : [work.rig]),
    ...(work.commits === undefined || finished?.size
      ? []
      : [work.state === 'done' && work.commits === 0 ? t('no change') : commitsText(work.commits, t)]),
    ...elsewhere(work, t),
    ...(work.worktree === undefined ? [] : [t('its worktree stays: {0}', work.worktree)]),
  ];
  const title = work.title === work.id ? '' : work.title;
  return {
    id: `work:${work.id}`,
    label: work.id,
    description: [...first, ...(title === '' ? [] : [title]), ...rest].join(' · '),
    icon: finished ? mergeIcon(finished) : workIcons[work.state],
    aria: t(
      'work unit {0}, {1}, {2}, for {3}',
      work.id,
      work.title,
      [...first, ...rest].join(' · '),
      longAge(work.changedAt, context),
    ),
    contextValue: workContextValue(work, finished),
    expanded: false,
    target: { kind: 'work', work: work.id },
    opens: finished && groupOfFinished(finished) === 'review' ? 'reviewWork' : 'showWork',
    children: [],
  };
}

/** `work.running`; of what is finished also where its branch is: `work.done.review`, `work.done.approved`, `work.done.queued`. */
export function workContextValue({ state }: WorkView, finished: MergeView | undefined): string {
  if (finished === undefined) return `work.${state}`;
  return `work.${state}.${finished.state === 'review' && finished.approvedBy !== undefined ? 'approved' : finished.state}`;
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
    case 'review':
      return t('In Review');
    case 'progress':
      return t('In Progress');
    case 'queue':
      return t('Merge Queue');
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

/** In a queue, by their places in it. */
const inQueue = (a: MergeView | undefined, b: MergeView | undefined): number => (a?.position ?? 0) - (b?.position ?? 0);

/** The most urgent first, then the oldest. */
function inOrder(a: WorkView, b: WorkView): number {
  return a.priority - b.priority || a.createdAt - b.createdAt || a.id.localeCompare(b.id, undefined, { numeric: true });
}
