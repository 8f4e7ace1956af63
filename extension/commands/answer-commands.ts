/** Answering what a session asks: from its row, from a notification, or from the list of all that wait. */
import * as vscode from 'vscode';
import type { AskAnswer } from '../../shared/backends/driver.ts';
import type { Ask } from '../../shared/sessions/activity.ts';
import type { SessionView, TownSnapshot } from '../../shared/town/snapshot.ts';
import { themeIcon } from '../views/node-tree-provider.ts';
import { askIcon, classOf, lookOf, sessionIcons } from '../views/session-icon.ts';
import { fullSessionName, stateText } from '../views/session-text.ts';
import { viewContext } from '../views/views.ts';
import { connectionOf, sessionOf, withProgress } from './command.ts';
import type { Command, CommandDeps } from './command.ts';
import { askInTurn, input } from './dialog.ts';
import type { Choice } from './dialog.ts';
import type { Given } from './given.ts';
import { pickOne } from './questions.ts';
import { attach, showAgents } from './session-commands.ts';

const t = vscode.l10n.t;

interface Waiting {
  session: SessionView;
  /** Absent where the session only says that it waits: then its terminal tells for what. */
  ask: Ask | undefined;
}

export const allow: Command = async (given, deps) => {
  const waiting = await chosen(given, deps);
  if (waiting.ask?.resolvable !== true || waiting.ask.kind === 'question') return review(waiting, deps);
  await reply(waiting.session, waiting.ask, { kind: 'allow' }, deps);
};

export const deny: Command = async (given, deps) => {
  const waiting = await chosen(given, deps);
  if (waiting.ask?.resolvable !== true || waiting.ask.kind === 'question') return review(waiting, deps);
  await reply(waiting.session, waiting.ask, { kind: 'deny' }, deps);
};

export const answer: Command = async (given, deps) => review(await chosen(given, deps), deps);

/** What the status bar leads to. */
export const showWaiting: Command = async (given, deps) => {
  const waits = connectionOf(deps).snapshot.sessions.some((session) => classOf(session) === 'waiting');
  return waits ? answer(given, deps) : showAgents(given, deps);
};

/** The ask that was meant: the given one, the session's oldest, or one out of all that wait. */
async function chosen(given: Given, deps: CommandDeps): Promise<Waiting> {
  const { snapshot } = connectionOf(deps);
  if (given.session === undefined) return chooseWaiting(snapshot);
  const session = sessionOf(snapshot, given.session);
  const ask = given.ask === undefined ? session.asks[0] : session.asks.find((each) => each.id === given.ask);
  if (given.ask !== undefined && !ask) {
    // Answered in the terminal or in another window in the meantime: nothing is wrong, and nothing is left to do.
    vscode.window.setStatusBarMessage(t('$(check) That has been answered already.'), 5000);
    return chooseWaiting(snapshot);
  }
  return { session, ask };
}

async function chooseWaiting(snapshot: TownSnapshot): Promise<Waiting> {
  const all = snapshot.sessions
    .filter((session) => classOf(session) === 'waiting')
    .flatMap((session): Waiting[] =>
      session.asks.length === 0 ? [{ session, ask: undefined }] : session.asks.map((ask) => ({ session, ask })),
    );
  const choices = all.map((waiting): Choice<Waiting> => {
    const { session, ask } = waiting;
    return {
      label: ask?.title ?? fullSessionName(session, t),
      description: ask ? fullSessionName(session, t) : stateText(session, viewContext()),
      iconPath: themeIcon(ask ? askIcon(ask) : sessionIcons[lookOf(session)]),
      value: waiting,
    };
  });
  const placeholder = choices.length === 0 ? t('No session waits for you.') : t('What do you want to answer?');
  return pickOne(t('Waiting for You'), choices, placeholder);
}

/** Everything about the ask, and all the answers that there are. */
async function review(waiting: Waiting, deps: CommandDeps): Promise<void> {
  const { session, ask } = waiting;
  if (ask?.resolvable !== true) return attach({ session: session.id }, deps);
  const title = t('{0} asks', fullSessionName(session, t));
  const action = await pickOne<Action>(title, actionsFor(ask), ask.title);
  if (action.kind === 'open') return attach({ session: session.id }, deps);
  if (action.kind === 'details') {
    await deps.documents.show(`${fullSessionName(session, t)} asks`, `${ask.title}\n\n${ask.detail}\n`);
    return review(waiting, deps);
  }
  if (action.kind === 'reply') return reply(session, ask, action.answer, deps);
  const text = await askForText(
    title,
    action.kind === 'deny-because' ? t('Why not? The agent reads this.') : ask.title,
  );
  const spoken: AskAnswer =
    action.kind === 'deny-because' ? { kind: 'deny', message: text } : { kind: 'answers', answers: [[text]] };
  await reply(session, ask, spoken, deps);
}

type Action =
  | { kind: 'reply'; answer: AskAnswer }
  | { kind: 'deny-because' }
  | { kind: 'own-words' }
  | { kind: 'details' }
  | { kind: 'open' };

function actionsFor(ask: Ask): Choice<Action>[] {
  const choice = (label: string, icon: string, value: Action): Choice<Action> => ({
    label,
    iconPath: new vscode.ThemeIcon(icon),
    value,
  });
  const common = [
    ...(ask.detail === '' ? [] : [choice(t('Show Details'), 'preview', { kind: 'details' })]),
    choice(t('Open the Terminal'), 'terminal', { kind: 'open' }),
  ];
  if (ask.kind === 'question') {
    return [
      ...ask.options.map((option) =>
        choice(option, 'circle-outline', { kind: 'reply', answer: { kind: 'answers', answers: [[option]] } }),
      ),
      choice(t('In Your Own Words…'), 'edit', { kind: 'own-words' }),
      ...common,
    ];
  }
  const isPlan = ask.kind === 'plan';
  return [
    choice(isPlan ? t('Approve') : t('Allow'), 'check', { kind: 'reply', answer: { kind: 'allow' } }),
    ...(isPlan
      ? []
      : [choice(t('Always Allow'), 'check-all', { kind: 'reply', answer: { kind: 'allow', remember: true } })]),
    choice(isPlan ? t('Reject') : t('Deny'), 'close', { kind: 'reply', answer: { kind: 'deny' } }),
    choice(isPlan ? t('Reject and Say Why…') : t('Deny and Say Why…'), 'comment', { kind: 'deny-because' }),
    ...common,
  ];
}

async function askForText(title: string, prompt: string): Promise<string> {
  let text = '';
  await askInTurn(title, [
    {
      ask: async (place) => {
        text = await input(place, {
          prompt,
          validate: (value) => (value === '' ? t('Please write something, or press Escape to cancel.') : undefined),
        });
      },
    },
  ]);
  return text;
}

async function reply(session: SessionView, ask: Ask, given: AskAnswer, deps: CommandDeps): Promise<void> {
  await withProgress(t('Answering {0}', fullSessionName(session, t)), (signal) =>
    connectionOf(deps).api.request('session.answer', { session: session.id, ask: ask.id, answer: given }, signal),
  );
}
