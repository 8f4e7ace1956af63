import { registerCommands } from './commands/command-table.ts';
import { ShownWaits } from './commands/shown-waits.ts';
import * as vscode from 'vscode';
import { AgentPrograms } from './town/agent-programs.ts';
import { ContextKeys } from './context-keys.ts';
import { ConfigProblems } from './diagnostics/config-problems.ts';
import { TerminalPath } from './environment/terminal-path.ts';
import { Lifetime } from './lifetime.ts';
import { tellOfClosedTerminals } from './notifications/closed-terminal.ts';
import { Notifier } from './notifications/notifier.ts';
import { RigReviews } from './notifications/rig-reviews.ts';
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
import { keepContextKeys } from './keep-context-keys.ts';

/** Puts the parts together and looks for a town. Disposing lets go of everything, in reverse order. */
export function startExtension(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Lifetime {
  const lifetime = new Lifetime();
  const typing = lifetime.own(new Typing());
  const terminals = new EditorTerminalHost(typing);
  const attachTerminals = lifetime.own(new AttachTerminals(typing));
  const documents = lifetime.own(new TextDocuments(log));
  const join = joinFrom(context, terminals, log);
  const finder = lifetime.own(new TownFinder(context.globalState, log));
  const town = lifetime.own(new CurrentTown({ find: (folders) => finder.find(folders), join, log }));
  lifetime.own(finder.onDidAgree(() => void town.refresh()));
  const agents = lifetime.own(new AgentPrograms(town, log));
  const views = lifetime.own(
    new Views(
      town,
      () => agents.found,
      () => typing.elsewhere(),
    ),
  );
  lifetime.own(agents.onDidChange(() => views.show()));
  const keys = lifetime.own(new ContextKeys());
  keepContextKeys(keys, town, agents, lifetime);
  const messages = lifetime.own(new MessagesView(town, keys, log));
  lifetime.own(new StatusBar(town));
  lifetime.own(new Notifier({ town, attachTerminals, typing, lookedAt: () => views.lookedAt }));
  lifetime.own(tellOfClosedTerminals(town));
  lifetime.own(town.onDidChange(() => documents.refresh()));
  lifetime.own(
    town.onDidChange(() => {
      // What they show has ended with the town.
      if (town.removed) attachTerminals.closeAll();
    }),
  );
  lifetime.own(new ConfigProblems(town));
  lifetime.own(new RigReviews(town));
  const path = lifetime.own(new TerminalPath(context));
  lifetime.own(town.onDidChange((snapshot) => void path.show(snapshot?.root)));
  const docs = vscode.Uri.joinPath(context.extensionUri, 'docs/user/README.md');
  const shownWaits = new ShownWaits();
  const deps = {
    town,
    attachTerminals,
    documents,
    messages,
    shownWaits,
    typing,
    log,
    docs,
    checkAgents: () => agents.check(),
  };
  lifetime.own(registerCommands(deps, views));
  void town.refresh();
  return lifetime;
}
