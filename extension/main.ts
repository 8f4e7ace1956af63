import * as vscode from 'vscode';
import { messageOf } from '../shared/platform/errors.ts';
import { startExtension } from './extension.ts';
import type { GasTownApi } from './exported-api.ts';
import type { DisposableStore } from '../shared/platform/disposable-store.ts';

let running: DisposableStore | undefined;

/** Resolves before a town is joined: what takes time goes on behind the views. */
export function activate(context: vscode.ExtensionContext): GasTownApi {
  const log = vscode.window.createOutputChannel('Gas Town', { log: true });
  context.subscriptions.push(log);
  try {
    const { disposables, api } = startExtension(context, log);
    running = disposables;
    return api;
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
