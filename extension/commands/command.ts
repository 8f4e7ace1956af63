import * as vscode from 'vscode';
import { GasTownError } from '../../shared/platform/errors.ts';
import type { TownConnection } from '../../shared/host/membership.ts';
import type { SessionView, TownSnapshot } from '../../shared/channel/views.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import type { ToldFailures } from '../notifications/told-failures.ts';
import type { ReviewComments } from '../review/review-comments.ts';
import type { ReviewEditors } from '../review/review-editors.ts';
import type { UnitPage } from '../review/unit-page.ts';
import type { AttachTerminals } from '../terminals/attach-terminals.ts';
import type { Typing } from '../terminals/typing.ts';
import type { CurrentTown } from '../town/current-town.ts';
import type { TownFinder } from '../town/town-finder.ts';
import type { MessagesView } from '../views/messages-view.ts';
import type { TextDocuments } from '../views/text-documents.ts';
import type { WorkDocuments } from '../views/work-documents.ts';
import { viewIds } from '../views/views.ts';
import type { CommandArguments } from './command-arguments.ts';
import type { ShownWaits } from './shown-waits.ts';

export interface CommandDeps {
  readonly town: CurrentTown;
  readonly finder: TownFinder;
  readonly attachTerminals: AttachTerminals;
  readonly documents: TextDocuments;
  readonly workDocuments: WorkDocuments;
  readonly messages: MessagesView;
  readonly shownWaits: ShownWaits;
  readonly typing: Typing;
  readonly toldFailures: ToldFailures;
  readonly reviews: ReviewEditors;
  readonly comments: ReviewComments;
  readonly unitPage: UnitPage;
  readonly log: vscode.LogOutputChannel;
  /** The first of the documents for users, in the installed extension. */
  readonly docs: vscode.Uri;
  /** Looks for agent programs again. */
  checkAgents(): Promise<void>;
}

export type Command = (given: CommandArguments, deps: CommandDeps) => Promise<void>;

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

/** How far something has come, in words that change with the town; empty where there is nothing to say. */
export interface Stages {
  town: Pick<CurrentTown, 'snapshot' | 'onDidChange'>;
  text(snapshot: TownSnapshot): string;
}

/**
 * Runs what may take a while: progress shows above the Sessions view, and where it takes long also as a notification,
 * by which it can be cancelled, and which says how far it has come.
 */
export async function withProgress<T>(
  title: string,
  task: (signal: AbortSignal) => Promise<T>,
  stages?: Stages,
): Promise<T> {
  const controller = new AbortController();
  const running = task(controller.signal);
  const ended = running.then(
    () => undefined,
    () => undefined,
  );
  void vscode.window.withProgress({ location: { viewId: viewIds.sessions } }, () => ended);
  const notification = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  const disposables = new DisposableStore();
  const timer = setTimeout(() => {
    void vscode.window.withProgress(notification, (progress, token) => {
      disposables.add(token.onCancellationRequested(() => controller.abort()));
      if (stages) tell(stages, progress, disposables);
      return ended;
    });
  }, slow);
  try {
    return await running;
  } finally {
    clearTimeout(timer);
    void disposables.dispose();
  }
}

function tell(
  { town, text }: Stages,
  progress: vscode.Progress<{ message: string }>,
  disposables: DisposableStore,
): void {
  let told = '';
  const show = (snapshot = town.snapshot): void => {
    const message = snapshot ? text(snapshot) : '';
    if (message !== told) progress.report({ message });
    told = message;
  };
  disposables.add(town.onDidChange(show));
  show();
}
