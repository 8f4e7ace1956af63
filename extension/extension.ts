import { registerCommands } from './commands/command-table.ts';
import { tellSaved } from './commands/work-document-commands.ts';
import { ShownWaits } from './commands/shown-waits.ts';
import * as vscode from 'vscode';
import { AgentPrograms } from './town/agent-programs.ts';
import { ContextKeys } from './context-keys.ts';
import { ConfigProblems } from './diagnostics/config-problems.ts';
import { TerminalPath } from './environment/terminal-path.ts';
import { ExportedApi } from './exported-api.ts';
import type { GasTownApi } from './exported-api.ts';
import { DisposableStore } from '../shared/platform/disposable-store.ts';
import { tellOfClosedTerminals } from './notifications/closed-terminal.ts';
import { Notifier } from './notifications/notifier.ts';
import { ToldFailures } from './notifications/told-failures.ts';
import { RigReviews } from './notifications/rig-reviews.ts';
import { ReviewComments } from './review/review-comments.ts';
import { ReviewDocuments } from './review/review-documents.ts';
import { ReviewEditors } from './review/review-editors.ts';
import { UnitPage } from './review/unit-page.ts';
import { AttachTerminals } from './terminals/attach-terminals.ts';
import { EditorTerminalHost } from './terminals/editor-terminal-host.ts';
import { Typing } from './terminals/typing.ts';
import { CurrentTown } from './town/current-town.ts';
import { joinFrom } from './town/join-from.ts';
import { TownFinder } from './town/town-finder.ts';
import { MessagesView } from './views/messages-view.ts';
import { StatusBar } from './views/status-bar.ts';
import { TextDocuments } from './views/text-documents.ts';
import { Views } from './views/views.ts';
import { WorkDocuments } from './views/work-documents.ts';
import { keepContextKeys } from './keep-context-keys.ts';

export interface RunningExtension {
  /** Disposing disposes everything, in reverse order. */
  disposables: DisposableStore;
  api: GasTownApi;
}

/** Puts the parts together and looks for a town. */
export function startExtension(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): RunningExtension {
  const disposables = new DisposableStore();
  const typing = disposables.add(new Typing());
  const terminals = new EditorTerminalHost(typing);
  const attachTerminals = disposables.add(new AttachTerminals(typing));
  const documents = disposables.add(new TextDocuments(log));
  const exported = disposables.add(new ExportedApi());
  const join = joinFrom(context, terminals, exported.callbacks, log);
  const finder = disposables.add(new TownFinder(context.globalState, log));
  const town = disposables.add(new CurrentTown({ find: (folders) => finder.find(folders), join, log }));
  disposables.add(
    town.onDidAskToShow(({ work }) => void vscode.commands.executeCommand('gastown.reviewWork', { work })),
  );
  const workDocuments = disposables.add(new WorkDocuments(() => town.connection, context.workspaceState));
  disposables.add(workDocuments.onDidSave((saved) => void tellSaved(saved)));
  disposables.add(finder.onDidAgree(() => void town.refresh()));
  const agents = disposables.add(new AgentPrograms(town, log));
  const views = disposables.add(
    new Views(
      town,
      () => agents.found,
      () => typing.elsewhere(),
    ),
  );
  disposables.add(agents.onDidChange(() => views.show()));
  const keys = disposables.add(new ContextKeys());
  keepContextKeys(keys, town, agents, disposables);
  const messages = disposables.add(new MessagesView(town, keys, log));
  disposables.add(new StatusBar(town));
  const toldFailures = new ToldFailures();
  disposables.add(new Notifier({ town, attachTerminals, typing, toldFailures, lookedAt: () => views.lookedAt }));
  disposables.add(tellOfClosedTerminals(town));
  disposables.add(town.onDidChange(() => documents.refresh()));
  disposables.add(
    town.onDidChange(() => {
      // What they show has ended with the town.
      if (town.removed) attachTerminals.closeAll();
    }),
  );
  disposables.add(new ReviewDocuments(town));
  const reviews = disposables.add(new ReviewEditors(town, keys));
  const comments = disposables.add(new ReviewComments(town, log));
  const unitPage = disposables.add(new UnitPage(town, log));
  disposables.add(new ConfigProblems(town));
  disposables.add(new RigReviews(town));
  const path = disposables.add(new TerminalPath(context));
  disposables.add(town.onDidChange((snapshot) => void path.show(snapshot?.root)));
  const docs = vscode.Uri.joinPath(context.extensionUri, 'docs/user/README.md');
  const shownWaits = new ShownWaits();
  const deps = {
    town,
    finder,
    attachTerminals,
    documents,
    workDocuments,
    messages,
    shownWaits,
    typing,
    toldFailures,
    reviews,
    comments,
    unitPage,
    log,
    docs,
    checkAgents: () => agents.check(),
  };
  disposables.add(registerCommands(deps, views));
  void town.refresh();
  return { disposables, api: exported.of(town) };
}
