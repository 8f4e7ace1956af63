import * as vscode from 'vscode';
import type { TerminalHost } from '../../shared/backends/terminal-host.ts';
import type { LifecycleCallbacks } from '../../shared/host/lifecycle-callbacks.ts';
import { joinTown } from '../../shared/host/membership.ts';
import { settings } from '../settings.ts';
import type { TownAccess } from './current-town.ts';
import { hostEnvironment } from './host-environment.ts';

/** Joins towns with what this installation of the extension has to offer. */
export function joinFrom(
  context: Pick<vscode.ExtensionContext, 'asAbsolutePath'>,
  terminals: TerminalHost,
  callbacks: LifecycleCallbacks,
  log: vscode.LogOutputChannel,
): TownAccess['join'] {
  return (root) =>
    joinTown({
      root,
      files: {
        reporters: context.asAbsolutePath('dist/plugin'),
        gt: context.asAbsolutePath('dist/plugin/gt.js'),
        prompts: context.asAbsolutePath('dist/roles'),
      },
      // The editor's own Node: its Electron needs to be told that it is one; the server's is one already.
      node: { command: process.execPath, env: process.versions['electron'] ? { ELECTRON_RUN_AS_NODE: '1' } : {} },
      environment: hostEnvironment(process.env, settings.agentsPath()),
      terminals,
      callbacks,
      log,
      trusted: () => vscode.workspace.isTrusted,
      window: vscode.env.sessionId,
    });
}
