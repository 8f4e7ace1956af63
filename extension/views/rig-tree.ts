/** Snapshot → rows of the Rigs view. Pure. */
import type { TownSnapshot } from '../../shared/town/snapshot.ts';
import { isAlive } from './session-icon.ts';
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
    const review = rig.toReview === undefined ? [] : [t('settings to review')];
    const description =
      rig.problem ?? [...review, rig.defaultBranch, ...counts].filter((part) => part !== undefined).join(' · ');
    return {
      id: `rig:${rig.name}`,
      label: rig.name,
      description,
      icon:
        rig.problem === undefined && rig.toReview === undefined
          ? { icon: 'repo' }
          : { icon: 'warning', color: 'list.warningForeground' },
      aria: t('rig {0}, {1}', rig.name, description),
      contextValue: 'rig',
      expanded: false,
      target: { kind: 'rig', rig: rig.name },
      children: [],
    };
  });
}
