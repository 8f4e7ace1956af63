/** What happened to a session, to be read and to be kept. */
import * as vscode from 'vscode';
import { fullSessionName } from '../views/session-text.ts';
import { timelineMarkdown, timelineText } from '../views/timeline-text.ts';
import { connectionOf, sessionOf, withProgress } from './command.ts';
import type { Command, CommandDeps } from './command.ts';
import { askInTurn } from './dialog.ts';
import type { CommandArguments } from './command-arguments.ts';
import { Answer, sessionQuestion } from './questions.ts';

const t = vscode.l10n.t;

/** So many of the newest entries are shown; an export has all that is kept. */
const shown = 500;
const everything = 10_000;

/** Opens the timeline in an editor; it stays as the session is. */
export const showTimeline: Command = async (given, deps) => {
  const session = await whose(given, deps);
  const read = async (): Promise<string> => {
    const { entries } = await connectionOf(deps).api.request('session.log', { session, limit: shown });
    return timelineText(nameOf(session, deps), entries, t);
  };
  const title = t('Timeline of {0}', nameOf(session, deps));
  await deps.documents.show({ title, id: session }, await withProgress(title, read), { refresh: read });
};

/** Writes all of it to a file: as JSON where the name ends so, else as Markdown. */
export const exportTimeline: Command = async (given, deps) => {
  const session = await whose(given, deps);
  const name = nameOf(session, deps);
  const target = await vscode.window.showSaveDialog({
    title: t('Export the Timeline of {0}', name),
    defaultUri: vscode.Uri.joinPath(vscode.Uri.file(connectionOf(deps).snapshot.root), `${session}-timeline.md`),
    filters: { Markdown: ['md'], JSON: ['json'] },
  });
  if (!target) return;
  const { entries } = await withProgress(t('Exporting the timeline of {0}', name), (signal) =>
    connectionOf(deps).api.request('session.log', { session, limit: everything }, signal),
  );
  const text = target.path.endsWith('.json')
    ? `${JSON.stringify({ session, entries }, null, 2)}\n`
    : timelineMarkdown(name, entries, t);
  await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(text));
  vscode.window.setStatusBarMessage(t('$(save) The timeline of {0} is in {1}.', name, target.fsPath), 5000);
};

async function whose(given: CommandArguments, deps: CommandDeps): Promise<string> {
  const session = new Answer(given.session);
  await askInTurn(t('Timeline'), [
    sessionQuestion(session, connectionOf(deps).snapshot.sessions, t('Whose timeline?')),
  ]);
  return session.get();
}

/** A session that has left the list is called by its id. */
function nameOf(session: string, deps: CommandDeps): string {
  const { snapshot } = connectionOf(deps);
  return snapshot.sessions.some(({ id }) => id === session)
    ? fullSessionName(sessionOf(snapshot, session), t)
    : session;
}
