import * as vscode from 'vscode';
import type { DisposableStore } from '../shared/platform/disposable-store.ts';
import type { ContextKeys } from './context-keys.ts';
import type { AgentPrograms } from './town/agent-programs.ts';
import type { CurrentTown } from './town/current-town.ts';
import { classOf } from './views/session-icon.ts';

/** Keeps the `when` keys as the town is. */
export function keepContextKeys(
  keys: ContextKeys,
  town: CurrentTown,
  agents: AgentPrograms,
  disposables: DisposableStore,
): void {
  const update = () => {
    const { snapshot, searched } = town;
    const sessions = snapshot?.sessions ?? [];
    keys.set({
      searched,
      untrusted: searched && !vscode.workspace.isTrusted,
      joinFailed: town.problem !== undefined,
      removed: town.removed,
      townAbove: town.above !== undefined,
      hasTown: snapshot !== undefined,
      hasRigs: (snapshot?.rigs.length ?? 0) > 0,
      hasSessions: sessions.length > 0,
      hasWaiting: sessions.some((session) => classOf(session) === 'waiting'),
      noAgentProgram: snapshot !== undefined && sessions.length === 0 && !agents.found,
    });
  };
  disposables.add(town.onDidChange(update));
  disposables.add(agents.onDidChange(update));
}
