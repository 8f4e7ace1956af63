/** New work, slinging it, and giving it to a session. */
import * as vscode from 'vscode';
import type { Params } from '../../shared/channel/protocol.ts';
import type { TownSnapshot, WorkView } from '../../shared/channel/views.ts';
import { hasCode } from '../../shared/platform/errors.ts';
import { ownedStates } from '../../shared/domain/work-state.ts';
import type { WorkState } from '../../shared/domain/work-state.ts';
import { isAlive } from '../views/session-icon.ts';
import { overlapText } from '../views/overlap-text.ts';
import { startTextOfWork } from '../views/start-text.ts';
import { fullSessionName } from '../views/session-text.ts';
import { connectionOf, withProgress } from './command.ts';
import type { Command } from './command.ts';
import { askInTurn, input, pick } from './dialog.ts';
import type { Question } from './dialog.ts';
import {
  agentQuestion,
  Answer,
  nameQuestion,
  onlyRig,
  rigQuestion,
  sessionQuestion,
  textQuestion,
  workChoices,
} from './questions.ts';

const t = vscode.l10n.t;

/** The choice of making new work instead of taking some that is there. */
const newWorkChoice = '';

/** A unit of one line, asked for in turn. */
export const quickWork: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const text = new Answer(given.text);
  const id = new Answer(given.work);
  const rig = new Answer(given.rig);
  const priority = new Answer(given.text === undefined ? undefined : '2');
  await askInTurn(t('Quick Work Unit'), [
    workTextQuestion(text),
    workIdQuestion(id, snapshot, () => given.text !== undefined),
    rigQuestion(rig, snapshot),
    priorityQuestion(priority),
  ]);
  const work = await withProgress(t('Adding the work unit'), (signal) =>
    api.request('work.add', { ...unit(text, id, rig), priority: Number(priority.get()) }, signal),
  );
  const slingIt = t('Sling…');
  const message = t('Work unit {0} was added.', work.id);
  void vscode.window.showInformationMessage(message, slingIt).then((chosen) => {
    if (chosen === slingIt) void vscode.commands.executeCommand('gastown.slingWork', { work: work.id });
  });
};

export const slingWork: Command = (given, deps) => sling(given, deps, {});

/** Without what the rig's settings say of new worktrees: where that is broken, work goes on all the same. */
export const slingWorkBare: Command = (given, deps) => sling(given, deps, { setup: false });

async function sling(
  given: Parameters<Command>[0],
  deps: Parameters<Command>[1],
  how: Pick<Params<'sling'>, 'setup'>,
): Promise<void> {
  const { api, snapshot } = connectionOf(deps);
  const work = new Answer(given.work);
  const text = new Answer(given.text);
  const id = new Answer(undefined);
  const rig = new Answer(given.rig ?? rigOf(given.work, snapshot));
  const agent = new Answer(given.agent);
  const name = new Answer(given.name);
  const isNew = () => work.value === newWorkChoice;
  const isForARig = () => rigOf(work.value, snapshot) !== undefined;
  const textQuestionOfNew = workTextQuestion(text);
  await askInTurn(t('Sling Work'), [
    workQuestion(work, snapshot, (chosen) => {
      if (given.rig === undefined) rig.value = rigOf(chosen, snapshot) ?? onlyRig(snapshot);
    }),
    { ...textQuestionOfNew, skip: () => !isNew() || given.text !== undefined },
    workIdQuestion(id, snapshot, () => !isNew()),
    rigQuestion(rig, snapshot, isForARig),
    agentQuestion(agent, snapshot, rig),
    nameQuestion(name, snapshot, rig, {
      hint: () => overlapHint(api, { rig: rig.get(), ...(isNew() ? { message: text.get() } : { work: work.get() }) }),
    }),
  ]);
  let unitId = work.get();
  const begin = async (signal: AbortSignal) => {
    if (isNew()) unitId = (await api.request('work.add', unit(text, id, rig), signal)).id;
    const order = { work: unitId, rig: rig.get(), ...filled({ agent, name }), ...how };
    deps.toldFailures.begin(unitId, Date.now());
    let failed = true;
    try {
      const slung = await api.request('sling', order, signal);
      failed = false;
      return slung;
    } catch (error) {
      if (!hasCode(error, 'waits')) throw error;
      return { work: await api.request('work.queue', order, signal) };
    } finally {
      deps.toldFailures.end(unitId, failed, Date.now());
    }
  };
  const slung = await withProgress(t('Slinging work to {0}', rig.get()), begin, {
    town: deps.town,
    text: (now) => startTextOfWork(unitId, now, t),
  });
  if (!('session' in slung)) {
    const message = t('{0} waits for {1}. It begins by itself.', slung.work.id, slung.work.waitsFor?.join(', ') ?? '');
    void vscode.window.showInformationMessage(message);
    return;
  }
  const { session } = slung;
  vscode.window.setStatusBarMessage(t('$(rocket) {0} has the work.', fullSessionName(session, t)), 5000);
}

/** So long the dialog waits for what is only a hint, in ms. */
const hintMs = 1_000;

/** Which open branches change the files that the unit names; undefined where none does, or nobody says so in time. */
async function overlapHint(
  api: ReturnType<typeof connectionOf>['api'],
  about: Params<'work.overlap'>,
): Promise<string | undefined> {
  const found = await api.request('work.overlap', about, AbortSignal.timeout(hintMs)).catch(() => undefined);
  return found && overlapText(found, t);
}

export const assignWork: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const work = new Answer(given.work);
  const session = new Answer(given.session);
  const text = new Answer(given.text);
  const id = new Answer(undefined);
  const isNew = () => work.value === newWorkChoice;
  const textQuestionOfNew = workTextQuestion(text);
  await askInTurn(t('Assign Work'), [
    workQuestion(work, snapshot),
    { ...textQuestionOfNew, skip: () => !isNew() || given.text !== undefined },
    workIdQuestion(id, snapshot, () => !isNew()),
    sessionQuestion(session, snapshot.sessions.filter(isAlive), t('Who shall have it?')),
  ]);
  await withProgress(t('Assigning work to {0}', session.get()), async (signal) => {
    const rig = new Answer(snapshot.sessions.find((each) => each.id === session.value)?.rig);
    const unitId = isNew() ? (await api.request('work.add', unit(text, id, rig), signal)).id : work.get();
    return api.request('work.assign', { id: unitId, session: session.get() }, signal);
  });
};

export const cancelWork: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const work = new Answer(given.work);
  const cancellable = snapshot.work.filter(({ state }) => state !== 'done' && state !== 'cancelled');
  await askInTurn(t('Cancel Work'), [ofWorkQuestion(work, cancellable, t('Which work shall nobody do any more?'))]);
  const unit = snapshot.work.find(({ id }) => id === work.get());
  if (unit?.owner !== undefined && ownedStates.includes(unit.state)) {
    const cancel = t('Cancel Work');
    const question = t('Cancel {0} although {1} has it?', unit.id, unit.owner);
    const detail = t('The session goes on, and is told. What is on the branch stays.');
    if ((await vscode.window.showWarningMessage(question, { modal: true, detail }, cancel)) !== cancel) return;
  }
  await api.request('work.cancel', { id: work.get() });
};

export const requeueWork: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const work = new Answer(given.work);
  const states: readonly WorkState[] = ['open', 'failed', 'escalated', 'stalled', 'cancelled'];
  const again = snapshot.work.filter(({ state }) => states.includes(state));
  await askInTurn(t('Queue Work Again'), [ofWorkQuestion(work, again, t('Which work gets another chance?'))]);
  await api.request('work.requeue', { id: work.get() });
};

function ofWorkQuestion(answer: Answer, units: readonly WorkView[], placeholder: string): Question {
  return answer.question(async (place) => {
    answer.value = await pick(place, workChoices(units), { placeholder });
  });
}

function workQuestion(answer: Answer, snapshot: TownSnapshot, onChosen?: (work: string) => void): Question {
  return answer.question(async (place) => {
    const free = snapshot.work.filter((each) => ['open', 'queued', 'failed', 'escalated'].includes(each.state));
    const create = { label: t('New Work Unit…'), iconPath: new vscode.ThemeIcon('add'), value: newWorkChoice };
    answer.value = await pick(place, [...workChoices(free), create], { placeholder: t('Which work?') });
    onChosen?.(answer.value);
  });
}

function workTextQuestion(answer: Answer): Question {
  return textQuestion(
    answer,
    t('What is to be done? The agent reads this.'),
    t('Add a dark theme to the settings page'),
  );
}

function workIdQuestion(answer: Answer, snapshot: TownSnapshot, needless: () => boolean): Question {
  return answer.question(async (place) => {
    answer.value = await input(place, {
      prompt: t('Id of the work unit, such as an issue number. Leave it empty to let the town choose.'),
      placeholder: 'issue-1',
      ...(answer.value === undefined ? {} : { value: answer.value }),
      validate: (text) => {
        if (text !== '' && !/^[A-Za-z0-9][\w.-]*$/.test(text)) return t('Use letters, digits, "-", "_" and "." only.');
        return snapshot.work.some((each) => each.id === text) ? t('There is work with this id already.') : undefined;
      },
    });
  }, needless);
}

function priorityQuestion(answer: Answer): Question {
  const names = [t('Critical'), t('High'), t('Normal'), t('Low'), t('Backlog')];
  return answer.question(async (place) => {
    const choices = names.map((label, priority) => ({ label, description: `P${priority}`, value: String(priority) }));
    answer.value = await pick(place, choices, { placeholder: t('How urgent is it?'), preferred: t('Normal') });
  });
}

function rigOf(work: string | undefined, snapshot: TownSnapshot): string | undefined {
  return snapshot.work.find((each) => each.id === work)?.rig || undefined;
}

function unit(text: Answer, id: Answer, rig: Answer): { description: string; id?: string; rig?: string } {
  return { description: text.get(), ...(id.value ? { id: id.value } : {}), ...(rig.value ? { rig: rig.value } : {}) };
}

/** The answers that were not left to the town. */
export function filled<K extends string>(answers: Record<K, Answer>): Partial<Record<K, string>> {
  const given: Partial<Record<K, string>> = {};
  for (const key of Object.keys(answers) as K[]) if (answers[key].value) given[key] = answers[key].value;
  return given;
}
