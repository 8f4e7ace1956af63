/** Answering what a session asks: from its row, from a notification, or from the list of all that wait. */
import * as vscode from 'vscode';
import { allWaits, waitsOf } from '../../shared/attention/waits.ts';
import type { AttentionView } from '../../shared/attention/waits.ts';
import type { AskAnswer } from '../../shared/backends/driver.ts';
import type { TownSnapshot } from '../../shared/town/snapshot.ts';
import { themeIcon } from '../views/node-tree-provider.ts';
import { sessionIcons } from '../views/session-icon.ts';
import { fullSessionName, stateText } from '../views/session-text.ts';
import { viewContext } from '../views/views.ts';
import { connectionOf, sessionOf } from './command.ts';
import type { Command, CommandDeps } from './command.ts';
import type { Choice } from './dialog.ts';
import type { Given } from './given.ts';
import { pickOne } from './questions.ts';
import { reply, review, showWait } from './review-wait.ts';
import { showAgents } from './session-commands.ts';

const t = vscode.l10n.t;

export const allow: Command = (given, deps) => decide(given, deps, { kind: 'allow' });

export const deny: Command = (given, deps) => decide(given, deps, { kind: 'deny' });

export const answer: Command = async (given, deps) => {
  await review(await chosen(given, deps), deps);
};

/** What a click on the row of a wait does. */
export const showAsk: Command = async (given, deps) => showWait(await chosen(given, deps), deps);

/** What the status bar leads to. */
export const showWaiting: Command = async (given, deps) => {
  return allWaits(connectionOf(deps).snapshot.sessions).length > 0 ? answer(given, deps) : showAgents(given, deps);
};

/** One wait after the other, the oldest first, until none is left or the person leaves. */
export const nextWaiting: Command = async (_given, deps) => {
  const seen = new Set<string>();
  for (let round = 1; ; round += 1) {
    const waits = allWaits(connectionOf(deps).snapshot.sessions).filter((wait) => !seen.has(keyOf(wait)));
    const [wait] = waits;
    if (!wait) {
      const words = seen.size === 0 ? t('$(check) No session waits for you.') : t('$(check) That was the last one.');
      vscode.window.setStatusBarMessage(words, 5000);
      return;
    }
    seen.add(keyOf(wait));
    const title = t('Waiting for You ({0} of {1})', round, round + waits.length - 1);
    const went = await review(wait, deps, { round: { title, hasNext: waits.length > 1 } });
    if (went === 'opened') return;
  }
};

const keyOf = ({ runId, ask, since }: AttentionView): string => `${runId}/${ask ?? since}`;

/** Allows or denies at once what can be judged by its row; everything else is shown with all its answers. */
async function decide(given: Given, deps: CommandDeps, verdict: AskAnswer): Promise<void> {
  const wait = await chosen(given, deps);
  if (!wait.resolvable || wait.kind === 'question') await review(wait, deps);
  else await reply(wait, verdict, deps);
}

/** The wait that was meant: the given one, the session's only one, or one out of several. */
async function chosen(given: Given, deps: CommandDeps): Promise<AttentionView> {
  const { snapshot } = connectionOf(deps);
  const all = allWaits(snapshot.sessions);
  if (given.session === undefined) return chooseWaiting(snapshot, all);
  const own = waitsOf(sessionOf(snapshot, given.session));
  const [wait, another] = given.ask === undefined ? own : own.filter((each) => each.ask === given.ask);
  if (wait) return another ? chooseWaiting(snapshot, own) : wait;
  // Answered in the terminal or in another window in the meantime: nothing is wrong, and nothing is left to do.
  vscode.window.setStatusBarMessage(t('$(check) That has been answered already.'), 5000);
  return chooseWaiting(snapshot, all);
}

async function chooseWaiting(snapshot: TownSnapshot, waits: readonly AttentionView[]): Promise<AttentionView> {
  const choices = waits.map((wait): Choice<AttentionView> => {
    const session = sessionOf(snapshot, wait.session);
    const name = fullSessionName(session, t);
    return {
      label: wait.ask === undefined ? name : wait.title,
      description: wait.ask === undefined ? stateText(session, viewContext()) : name,
      iconPath: themeIcon(sessionIcons[wait.kind]),
      value: wait,
    };
  });
  const placeholder = choices.length === 0 ? t('No session waits for you.') : t('What do you want to answer?');
  return pickOne(t('Waiting for You'), choices, placeholder);
}
