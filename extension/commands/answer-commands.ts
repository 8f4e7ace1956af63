/** Answering what a session asks: from its row, from a notification, or from the list of all that wait. */
import * as vscode from 'vscode';
import { allWaits, waitsOf } from '../../shared/attention/waits.ts';
import type { AskAnswer } from '../../shared/domain/run.ts';
import type { TownSnapshot, AttentionView } from '../../shared/channel/views.ts';
import { themeIcon } from '../views/node-tree-provider.ts';
import { sessionIcons } from '../views/session-icon.ts';
import { fullSessionName, stateText } from '../views/session-text.ts';
import { viewContext } from '../views/views.ts';
import { connectionOf, sessionOf } from './command.ts';
import type { Command, CommandDeps } from './command.ts';
import { cancelled } from './dialog.ts';
import type { Choice } from './dialog.ts';
import type { CommandArguments } from './command-arguments.ts';
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

/** One wait after the other, the oldest first, until none is left or the user leaves. */
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

/** Allows or denies at once what has been shown whole; everything else is shown now, with all its answers. */
async function decide(
  given: CommandArguments,
  deps: CommandDeps,
  verdict: AskAnswer & { kind: 'allow' | 'deny' },
): Promise<void> {
  const wait = await chosen(given, deps);
  const isShown = deps.shownWaits.has(wait) || (wait.atAGlance && given.shown === wait.title);
  if (wait.resolvable && wait.kind !== 'question' && isShown) await reply(wait, verdict, deps);
  else await review(wait, deps, { preferred: verdict.kind });
}

/** The wait that was meant: the given one, the session's only one, or one out of several. Never another one than was given. */
async function chosen(given: CommandArguments, deps: CommandDeps): Promise<AttentionView> {
  const { snapshot } = connectionOf(deps);
  if (given.session === undefined) return chooseWaiting(snapshot, allWaits(snapshot.sessions));
  const session = snapshot.sessions.find(({ id }) => id === given.session);
  const waits = (session ? waitsOf(session) : []).filter(
    ({ ask, runId }) => (given.ask ?? ask) === ask && (given.run ?? runId) === runId,
  );
  const [wait, another] = waits;
  if (wait) return another ? chooseWaiting(snapshot, waits) : wait;
  const name = session ? fullSessionName(session, t) : given.session;
  void vscode.window.showInformationMessage(
    t(
      '{0} does not wait for this any more: it was answered elsewhere, or its turn has ended. Nothing was answered now.',
      name,
    ),
  );
  throw cancelled();
}

async function chooseWaiting(snapshot: TownSnapshot, waits: readonly AttentionView[]): Promise<AttentionView> {
  const choices = waits.map((wait): Choice<AttentionView> => {
    const session = sessionOf(snapshot, wait.session);
    const name = fullSessionName(session, t);
    return {
      // Not an icon: `$(` begins a command inside another one.
      label: wait.ask === undefined ? name : wait.title.replaceAll('$(', '\\$('),
      description: wait.ask === undefined ? stateText(session, viewContext()) : name,
      iconPath: themeIcon(sessionIcons[wait.kind]),
      value: wait,
    };
  });
  const placeholder = choices.length === 0 ? t('No session waits for you.') : t('What do you want to answer?');
  return pickOne(t('Waiting for You'), choices, placeholder);
}
