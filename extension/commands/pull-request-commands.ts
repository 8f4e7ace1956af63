/** What becomes of pull requests: at their forge, which is asked only when somebody wants to know. */
import * as vscode from 'vscode';
import { GasTownError } from '../../shared/platform/errors.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';
import { pickOne, workChoices } from './questions.ts';

const t = vscode.l10n.t;

/** Of the unit that the row stands for, else of all. */
export const refreshPullRequests: Command = async ({ work }, deps) => {
  const { api } = connectionOf(deps);
  const { merges } = await withProgress(t('Asking about pull requests'), (signal) =>
    api.request('merge.refresh', work === undefined ? {} : { id: work }, signal),
  );
  const unseen = merges.flatMap(({ pull }) => pull?.problem ?? []);
  if (unseen[0]) throw new GasTownError('refused', unseen[0].words);
  const done = merges.length === 0 ? t('No pull request is open.') : t('$(github) Pull requests are as shown now.');
  vscode.window.setStatusBarMessage(done, 5000);
};

export const openPullRequest: Command = async (given, deps) => {
  const { snapshot } = connectionOf(deps);
  const made = snapshot.merges.filter(({ pull }) => pull?.url !== undefined);
  if (made.length === 0) throw new GasTownError('refused', t('No unit of work has a pull request yet.'));
  const units = snapshot.work.filter(({ id }) => made.some(({ work }) => work === id));
  const choose = (): Promise<string> =>
    pickOne(t('Open Pull Request'), workChoices(units, snapshot.merges), t('Which work?'));
  const id = given.work ?? (await choose());
  const url = made.find(({ work }) => work === id)?.pull?.url;
  if (url === undefined) throw new GasTownError('refused', t('{0} has no pull request yet.', id));
  await vscode.env.openExternal(vscode.Uri.parse(url, true));
};
