import * as vscode from 'vscode';
import { GasTownError } from '../../shared/errors.ts';
import type { TownConnection } from '../../shared/town/join.ts';
import type { SessionView, TownSnapshot } from '../../shared/town/snapshot.ts';
import type { AttachTerminals } from '../terminals/attach-terminals.ts';
import type { Typing } from '../terminals/typing.ts';
import type { CurrentTown } from '../town/current-town.ts';
import type { MessagesView } from '../views/messages-view.ts';
import type { TextDocuments } from '../views/text-documents.ts';
import { viewIds } from '../views/views.ts';
import type { Given } from './given.ts';
import type { ShownWaits } from './shown-waits.ts';

export interface CommandDeps {
  readonly town: CurrentTown;
  readonly attachTerminals: AttachTerminals;
  readonly documents: TextDocuments;
  readonly messages: MessagesView;
  readonly shownWaits: ShownWaits;
  readonly typing: Typing;
  readonly log: vscode.LogOutputChannel;
  /** The first of the documents for users, in the installed extension. */
  readonly docs: vscode.Uri;
  /** Looks for agent programs again. */
  checkAgents(): Promise<void>;
}

export type Command = (given: Given, deps: CommandDeps) => Promise<void>;

/** Rejects, naming the way out, where this window is in no town. */
export function connectionOf({ town }: CommandDeps): TownConnection {
  if (town.connection) return town.connection;
  throw new GasTownError(
    'no-town',
    vscode.l10n.t('This window is in no town. Create one with "Gas Town: Create Town…", or open the folder of one.'),
  );
}

export function sessionOf(snapshot: TownSnapshot, id: string): SessionView {
  const session = snapshot.sessions.find((each) => each.id === id);
  if (session) return session;
  throw new GasTownError('unknown-session', vscode.l10n.t('The session {0} is not there any more.', id));
}

/** Until then the bar above the view says enough, in milliseconds. */
const slow = 1500;

/**
 * Runs what may take a while: progress shows above the Sessions view, and where it takes long also as a notification,
 * by which it can be cancelled.
 */
export async function withProgress<T>(title: string, task: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const running = task(controller.signal);
  const ended = running.then(
    () => undefined,
    () => undefined,
  );
  void vscode.window.withProgress({ location: { viewId: viewIds.sessions } }, () => ended);
  const notification = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  const timer = setTimeout(() => {
    void vscode.window.withProgress(notification, (_progress, token) => {
      token.onCancellationRequested(() => controller.abort());
      return ended;
    });
  }, slow);
  try {
    return await running;
  } finally {
    clearTimeout(timer);
  }
}
