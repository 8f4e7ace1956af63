/** Everything about one wait, and all the answers that there are to it, in one list. */
import * as vscode from 'vscode';
import type { AttentionView } from '../../shared/channel/views.ts';
import type { AskAnswer } from '../../shared/domain/run.ts';
import type { Question as AskedQuestion } from '../../shared/domain/activity.ts';
import { fullSessionName } from '../views/session-text.ts';
import type { DocumentName } from '../views/text-documents.ts';
import { waitDocument, waitText } from '../views/wait-text.ts';
import { connectionOf, sessionOf, withProgress } from './command.ts';
import type { CommandDeps } from './command.ts';
import { askInTurn, input, pick, pickMany } from './dialog.ts';
import type { Choice, Place, Question } from './dialog.ts';
import { pickOne } from './questions.ts';
import { attach } from './session-commands.ts';

const t = vscode.l10n.t;

/** How it went; a review that is left by Escape rejects with `cancelled`. */
export type Reviewed = 'answered' | 'skipped' | 'opened';

export interface ReviewOptions {
  /** Where the wait stands in a round through all of them. */
  round?: { title: string; hasNext: boolean };
  /** The verdict that Enter gives. */
  preferred?: 'allow' | 'deny';
}

/** What the line above the answers has room for, in characters, also in a narrow window. */
const promptLength = 60;

type Action =
  | { kind: 'reply'; answer: AskAnswer }
  | { kind: 'deny-because' }
  | { kind: 'own-words' }
  | { kind: 'questions'; questions: readonly AskedQuestion[] }
  | { kind: 'details' }
  | { kind: 'open' }
  | { kind: 'skip' };

/** What is to be allowed is shown whole first: above the answers where it fits there, else in an editor behind them. */
export async function review(wait: AttentionView, deps: CommandDeps, options: ReviewOptions = {}): Promise<Reviewed> {
  const { round, preferred } = options;
  if (!wait.resolvable && !round) return open(wait, deps);
  const name = nameOf(wait, deps);
  const title = round?.title ?? t('{0} asks', name);
  const placeholder = round ? t('{0} asks: {1}', name, wait.title) : wait.title;
  const fits = wait.atAGlance && placeholder.length <= promptLength;
  if (wait.resolvable && wait.kind !== 'question') {
    if (fits) deps.shownWaits.add(wait);
    else await showWait(wait, deps);
  }
  const choices = actionsFor(wait, round?.hasNext ?? false);
  const isPreferred = ({ value }: Choice<Action>): boolean => value.kind === 'reply' && value.answer.kind === preferred;
  const action = await pickOne<Action>(title, choices, placeholder, choices.find(isPreferred)?.label);
  switch (action.kind) {
    case 'open':
      return open(wait, deps);
    case 'skip':
      return 'skipped';
    case 'details':
      await showWait(wait, deps);
      return review(wait, deps, options);
    case 'reply':
      return reply(wait, action.answer, deps);
    case 'questions':
      return reply(wait, { kind: 'answers', answers: await answersTo(title, action.questions) }, deps);
    case 'deny-because':
      return reply(wait, { kind: 'deny', message: await textFor(title, t('Why not? The agent reads this.')) }, deps);
    case 'own-words':
      return reply(wait, { kind: 'answers', answers: [[await textFor(title, wait.title)]] }, deps);
  }
}

/** Shows all that there is to know about it in an editor. */
export async function showWait(wait: AttentionView, deps: CommandDeps): Promise<void> {
  await deps.documents.show(documentOf(wait, deps), waitText(wait, t), { isRequest: true, preserveFocus: true });
  deps.shownWaits.add(wait);
}

/** Answers, and closes what was shown of it. */
export async function reply(wait: AttentionView, answer: AskAnswer, deps: CommandDeps): Promise<'answered'> {
  const { session, ask } = wait;
  const document = documentOf(wait, deps);
  await withProgress(t('Answering {0}', session), (signal) =>
    connectionOf(deps).api.request('session.answer', { session, ask: ask ?? '', answer }, signal),
  );
  deps.shownWaits.delete(wait);
  await deps.documents.close(document);
  return 'answered';
}

const documentOf = (wait: AttentionView, deps: CommandDeps): DocumentName =>
  waitDocument(wait, sessionOf(connectionOf(deps).snapshot, wait.session), t);

async function open({ session }: AttentionView, deps: CommandDeps): Promise<'opened'> {
  await attach({ session }, deps);
  return 'opened';
}

function nameOf({ session }: AttentionView, deps: CommandDeps): string {
  return fullSessionName(sessionOf(connectionOf(deps).snapshot, session), t);
}

function actionsFor(wait: AttentionView, hasNext: boolean): Choice<Action>[] {
  const choice = (label: string, icon: string, value: Action): Choice<Action> => ({
    label,
    iconPath: new vscode.ThemeIcon(icon),
    value,
  });
  return [
    ...(wait.resolvable ? answersFor(wait, choice) : []),
    ...(wait.detail === '' ? [] : [choice(t('Show Details'), 'preview', { kind: 'details' })]),
    choice(t('Open the Terminal'), 'terminal', { kind: 'open' }),
    ...(hasNext ? [choice(t('Skip to the Next One'), 'debug-step-over', { kind: 'skip' })] : []),
  ];
}

function answersFor(
  { kind, options, questions }: AttentionView,
  choice: (label: string, icon: string, value: Action) => Choice<Action>,
): Choice<Action>[] {
  if (kind === 'question' && questions !== undefined) {
    const label = questions.length === 1 ? t('Choose Answers…') : t('Answer {0} Questions…', questions.length);
    return [choice(label, 'list-selection', { kind: 'questions', questions })];
  }
  if (kind === 'question') {
    return [
      ...options.map((option) =>
        choice(option, 'circle-outline', { kind: 'reply', answer: { kind: 'answers', answers: [[option]] } }),
      ),
      choice(t('In Your Own Words…'), 'edit', { kind: 'own-words' }),
    ];
  }
  const isPlan = kind === 'plan';
  return [
    choice(isPlan ? t('Approve') : t('Allow'), 'check', { kind: 'reply', answer: { kind: 'allow' } }),
    ...(isPlan
      ? []
      : [choice(t('Always Allow'), 'check-all', { kind: 'reply', answer: { kind: 'allow', remember: true } })]),
    choice(isPlan ? t('Reject') : t('Deny'), 'close', { kind: 'reply', answer: { kind: 'deny' } }),
    choice(isPlan ? t('Reject and Say Why…') : t('Deny and Say Why…'), 'comment', { kind: 'deny-because' }),
  ];
}

/** Asks one question after the other. */
async function answersTo(title: string, questions: readonly AskedQuestion[]): Promise<string[][]> {
  const answers: string[][] = questions.map(() => []);
  const steps = questions.map(({ text, options, multiple }, index): Question => {
    const choices = options.map((option) => ({ label: option, value: option }));
    const own = async (place: Place): Promise<string[]> => [await input(place, { prompt: text, validate: notEmpty })];
    return {
      ask: async (place) => {
        if (choices.length === 0) answers[index] = await own(place);
        else if (multiple) answers[index] = await pickMany(place, choices, text, 'none');
        else {
          const ownWords = { label: t('In Your Own Words…'), value: undefined };
          const chosen = await pick<string | undefined>(place, [...choices, ownWords], { placeholder: text });
          answers[index] = chosen === undefined ? await own(place) : [chosen];
        }
      },
    };
  });
  await askInTurn(title, steps);
  return answers;
}

const notEmpty = (value: string): string | undefined =>
  value === '' ? t('Please write something, or press Escape to cancel.') : undefined;

async function textFor(title: string, prompt: string): Promise<string> {
  let text = '';
  await askInTurn(title, [
    {
      ask: async (place) => {
        text = await input(place, { prompt, validate: notEmpty });
      },
    },
  ]);
  return text;
}
