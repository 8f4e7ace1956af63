/** Messages from the person to sessions. */
import * as vscode from 'vscode';
import { GasTownError } from '../../shared/errors.ts';
import { isAlive } from '../views/session-icon.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';
import { askInTurn, input, pick, pickMany } from './dialog.ts';
import { Answer, sessionChoices, sessionQuestion, textQuestion } from './questions.ts';

const t = vscode.l10n.t;

export const sendMessage: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const to = new Answer(given.session);
  const kind = new Answer(given.text === undefined ? undefined : 'nudge');
  const subject = new Answer(undefined);
  const body = new Answer(given.text);
  await askInTurn(t('Send Message'), [
    sessionQuestion(to, snapshot.sessions.filter(isAlive), t('To whom?')),
    kind.question(async (place) => {
      const choices = [
        { label: t('Nudge'), description: t('put before the model at its next safe moment'), value: 'nudge' },
        { label: t('Mail'), description: t('into its inbox, with a subject'), value: 'mail' },
      ];
      kind.value = await pick(place, choices, { placeholder: t('How?') });
    }),
    subject.question(
      async (place) => {
        subject.value = await input(place, {
          prompt: t('Subject'),
          ...(subject.value === undefined ? {} : { value: subject.value }),
        });
      },
      () => kind.value !== 'mail',
    ),
    textQuestion(body, t('Message to {0}', to.value ?? t('the session')), t('Please rebase on main before you go on.')),
  ]);
  const type = kind.get() === 'mail' ? 'mail' : 'nudge';
  await withProgress(t('Sending the message'), (signal) =>
    api.request(
      'message.send',
      { to: to.get(), type, body: body.get(), ...(subject.value ? { subject: subject.value } : {}) },
      signal,
    ),
  );
  vscode.window.setStatusBarMessage(t('$(mail) The message to {0} was accepted.', to.get()), 5000);
};

export const broadcastMessage: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const alive = snapshot.sessions.filter(isAlive);
  if (alive.length === 0) {
    void vscode.window.showInformationMessage(t('The town has no running sessions.'));
    return;
  }
  let to = alive.map((session) => session.id);
  const body = new Answer(given.text);
  await askInTurn(t('Broadcast Message'), [
    {
      skip: () => given.text !== undefined,
      ask: async (place) => {
        to = await pickMany(place, sessionChoices(alive), t('To whom?'));
      },
    },
    textQuestion(body, t('Message to the chosen sessions'), t('main is frozen: do not push until I say so.')),
  ]);
  const { results } = await withProgress(t('Sending the message'), (signal) =>
    api.request('message.broadcast', { to, body: body.get() }, signal),
  );
  const failures = results
    .filter((result) => result.error !== undefined)
    .map(({ to: who, error }) => `${who}: ${error}`);
  if (failures.length > 0) {
    throw new GasTownError(
      'refused',
      t('{0} of {1} sessions did not get the message. {2}', failures.length, results.length, failures.join('; ')),
    );
  }
  vscode.window.setStatusBarMessage(t('$(mail) The message to {0} sessions was accepted.', results.length), 5000);
};
