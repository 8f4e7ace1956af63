/** Words and looks of a finished branch on its way into its target. Pure. */
import type { GateResult, MergeConflict, MergeState } from '../../shared/domain/merge.ts';
import type { MergeView } from '../../shared/channel/views.ts';
import { needsWork } from '../../shared/domain/pull-request.ts';
import type { Translate } from '../translate.ts';
import { pullParts, pullProblemText } from './pull-text.ts';
import type { StateIcon } from './session-icon.ts';

const waitingColor = 'list.warningForeground';

const icons: Record<MergeState, StateIcon> = {
  review: { icon: 'git-pull-request', color: 'charts.green' },
  queued: { icon: 'list-ordered', color: 'charts.blue' },
  merging: { icon: 'sync~spin', color: 'charts.blue' },
  ready: { icon: 'debug-pause', color: waitingColor },
  proposed: { icon: 'github', color: 'charts.blue' },
  merged: { icon: 'git-merge', color: 'charts.purple' },
  conflict: { icon: 'warning', color: waitingColor },
  'gate-failed': { icon: 'error', color: 'list.errorForeground' },
  'sent-back': { icon: 'reply', color: 'charts.blue' },
  discarded: { icon: 'trash', color: 'disabledForeground' },
};

export function mergeIcon(merge: MergeView): StateIcon {
  if (merge.state === 'review' && merge.approvedBy !== undefined) return { icon: 'check-all', color: 'charts.green' };
  if (isStuck(merge)) return { icon: 'github', color: waitingColor };
  return icons[merge.state];
}

/** Nobody merges its pull request as it is. */
export const isStuck = ({ state, pull }: Pick<MergeView, 'state' | 'pull'>): boolean =>
  state === 'proposed' && pull !== undefined && needsWork(pull);

/** Whether it goes on only when the user does something. */
export function waitsForUser(merge: Pick<MergeView, 'state' | 'approvedBy' | 'pull'>): boolean {
  const { state, approvedBy } = merge;
  if (state === 'review') return approvedBy === undefined;
  return isStuck(merge) || state === 'conflict' || state === 'gate-failed' || state === 'ready';
}

/** Whether the user can approve it or send it back. */
export const isDecidable = ({ state }: Pick<MergeView, 'state'>): boolean =>
  ['review', 'conflict', 'gate-failed', 'ready', 'proposed', 'queued'].includes(state);

export function mergeStateText(merge: MergeView, t: Translate): string {
  switch (merge.state) {
    case 'review':
      return reviewStateText(merge, t);
    case 'queued':
      return redText(merge, t) ?? placeText(merge.position, t);
    case 'merging':
      return t('merging');
    case 'ready':
      return readyText(merge, t);
    case 'proposed':
      return pullParts(merge.pull, t).join(' · ');
    case 'merged':
      return t('merged in {0}', merge.target);
    case 'conflict':
      return conflictsText(merge.conflicts, merge.target, t) || t('conflicts with {0}', merge.target);
    case 'gate-failed':
      return gateText(merge.gates, t);
    case 'sent-back':
      return t('sent back');
    case 'discarded':
      return t('discarded');
  }
}

function readyText({ pull }: MergeView, t: Translate): string {
  return pull?.problem === undefined
    ? t('ready to land')
    : t('no pull request yet: {0}', pullProblemText(pull.problem.kind, t));
}

function reviewStateText({ approvedBy, round, reviewed }: MergeView, t: Translate): string {
  if (approvedBy !== undefined) return t('approved');
  const state = round === 1 ? t('in review') : t('in review, round {0}', round);
  return reviewed ? t('{0}, looked at', state) : state;
}

/** `gate test_command fails on main itself`; undefined where its target is not known to. */
function redText({ targetRed, target }: MergeView, t: Translate): string | undefined {
  const [first] = targetRed?.gates ?? [];
  return first && t('gate {0} fails on {1} itself', first.name, target);
}

function placeText(position: number | undefined, t: Translate): string {
  switch (position) {
    case undefined:
      return t('in queue');
    case 1:
      return t('next in queue');
    case 2:
      return t('2nd in queue');
    case 3:
      return t('3rd in queue');
    default:
      return t('{0}th in queue', position);
  }
}

function gateText(gates: readonly GateResult[] = [], t: Translate): string {
  const failed = gates.find(({ state }) => state !== 'passed');
  if (!failed) return t('a gate failed');
  return failed.state === 'timed-out' ? t('gate {0} took too long', failed.name) : t('gate {0} failed', failed.name);
}

export function gateStateText(state: GateResult['state'], t: Translate): string {
  switch (state) {
    case 'passed':
      return t('passed');
    case 'failed':
      return t('failed');
    case 'timed-out':
      return t('took too long');
  }
}

/** `conflicts with issue-2: 2 files`, of the worst one, and how many others there are; empty where there are none. */
export function conflictsText(conflicts: readonly MergeConflict[] | undefined, target: string, t: Translate): string {
  const [worst, ...others] = [...(conflicts ?? [])].sort((a, b) => b.files.length - a.files.length);
  if (!worst) return '';
  const text = conflictText(worst, target, t);
  return others.length === 0 ? text : t('{0}, and {1} more', text, others.length);
}

function conflictText({ work, files }: MergeConflict, target: string, t: Translate): string {
  const other = work ?? target;
  if (files.length === 0) return t('conflicts with {0}', other);
  return files.length === 1
    ? t('conflicts with {0}: 1 file', other)
    : t('conflicts with {0}: {1} files', other, files.length);
}

/** Of files, and of what conflicts in the same ones, so many are named. */
const named = 5;

/** `issue-2, issue-3: src/a.ts, src/b.ts`, a line for all that conflict in the same files; of many, the first ones. */
export function conflictLines(conflicts: readonly MergeConflict[], target: string, t: Translate): string[] {
  const others = new Map<string, { works: string[]; files: readonly string[] }>();
  for (const { work = target, files } of conflicts) {
    const key = files.join('\0');
    const same = others.get(key) ?? { works: [], files };
    same.works.push(work);
    others.set(key, same);
  }
  const list = (names: readonly string[]): string => firstOf(names, t).join(', ');
  const all = [...others.values()].map(({ works, files }) =>
    files.length === 0 ? list(works) : t('{0}: {1}', list(works), list(files)),
  );
  return firstOf(all, t);
}

const firstOf = (names: readonly string[], t: Translate): string[] =>
  names.length <= named ? [...names] : [...names.slice(0, named), t('{0} more', names.length - named)];

/** `3 files +12 −4`. */
export function sizeText({ size }: Pick<MergeView, 'size'>, t: Translate): string[] {
  if (size === undefined) return [];
  const files = size.files === 1 ? t('1 file') : t('{0} files', size.files);
  return [`${files} ${linesText(size)}`, commitsText(size.commits, t)];
}

export const linesText = ({ additions = 0, deletions = 0 }: { additions?: number; deletions?: number }): string =>
  `+${additions} \u2212${deletions}`;

export const commitsText = (commits: number, t: Translate): string =>
  commits === 1 ? t('1 commit') : t('{0} commits', commits);

/** What the row says of it, the most important first: a narrow side bar cuts off the rest. */
export function mergeParts(merge: MergeView, t: Translate): string[] {
  const forecast = merge.state === 'conflict' ? '' : conflictsText(merge.forecast, merge.target, t);
  const pull = ['proposed', 'ready', 'merged'].includes(merge.state) ? [] : pullParts(merge.pull, t);
  const comments = merge.openThreads === 0 ? '' : openThreadsText(merge.openThreads, t);
  return [mergeStateText(merge, t), ...pull, forecast, ...sizeText(merge, t), comments].filter((part) => part !== '');
}

const openThreadsText = (open: number, t: Translate): string =>
  open === 1 ? t('1 open comment') : t('{0} open comments', open);
