import * as vscode from 'vscode';
import { messageOf } from '../shared/errors.ts';
import { startExtension } from './extension.ts';
import type { Lifetime } from './lifetime.ts';

let running: Lifetime | undefined;

/** Resolves before a town is joined: what takes time goes on behind the views. */
export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('Gas Town', { log: true });
  context.subscriptions.push(log);
  try {
    running = startExtension(context, log);
  } catch (error) {
    // The editor itself says nothing when an extension fails to activate.
    log.error(error instanceof Error ? error : messageOf(error));
    void vscode.window.showErrorMessage(vscode.l10n.t('Gas Town could not start: {0}', messageOf(error)));
    throw error;
  }
}

/** The host lets go; sessions live on. */
export async function deactivate(): Promise<void> {
  await running?.dispose();
  running = undefined;
}
