/** What could not be merged goes back to who made it, with all that is needed to mend it; after so many rounds to the user. */
import { mergeQueuePolicy } from '../config/merge-queue-settings.ts';
import { rolePolicy } from '../config/role-settings.ts';
import type { SessionId } from '../domain/orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';
import { sessionIdOf } from '../domain/names.ts';
import { polecatOf } from '../orchestration/sling.ts';
import type { Town } from '../orchestration/town.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { StoredWork } from '../store/work.ts';

const by = 'queue';

/** `merge` is in conflict, or its gate has failed. Within the transaction that records it. */
export function returnToAuthor(town: Town, merge: StoredMerge): void {
  const { merges, work, registry, escalations } = town;
  const { onConflict, maxRounds } = mergeQueuePolicy(town.rigs.get(merge.rig).settings.merge_queue);
  const unit = work.get(merge.workId);
  const what = merge.detail.why ?? 'it could not be merged';
  if (merge.conflictRounds > maxRounds || unit.state !== 'done') {
    const rounds = merge.conflictRounds > 1 ? `, ${merge.conflictRounds} times by now` : '';
    const next = `Look at it (gt review ${unit.id}), then send it back with a hint, merge it by hand, or try it once more: gt merge ${unit.id}`;
    escalations.raise({
      severity: 'medium',
      message: `The branch of ${unit.id} was not merged: ${what}${rounds}. ${next}`,
      by: 'host',
      workId: unit.id,
      key: { kind: 'merge', subject: unit.id, since: merge.changedAt },
    });
    return;
  }
  const wantsRefinery = onConflict === 'auto_rebase' && merge.state === 'conflict';
  const refinery = wantsRefinery ? refineryOf(town, merge.rig) : undefined;
  const taker = refinery ?? unit.owner;
  const living = taker === undefined ? undefined : registry.find(taker);
  const body = textOf(town, merge, refinery !== undefined);
  const note = `back because of ${merge.state === 'conflict' ? 'a conflict' : 'a gate'}: ${what}`;
  const patch = { approvedHead: null, approvedBy: null, queuedAt: null };
  // Who resolves it does not keep it.
  merges.move(merge, 'sent-back', { by, note }, { ...patch, detail: { author: refinery && authorOf(unit) } });
  if (taker !== undefined && living && !hasEnded(living)) {
    const { runId } = living;
    work.reopen(unit, 'assigned', { by, note, runId }, { owner: taker, notBefore: null, dispatch: null });
    const id = `merge_${unit.id}_${merge.round}_${merge.conflictRounds}`;
    town.outbox.accept({ id, from: 'host', to: taker, kind: 'work', body, workId: unit.id });
    return;
  }
  const name = polecatOf(unit.branch);
  const dispatch = {
    note: body,
    ...(refinery === undefined ? {} : { to: refinery }),
    ...(name === undefined ? {} : { name }),
    ...(unit.branch === undefined ? {} : { branch: unit.branch }),
  };
  work.reopen(unit, 'queued', { by, note }, { owner: null, attempts: 0, notBefore: null, dispatch });
}

/** Who has done it; a session that is not there any more may still come again. */
function authorOf({ owner, rig, branch }: StoredWork): SessionId | undefined {
  const name = polecatOf(branch);
  return owner ?? (name === undefined ? undefined : sessionIdOf('polecat', rig, name));
}

/** The rig's refinery, where it lives, or is started when it is needed. */
function refineryOf({ registry, settings }: Town, rig: string): SessionId | undefined {
  const id = sessionIdOf('refinery', rig, '');
  const session = registry.find(id);
  const lives = session !== undefined && !hasEnded(session);
  return lives || rolePolicy(settings.value.roles).onDemand.includes('refinery') ? id : undefined;
}

const proposes = ({ rigs }: Town, { rig }: StoredMerge): boolean =>
  mergeQueuePolicy(rigs.get(rig).settings.merge_queue).strategy === 'pr';

function textOf(town: Town, merge: StoredMerge, isRefinery: boolean): string {
  const { workId, branch, detail } = merge;
  // A pull request goes into what is at the remote.
  const target = (proposes(town, merge) ? detail.pull?.into : undefined) ?? merge.target;
  const { title } = town.work.get(workId);
  const whose = isRefinery ? `The branch ${branch} of ${workId} ("${title}")` : `Your branch ${branch}`;
  const where = isRefinery
    ? `in the worktree that has the branch ${branch} checked out (git worktree list shows it), where nobody works now`
    : 'in your worktree, which is as you left it';
  const last = `commit, and report it once more: gt done --id ${workId}`;
  if (merge.state === 'conflict') {
    const conflicts = detail.conflicts ?? [];
    const files = [...new Set(conflicts.flatMap((conflict) => conflict.files))];
    return [
      `${whose} was not merged: ${target} has moved since, and both change ${files.join(', ')}.`,
      ...conflicts.flatMap(({ work, files: theirs }) =>
        work === undefined
          ? []
          : [`There ${work} ("${town.work.find(work)?.title ?? ''}") has changed ${theirs.join(', ')}.`],
      ),
      `Do this ${where}: git merge ${target}; resolve the conflicts so that both changes hold; test it; ${last}`,
    ].join('\n\n');
  }
  const failed = (detail.gates ?? []).filter(({ state }) => state !== 'passed');
  return [
    `${whose} was not merged: merged into ${target}, it does not pass ${failed.map(({ name }) => name).join(', ')}.`,
    ...failed.map(({ name, state, tail, log }) => {
      const how = state === 'timed-out' ? 'did not end in time' : 'failed';
      return `${name} ${how}${log === undefined ? '' : ` (all of its output: ${log})`}:\n${tail ?? 'It printed nothing.'}`;
    }),
    `Do this ${where}: git merge ${target}; mend it; ${last}`,
  ].join('\n\n');
}
