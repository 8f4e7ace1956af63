/** Looking at what a unit changes, and deciding about it. */
import * as vscode from 'vscode';
import { GasTownError } from '../../shared/platform/errors.ts';
import type { ChangeView, MergeView, TownSnapshot } from '../../shared/channel/views.ts';
import { hasEnded } from '../../shared/domain/session-state.ts';
import { sideUri } from '../review/review-documents.ts';
import type { ComparedFile } from '../review/review-editors.ts';
import { commitTitle, compareTitle, liveTitle, sinceTitle, wholeTitle } from '../review/review-title.ts';
import { unsentIn } from '../review/thread-text.ts';
import { isDecidable, sizeText, waitsForUser } from '../views/merge-text.ts';
import { startTextOfWork } from '../views/start-text.ts';
import { exists } from '../files.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command, CommandDeps } from './command.ts';
import type { CommandArguments } from './command-arguments.ts';
import { askInTurn, cancelled, input, pick } from './dialog.ts';
import { agentChoices, Answer, pickOne, workChoices } from './questions.ts';

const t = vscode.l10n.t;

/** All that the unit changes; what is finished counts as looked at from now on. */
export const reviewWork: Command = async (given, deps) => {
  const id = await workIn(given, deps, t('Review Work Unit'), offersReview);
  const changes = await changesOf(id, deps);
  await openReview(changes, deps, wholeTitle);
};

export const reviewSinceLast: Command = async (given, deps) => {
  const id = await workIn(given, deps, t('Changes Since My Last Review'), ({ round }) => round > 1);
  const changes = await changesOf(id, deps, { since: 'reviewed' });
  await openReview(changes, deps, sinceTitle);
};

/** What is finished, and is at the head that is shown, counts as looked at; the rest is what there is so far. */
async function openReview(changes: ChangeView, deps: CommandDeps, title: (merge: MergeView) => string): Promise<void> {
  const { api, snapshot } = connectionOf(deps);
  const { work: id, to } = changes;
  const merge = snapshot.merges.find(({ work, head }) => work === id && head === to);
  await deps.reviews.open(merge ? title(merge) : liveTitle(id, branchOf(snapshot, id)), changes);
  if (merge && !merge.reviewed) await api.request('merge.reviewed', { id, head: to });
}

export const reviewCommit: Command = async (given, deps) => {
  const id = await workIn(given, deps, t('Review One Commit'), offersReview);
  const { commits, from } = await changesOf(id, deps);
  const choices = commits.map((commit) => ({
    label: commit.subject,
    description: `${commit.commit.slice(0, 7)} · ${commit.author}`,
    iconPath: new vscode.ThemeIcon('git-commit'),
    value: { commit, before: commit.parent ?? from },
  }));
  const { commit, before } = await pickOne(t('Review One Commit of {0}', id), choices, t('Which commit?'));
  const one = await changesOf(id, deps, { since: before, to: commit.commit });
  await deps.reviews.open(commitTitle(id, commit), one);
};

/** The unit's files beside those of the user's checkout as they are now. */
export const compareWork: Command = async (given, deps) => {
  const { snapshot } = connectionOf(deps);
  const work = await workIn(given, deps, t('Compare with Working Tree'), offersReview);
  const { files, to } = await changesOf(work, deps);
  const rig = snapshot.rigs.find(({ name }) => name === snapshot.work.find(({ id }) => id === work)?.rig);
  if (!rig) throw new GasTownError('unknown-rig', t('The rig of {0} is not there any more.', work));
  const checkout = vscode.Uri.file(rig.path);
  const compared = files.map(async ({ path, status }): Promise<ComparedFile> => {
    const theirs = status === 'deleted' ? undefined : sideUri(work, to, 'new', path, checkout.path);
    const mine = vscode.Uri.joinPath(checkout, path);
    return [mine, theirs, (await exists(mine)) ? mine : undefined];
  });
  const sides = (await Promise.all(compared)).filter(([, theirs, mine]) => theirs !== undefined || mine !== undefined);
  await deps.reviews.show(compareTitle(work, branchOf(snapshot, work)), sides);
};

export const approveWork: Command = (given, deps) => approve(given, deps, false);

export const approveAndMerge: Command = (given, deps) => approve(given, deps, true);

async function approve(given: CommandArguments, deps: CommandDeps, merge: boolean): Promise<void> {
  const { api } = connectionOf(deps);
  const decided = await toDecide(given, deps, merge ? t('Approve and Merge') : t('Approve'));
  const next = await api.request('merge.approve', { id: decided.work, head: decided.head, merge });
  const done =
    next.state === 'queued'
      ? t('$(git-merge) {0} is in the queue.', next.work)
      : t('$(check) {0} is approved.', next.work);
  vscode.window.setStatusBarMessage(done, 5000);
}

/** Back to its author with the comments that were not sent yet, and what there is to say besides. */
export const sendBack: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const { work: id } = await toDecide(given, deps, t('Send Back'));
  const comments = unsentIn((await api.request('merge.show', { id })).threads).length;
  const owner = snapshot.sessions.find((each) => each.id === snapshot.work.find((work) => work.id === id)?.owner);
  const message = new Answer(given.text);
  const agent = new Answer(given.agent);
  const how = comments === 1 ? t('1 comment goes to the author.') : t('{0} comments go to the author.', comments);
  const same =
    owner && !hasEnded(owner)
      ? { label: t('The Same Session'), description: owner.id }
      : { label: t('A New Session in the Same Worktree'), description: t('with the agent that the settings name') };
  await askInTurn(t('Send Back {0}', id), [
    message.question(async (place) => {
      message.value = await input(place, {
        prompt: comments === 0 ? t('What is to be changed?') : `${how} ${t('Anything else? Enter sends.')}`,
        ...(message.value === undefined ? {} : { value: message.value }),
        validate: (text) =>
          text === '' && comments === 0 ? t('There is no comment yet: say what is to be changed.') : undefined,
      });
    }),
    agent.question(async (place) => {
      const rig = snapshot.work.find((work) => work.id === id)?.rig;
      const another = t('a new session in the same worktree');
      const others = (await agentChoices(snapshot, rig)).map((choice) => ({
        ...choice,
        description: choice.description ? `${choice.description} · ${another}` : another,
      }));
      const choices = [{ ...same, iconPath: new vscode.ThemeIcon('reply'), value: '' }, ...others];
      agent.value = await pick(place, choices, { placeholder: t('Who shall change it?') });
    }),
  ]);
  const { session } = await withProgress(
    t('Sending back {0}', id),
    (signal) =>
      api.request(
        'merge.return',
        { id, message: message.get(), ...(agent.value ? { agent: agent.value } : {}) },
        signal,
      ),
    { town: deps.town, text: (now) => startTextOfWork(id, now, t) },
  );
  const who = session ?? t('a new session');
  vscode.window.setStatusBarMessage(t('$(reply) {0} goes back to {1}.', id, who), 5000);
};

export const discardWork: Command = async (given, deps) => {
  const { api } = connectionOf(deps);
  const merge = await toDecide(given, deps, t('Discard'));
  const { work: id, branch, target } = merge;
  const discard = t('Discard');
  const size = sizeText(merge, t).join(' · ');
  const lost =
    size === '' ? t('Nothing of it comes into {0}.', target) : t('What does not come into {0}: {1}.', target, size);
  const stays = t('The branch {0} stays until its worktree is removed; what only it has is saved then.', branch);
  const detail = `${lost}\n\n${stays}`;
  if ((await vscode.window.showWarningMessage(t('Discard {0}?', id), { modal: true, detail }, discard)) !== discard)
    throw cancelled();
  await api.request('merge.discard', { id });
};

export const showWork: Command = async (given, deps) => {
  const { snapshot } = connectionOf(deps);
  const known = given.work ?? workOfSession(given.session, snapshot) ?? deps.reviews.active?.work;
  const id = known ?? (await pickOne(t('Work Unit'), workChoices(snapshot.work, snapshot.merges), t('Which work?')));
  await deps.unitPage.show(id);
};

const offersReview = (merge: MergeView): boolean => merge.state !== 'discarded';

async function changesOf(
  id: string,
  deps: CommandDeps,
  between: { since?: string; to?: string } = {},
): Promise<ChangeView> {
  const { api } = connectionOf(deps);
  return withProgress(t('Comparing {0}', id), (signal) => api.request('review.changes', { id, ...between }, signal));
}

/** The one that the row, the session or the open review stands for; else the user chooses, first among what waits. */
async function workIn(
  given: CommandArguments,
  deps: CommandDeps,
  title: string,
  offers: (merge: MergeView) => boolean,
): Promise<string> {
  const { snapshot } = connectionOf(deps);
  const known = given.work ?? workOfSession(given.session, snapshot) ?? deps.reviews.active?.work;
  if (known !== undefined) return known;
  const merges = snapshot.merges.filter(offers).sort((a, b) => Number(waitsForUser(b)) - Number(waitsForUser(a)));
  const units = merges.flatMap(({ work }) => snapshot.work.find(({ id }) => id === work) ?? []);
  const begun = snapshot.work.filter(
    ({ id, state, commits = 0 }) => state === 'running' && commits > 0 && !merges.some(({ work }) => work === id),
  );
  const choices = workChoices([...units, ...begun], snapshot.merges);
  if (choices.length === 0) throw new GasTownError('refused', t('No unit of work has anything to review yet.'));
  return pickOne(title, choices, t('Which work?'));
}

/** The unit that a session works on, or has finished last. */
function workOfSession(session: string | undefined, { work }: TownSnapshot): string | undefined {
  if (session === undefined) return undefined;
  const own = work.filter(({ owner }) => owner === session).sort((a, b) => b.changedAt - a.changedAt);
  if (own[0]) return own[0].id;
  throw new GasTownError('refused', t('{0} has no work, so there is nothing to look at.', session));
}

/** Never another round than the one in sight. */
async function toDecide(given: CommandArguments, deps: CommandDeps, title: string): Promise<MergeView> {
  const { snapshot } = connectionOf(deps);
  const id = await workIn(given, deps, title, isDecidable);
  const merge = snapshot.merges.find(({ work }) => work === id);
  if (!merge) throw new GasTownError('refused', t('{0} is not finished yet: there is nothing to decide about.', id));
  const seen = deps.reviews.active;
  if (seen?.work === id && seen.round !== merge.round)
    throw new GasTownError(
      'work-conflict',
      t(
        '{0} has changed since: you see round {1}, and it is in round {2}. Review it again.',
        id,
        seen.round,
        merge.round,
      ),
    );
  return merge;
}

const branchOf = ({ work }: TownSnapshot, id: string): string => work.find((each) => each.id === id)?.branch ?? '';
