import type { StoredMerge } from '../store/merges.ts';
import type { StoredEscalation } from '../store/escalations.ts';
import { canBeTold } from '../orchestration/tell-slingers.ts';
import { host } from '../domain/message.ts';
import type { Town } from '../orchestration/town.ts';

/**
 * Tells that the target of `merge` does not pass the gates by itself: the user once, however many branches wait for it, and
 * each who slung one of them once. Within the transaction that records it.
 */
export function tellTargetRed(town: Town, merge: StoredMerge): void {
  const { targetRed } = merge.detail;
  if (targetRed === undefined) return;
  const subject = `${merge.rig} ${merge.target}`;
  const known = town.escalations.list().find(({ key }) => key.kind === 'target' && key.subject === subject);
  const escalation = known ?? raise(town, merge, subject);
  const slinger = town.work.find(merge.workId)?.slungBy;
  if (slinger === undefined || !canBeTold(town, slinger)) return;
  const id = `told_${escalation.id}_${slinger}`;
  if (town.store.messages.get(id)) return;
  const body = textOf(
    merge,
    `What you slung there waits, ${merge.workId} first; nothing is to be done about it itself.`,
  );
  town.outbox.accept({ id, from: host, to: slinger, kind: 'nudge', body, lasts: true });
}

/** A target that is red still at its next commit is the same occurrence. */
function raise(town: Town, merge: StoredMerge, subject: string): StoredEscalation {
  const next = `It goes on when ${merge.target} moves, or the settings of the rig change. To have it tried at once: gt merge ${merge.workId}.`;
  return town.escalations.raise({
    severity: 'medium',
    message: textOf(merge, next),
    by: host,
    key: { kind: 'target', subject, run: merge.detail.targetRed?.commit ?? '' },
  });
}

/** Our own line with the facts; what the gates printed stands below it. */
function textOf({ rig, target, detail }: StoredMerge, next: string): string {
  const { commit = '', gates = [] } = detail.targetRed ?? {};
  const names = gates.map(({ name }) => name).join(', ');
  const logs = gates.flatMap(({ log }) => log ?? []);
  return [
    `${names} ${gates.length === 1 ? 'fails' : 'fail'} on ${target} of ${rig} itself, at ${commit.slice(0, 10)}. ` +
      `So nothing that fails there too is merged into it now, and nobody is sent back for it. ${next}` +
      (logs.length === 0 ? '' : ` All of the output: ${logs.join(', ')}`),
    ...gates.map(
      ({ name, state, tail }) =>
        `${name} ${state === 'timed-out' ? 'did not end in time' : 'failed'}:\n${tail ?? 'It printed nothing.'}`,
    ),
  ].join('\n');
}
