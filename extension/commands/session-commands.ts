/** Starting, watching and ending sessions. */
import * as vscode from 'vscode';
import { GasTownError } from '../../shared/platform/errors.ts';
import { roles, townRoles } from '../../shared/domain/orchestrator.ts';
import type { Role } from '../../shared/domain/orchestrator.ts';
import { ownedStates } from '../../shared/domain/work-state.ts';
import type { SessionView, TownSnapshot } from '../../shared/channel/views.ts';
import { isAlive, startsAgainBy } from '../views/session-icon.ts';
import { startText, startTextSince } from '../views/start-text.ts';
import { fullSessionName } from '../views/session-text.ts';
import { lostByEnding } from './lost-by-ending.ts';
import { connectionOf, sessionOf, withProgress } from './command.ts';
import type { Command, CommandDeps, Stages } from './command.ts';
import { askInTurn } from './dialog.ts';
import {
  agentQuestion,
  Answer,
  nameQuestion,
  pickOne,
  rigQuestion,
  roleQuestion,
  sessionChoices,
  sessionQuestion,
} from './questions.ts';
import { filled } from './work-commands.ts';

const t = vscode.l10n.t;

export const spawnSession: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const role = new Answer(given.role);
  const rig = new Answer(given.rig);
  const agent = new Answer(given.agent);
  const name = new Answer(given.name);
  const ofTown = () => townRoles.some((each) => each === role.value);
  const isSingle = () => role.value !== 'crew' && role.value !== 'polecat';
  await askInTurn(t('Spawn Session'), [
    roleQuestion(role, snapshot, given.rig !== undefined),
    rigQuestion(rig, snapshot, ofTown),
    agentQuestion(agent, snapshot, rig),
    nameQuestion(name, snapshot, rig, { needless: isSingle }),
  ]);
  const chosen = roles.find((each) => each === role.get());
  if (!chosen)
    throw new GasTownError('unknown-role', t('There is no role {0}. The roles are {1}.', role.get(), roles.join(', ')));
  if (isSingle()) name.value = undefined;
  if (ofTown()) rig.value = undefined;
  const session = await withProgress(
    t('Starting a session'),
    (signal) => api.request('session.spawn', { role: chosen, ...filled({ rig, agent, name }) }, signal),
    stagesOfNew(deps),
  );
  vscode.window.setStatusBarMessage(t('$(rocket) {0} has started.', fullSessionName(session, t)), 5000);
};

/** Of the session that is asked for now, be its name known or not. */
function stagesOfNew({ town }: CommandDeps): Stages {
  const { sessions = [], starting = [] } = town.snapshot ?? {};
  const known = [
    ...sessions.filter(({ state }) => state !== 'stopped' && state !== 'failed').map(({ id }) => id),
    ...starting.map(({ session }) => session),
  ];
  return { town, text: (now) => startTextSince(known, now, t) };
}

export const startMayor: Command = async (given, deps) => {
  await startSingle(deps, 'mayor', undefined, given.agent);
};

export const startRefinery: Command = async (given, deps) => {
  const rig = new Answer(given.rig);
  await askInTurn(t('Start Refinery'), [rigQuestion(rig, connectionOf(deps).snapshot)]);
  await startSingle(deps, 'refinery', rig.get(), given.agent);
};

/**
 * Starts the one session of the role, unless it runs, and shows it. A start takes seconds, in which the user may have
 * begun to type somewhere: then its terminal comes up without the keyboard.
 */
async function startSingle(
  deps: CommandDeps,
  role: Role,
  rig: string | undefined,
  agent: string | undefined,
): Promise<void> {
  const { api, snapshot } = connectionOf(deps);
  const present = snapshot.sessions.find((each) => each.role === role && each.rig === (rig ?? '') && isAlive(each));
  const spawn = { role, ...(rig === undefined ? {} : { rig }), ...(agent ? { agent } : {}) };
  const start = (signal: AbortSignal) => api.request('session.spawn', spawn, signal);
  const session = present ?? (await withProgress(t('Starting the {0}', role), start, stagesOfNew(deps)));
  await show(deps, session.id, present === undefined);
}

export const attach: Command = async (given, deps) => {
  const session = new Answer(given.session);
  const alive = connectionOf(deps).snapshot.sessions.filter(isAlive);
  await askInTurn(t('Attach'), [sessionQuestion(session, alive, t('Whose terminal?'))]);
  await show(deps, session.get());
};

/** Brings up the session's terminal, with the keyboard unless `preserveFocus`. */
async function show(deps: CommandDeps, session: string, preserveFocus = false): Promise<void> {
  const connection = connectionOf(deps);
  const target = await withProgress(t('Opening the terminal of {0}', session), (signal) =>
    connection.api.request('session.attach', { session, preserveFocus }, signal),
  );
  if (target.kind === 'program') deps.attachTerminals.show(session, target, preserveFocus);
  else if (connection.role === 'client') {
    void vscode.window.showInformationMessage(
      t('The terminal of {0} is in the window that hosts the town; it was brought to the front there.', session),
    );
  }
}

export const showAgents: Command = async (_given, deps) => {
  const { snapshot } = connectionOf(deps);
  if (snapshot.sessions.length === 0) {
    void vscode.window.showInformationMessage(
      t('The town has no sessions. Start one with "Gas Town: Spawn Session…".'),
    );
    return;
  }
  const placeholder = t('{0} sessions. Choose one to open its terminal.', snapshot.sessions.length);
  await show(deps, await pickOne(t('Agents'), sessionChoices(snapshot.sessions), placeholder));
};

export const terminateSession: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const answer = new Answer(given.session);
  await askInTurn(t('Terminate Session'), [
    sessionQuestion(answer, snapshot.sessions.filter(isAlive), t('Which session shall end?')),
  ]);
  const session = sessionOf(snapshot, answer.get());
  const lost = lostByEnding(session, snapshot.work, t);
  if (lost.length > 0) {
    const terminate = t('Terminate');
    const detail = [...lost, t('What is on its branch stays.')].join('\n');
    const chosen = await vscode.window.showWarningMessage(
      t('End {0}?', fullSessionName(session, t)),
      { modal: true, detail },
      terminate,
    );
    if (chosen !== terminate) return;
  }
  await withProgress(t('Ending {0}', fullSessionName(session, t)), (signal) =>
    api.request('session.stop', { session: session.id }, signal),
  );
};

/** Another chance for a session that failed; where it was quarantined, that is lifted. */
export const resetSession: Command = (given, deps) =>
  startAgain(given.session, deps, {
    title: t('Reset Session'),
    isMeant: (session) => startsAgainBy(session) === 'reset',
    none: t('No session has failed, so there is nothing to reset.'),
  });

/** Starts a session again that was stopped, or ended with its window. */
export const resumeSession: Command = (given, deps) =>
  startAgain(given.session, deps, {
    title: t('Start Session Again'),
    isMeant: (session) => startsAgainBy(session) === 'resume',
    none: t('No session has ended, so there is nothing to start again.'),
  });

/** With its conversation, where the agent still knows it. */
async function startAgain(
  given: string | undefined,
  deps: CommandDeps,
  { title, isMeant, none }: { title: string; isMeant: (session: SessionView) => boolean; none: string },
): Promise<void> {
  const { api, snapshot } = connectionOf(deps);
  const session = new Answer(given);
  const candidates = snapshot.sessions.filter(isMeant);
  if (candidates.length === 0) throw new GasTownError('refused', none);
  await askInTurn(title, [sessionQuestion(session, candidates, t('Which session shall start again?'))]);
  const again = await withProgress(
    t('Starting {0} again', session.get()),
    (signal) => api.request('session.reset', { session: session.get() }, signal),
    { town: deps.town, text: (now) => startText(session.value, now, t) },
  );
  vscode.window.setStatusBarMessage(t('$(rocket) {0} has started again.', fullSessionName(again, t)), 5000);
}

/** Takes a session that has ended off the list. */
export const dismissSession: Command = async (given, deps) => {
  const { api, snapshot } = connectionOf(deps);
  const answer = new Answer(given.session);
  const ended = snapshot.sessions.filter((each) => !isAlive(each));
  if (ended.length === 0) throw new GasTownError('refused', t('No session has ended, so there is nothing to dismiss.'));
  await askInTurn(t('Dismiss Session'), [sessionQuestion(answer, ended, t('Which session is not wanted any more?'))]);
  const session = sessionOf(snapshot, answer.get());
  const detail = t('Its work is open again then, and what is on the branch stays.');
  if (
    !(await isSure(
      t('Dismiss'),
      t('Dismiss {0} although it has work?', fullSessionName(session, t)),
      detail,
      session,
      snapshot,
    ))
  )
    return;
  await withProgress(t('Dismissing {0}', fullSessionName(session, t)), (signal) =>
    api.request('session.dismiss', { session: session.id }, signal),
  );
};

/** Asks only where the session has something that is not done. */
async function isSure(
  act: string,
  question: string,
  consequence: string,
  session: SessionView,
  snapshot: TownSnapshot,
): Promise<boolean> {
  const work = snapshot.work.filter((each) => each.owner === session.id && ownedStates.includes(each.state));
  if (work.length === 0) return true;
  const detail = `${t('Not done yet: {0}.', work.map((each) => each.id).join(', '))} ${consequence}`;
  return (await vscode.window.showWarningMessage(question, { modal: true, detail }, act)) === act;
}
