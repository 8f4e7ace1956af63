/** What a rig's repository brings and counts only by the user's word: shown, and agreed to or not. */
import * as vscode from 'vscode';
import type { RigReview, RigReviewItem } from '../../shared/channel/views.ts';
import { isAlive } from '../views/session-icon.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command, CommandDeps } from './command.ts';
import { askInTurn } from './dialog.ts';
import { Answer, pickOne, rigQuestion } from './questions.ts';

const t = vscode.l10n.t;

export const reviewRig: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const open = snapshot.rigs.filter(({ toReview }) => toReview !== undefined);
  const rig = new Answer(given.rig ?? (open.length === 1 ? open[0]?.name : undefined));
  await askInTurn(t('Review Rig Settings'), [rigQuestion(rig, snapshot)]);
  const review = await api.request('rig.review', { rig: rig.get() });
  await show(review, deps);
  if (review.items.every(({ state }) => state === 'agreed')) return;
  // Enter alone allows nothing.
  const choices = [
    {
      label: t('Not Now'),
      detail: t('Nothing of it is run.'),
      iconPath: new vscode.ThemeIcon('circle-slash'),
      value: false,
    },
    {
      label: t('Allow'),
      detail: t('What is shown counts, until it changes.'),
      iconPath: new vscode.ThemeIcon('check'),
      value: true,
    },
  ];
  const title = t('What {0} Brings', review.rig);
  if (!(await pickOne(title, choices, t('Shall what the editor shows run with your rights?')))) return;
  await withProgress(title, (signal) => api.request('rig.trust', { rig: review.rig, hash: review.hash }, signal));
};

export const withdrawConsent: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const answer = new Answer(given.rig);
  await askInTurn(t('Withdraw Agreement to Rig Settings'), [rigQuestion(answer, snapshot)]);
  const rig = answer.get();
  const running = snapshot.sessions.filter((session) => session.rig === rig && isAlive(session)).map(({ id }) => id);
  const goOn =
    running.length === 0 ? [] : [t('What runs goes on as it was started, until you stop it: {0}', running.join(', '))];
  const detail = [
    t('Nothing of what the rig brings is started before you agree again, restarts included.'),
    ...goOn,
  ].join('\n\n');
  const act = t('Withdraw');
  if (
    (await vscode.window.showWarningMessage(
      t('Withdraw your agreement to what {0} brings?', rig),
      { modal: true, detail },
      act,
    )) !== act
  )
    return;
  await withProgress(t('Withdrawing your agreement to what {0} brings', rig), (signal) =>
    api.request('rig.untrust', { rig }, signal),
  );
};

/** As a text; where something of it has changed, beside what was agreed to. */
async function show(review: RigReview, { documents }: CommandDeps): Promise<void> {
  const { rig, path, items } = review;
  const title = t('What {0} brings', rig);
  if (items.length === 0) {
    await documents.show(
      { title },
      t('The rig {0} ({1}) brings no programs, arguments, commands or environments of its own.', rig, path),
    );
    return;
  }
  const now = textOf(review, ({ content }) => content);
  if (!items.some(({ state }) => state === 'changed')) return documents.show({ title }, now, { isRequest: true });
  const before = textOf(review, ({ state, content, before: agreed }) => (state === 'new' ? '' : (agreed ?? content)));
  await documents.showChange(title, before, now);
}

function textOf({ rig, path, items }: RigReview, contentOf: (item: RigReviewItem) => string): string {
  const parts = items.map((item) => {
    const place = item.inWorktree ? t('{0} (as a branch of a worker has it)', item.subject) : item.subject;
    return `${place}\n${'─'.repeat(Math.min(place.length, 80))}\n${contentOf(item)}`;
  });
  return [
    t('What the rig {0} brings', rig),
    path,
    t('With your word it runs with your rights.'),
    t('Files of the repository that these run in turn are not looked at, nor what the agents are told there.'),
    ...parts,
  ].join('\n\n');
}
