/** Handing a unit of work, with its branch and worktree, to another session. */
import * as vscode from 'vscode';
import { GasTownError } from '../../shared/platform/errors.ts';
import { ownedStates } from '../../shared/domain/work-state.ts';
import type { SessionView, TownSnapshot, WorkView } from '../../shared/channel/views.ts';
import { isAlive } from '../views/session-icon.ts';
import { fullSessionName } from '../views/session-text.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';
import { askInTurn, input, pick } from './dialog.ts';
import type { Question } from './dialog.ts';
import { agentQuestion, Answer, nameComplaint, sessionChoices, textQuestion, workChoices } from './questions.ts';

const t = vscode.l10n.t;

/** The choice of a new polecat instead of a session that runs. */
const newPolecat = '';

/** Given may be the unit or its session, who gets it (`to`, or `name` and `agent` of a new polecat), and the context (`text`). */
export const handOffWork: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const units = snapshot.work.filter(
    (each) => ownedStates.includes(each.state) && (given.session === undefined || each.owner === given.session),
  );
  if (units.length === 0) throw new GasTownError('refused', t('No session has work that could be handed off.'));
  const work = new Answer(given.work ?? (units.length === 1 ? units[0]?.id : undefined));
  const to = new Answer(given.to ?? (given.name === undefined ? undefined : newPolecat));
  const rig = new Answer(undefined);
  const name = new Answer(given.name);
  const agent = new Answer(given.agent);
  const text = new Answer(given.text);
  const unit = (): WorkView | undefined => snapshot.work.find(({ id }) => id === work.value);
  const isRunning = (): boolean => to.value !== newPolecat;
  await askInTurn(t('Hand Off Work'), [
    work.question(async (place) => {
      work.value = await pick(place, workChoices(units), { placeholder: t('Which work?') });
    }),
    receiverQuestion(to, unit, () => receivers(snapshot, unit())),
    polecatQuestion(name, snapshot, () => unit()?.rig, isRunning),
    agentQuestionOf(agent, snapshot, rig, () => unit()?.rig, isRunning),
    textQuestion(
      text,
      t('What does the new session have to know?'),
      t('The tests are written; the last one still fails'),
    ),
  ]);
  const chosen = unit();
  if (chosen?.owner === undefined)
    throw new GasTownError('refused', t("{0} is nobody's now, so it cannot be handed off.", work.get()));
  const params = {
    from: chosen.owner,
    to: isRunning() ? to.get() : name.get(),
    work: chosen.id,
    context: text.get(),
    ...(!isRunning() && agent.value ? { agent: agent.value } : {}),
  };
  const { session } = await withProgress(t('Handing {0} off', chosen.id), (signal) =>
    api.request('work.handoff', params, signal),
  );
  vscode.window.setStatusBarMessage(t('$(rocket) {0} has the work.', fullSessionName(session, t)), 5000);
};

function receivers(snapshot: TownSnapshot, unit: WorkView | undefined): SessionView[] {
  return snapshot.sessions.filter(
    (each) =>
      isAlive(each) && each.id !== unit?.owner && (each.rig === '' || unit?.rig === '' || each.rig === unit?.rig),
  );
}

function receiverQuestion(answer: Answer, unit: () => WorkView | undefined, sessions: () => SessionView[]): Question {
  return answer.question(async (place) => {
    const where =
      unit()?.branch === undefined ? t('started in a worktree of its own') : t('started in the worktree of the work');
    const create = {
      label: t('New Polecat…'),
      description: where,
      iconPath: new vscode.ThemeIcon('add'),
      value: newPolecat,
    };
    answer.value = await pick(place, [create, ...sessionChoices(sessions())], {
      placeholder: t('Who shall go on with {0}?', unit()?.id ?? ''),
    });
  });
}

function polecatQuestion(
  answer: Answer,
  snapshot: TownSnapshot,
  rig: () => string | undefined,
  needless: () => boolean,
): Question {
  return answer.question(async (place) => {
    const taken = new Set(
      snapshot.sessions.filter((each) => each.rig === rig() && isAlive(each)).map((each) => each.agentName),
    );
    answer.value = await input(place, {
      prompt: t('Name of the new polecat.'),
      placeholder: 'worker-2',
      ...(answer.value === undefined ? {} : { value: answer.value }),
      validate: (name) =>
        name === '' ? t('Please write a name, or press Escape to cancel.') : nameComplaint(name, taken),
    });
  }, needless);
}

/** The rig is known only when the work has been chosen. */
function agentQuestionOf(
  answer: Answer,
  snapshot: TownSnapshot,
  rig: Answer,
  rigOf: () => string | undefined,
  needless: () => boolean,
): Question {
  const question = agentQuestion(answer, snapshot, rig);
  return {
    skip: () => needless() || (question.skip?.() ?? false),
    ask: (place) => {
      rig.value = rigOf();
      return question.ask(place);
    },
  };
}
