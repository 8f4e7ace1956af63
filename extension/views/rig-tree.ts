/** Snapshot → rows of the Rigs view. Pure. */
import type { RigView, TownSnapshot } from '../../shared/channel/views.ts';
import type { Translate } from '../translate.ts';
import { isAlive } from './session-icon.ts';
import type { StateIcon } from './session-icon.ts';
import type { TreeNode } from './tree-node.ts';
import type { ViewContext } from './view-context.ts';

export function rigTree(snapshot: TownSnapshot, { t }: ViewContext): TreeNode[] {
  return snapshot.rigs.map((rig) => {
    const alive = snapshot.sessions.filter((session) => session.rig === rig.name && isAlive(session)).length;
    const open = snapshot.work.filter(
      (work) => work.rig === rig.name && !['done', 'cancelled'].includes(work.state),
    ).length;
    const counts = [
      ...(alive > 0 ? [alive === 1 ? t('1 session') : t('{0} sessions', alive)] : []),
      ...(open > 0 ? [open === 1 ? t('1 open work unit') : t('{0} open work units', open)] : []),
    ];
    const description =
      rig.problem ??
      [...reviewText(rig, t), rig.defaultBranch, ...counts].filter((part) => part !== undefined).join(' · ');
    return {
      id: `rig:${rig.name}`,
      label: rig.name,
      description,
      icon: rigIcon(rig),
      aria: t('rig {0}, {1}', rig.name, description),
      contextValue: 'rig',
      expanded: false,
      target: { kind: 'rig', rig: rig.name },
      children: [],
    };
  });
}

type RigFacts = Pick<RigView, 'problem' | 'toReview'>;

/** What the row of a rig says before anything else, in either view. */
export function reviewText({ toReview }: RigFacts, t: Translate): string[] {
  return toReview === undefined ? [] : [t('settings to review')];
}

export function rigIcon({ problem, toReview }: RigFacts): StateIcon {
  return problem === undefined && toReview === undefined
    ? { icon: 'repo' }
    : { icon: 'warning', color: 'list.warningForeground' };
}
