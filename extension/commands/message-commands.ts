/** Messages from the user to sessions. */
import * as vscode from 'vscode';
import { GasTownError } from '../../shared/platform/errors.ts';
import { rolesWithoutSession } from '../../shared/messages/addresses.ts';
import type { SingleRole } from '../../shared/messages/addresses.ts';
import { themeIcon } from '../views/node-tree-provider.ts';
import { isAlive, sessionIcons } from '../views/session-icon.ts';
import { roleName } from '../views/session-text.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';
import { askInTurn, input, pick, pickMany } from './dialog.ts';
import type { Choice } from './dialog.ts';
import { Answer, sessionChoices, textQuestion } from './questions.ts';

const t = vscode.l10n.t;

/** What a message may be, and what the core is told for it. */
const kinds = {
  nudge: { type: 'nudge' },
  urgent: { type: 'nudge', priority: 'urgent' },
  mail: { type: 'mail' },
} as const;
type Kind = keyof typeof kinds;

/** Given may be the recipient (`session`) and the words (`text`): then it is a nudge, or mail where nobody has the role now. */
export const sendMessage: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const waiting = rolesWithoutSession({ sessions: snapshot.sessions, rigs: snapshot.rigs.map(({ name }) => name) });
  const to = new Answer(given.session);
  const subject = new Answer(given.text === undefined ? undefined : '');
  const body = new Answer(given.text);
  let chosen: Kind = 'nudge';
  const isWaiting = (): boolean => waiting.some(({ id, address }) => to.value === id || to.value === address);
  const kind = (): Kind => (isWaiting() ? 'mail' : chosen);
  await askInTurn(t('Send Message'), [
    to.question(async (place) => {
      const choices = [...sessionChoices(snapshot.sessions.filter(isAlive)), ...waiting.map(roleChoice)];
      to.value = await pick(place, choices, { placeholder: t('To whom?') });
    }),
    {
      skip: () => given.text !== undefined || isWaiting(),
      ask: async (place) => {
        chosen = await pick(place, kindChoices(), { placeholder: t('How?') });
      },
    },
    subject.question(
      async (place) => {
        subject.value = await input(place, {
          prompt: t('Subject'),
          ...(subject.value === undefined ? {} : { value: subject.value }),
        });
      },
      () => kind() !== 'mail',
    ),
    textQuestion(body, () => t('Message to {0}', to.get()), t('Please rebase on main before you go on.')),
  ]);
  const mail = kind() === 'mail' && subject.value ? { subject: subject.value } : {};
  // Until a moment ago they typed here, not into a terminal.
  deps.typing.elsewhere();
  await withProgress(t('Sending the message'), (signal) =>
    api.request('message.send', { to: to.get(), ...kinds[kind()], body: body.get(), ...mail }, signal),
  );
  const accepted = isWaiting()
    ? t('$(mail) The message waits until {0} starts.', to.get())
    : t('$(mail) The message to {0} was accepted.', to.get());
  vscode.window.setStatusBarMessage(accepted, 5000);
};

function kindChoices(): Choice<Kind>[] {
  return [
    { label: t('Nudge'), description: t('put before the model at its next safe moment'), value: 'nudge' },
    { label: t('Urgent Nudge'), description: t('the same, before all else that waits for it'), value: 'urgent' },
    { label: t('Mail'), description: t('into its inbox, with a subject'), value: 'mail' },
  ];
}

function roleChoice({ id, role, rig, address }: SingleRole): Choice<string> {
  const name = roleName(role, t);
  return {
    label: rig === '' ? name : t('{0} ({1})', name, rig),
    description: [address, t('mail; gets it when it starts')].join(' · '),
    iconPath: themeIcon(sessionIcons.stopped),
    value: id,
  };
}

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
