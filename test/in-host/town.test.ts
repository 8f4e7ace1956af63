// In a window whose folder is a town. The tests go on from what the ones before left.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { GasTownApi } from '../../extension/exported-api.ts';
import { settingsPath } from '../../shared/config/settings-path.ts';
import { townPaths } from '../../shared/config/town-paths.ts';
import { eventually } from '../support/editor/eventually.ts';
import {
  ContextKeys,
  contributedCommands,
  gasTown,
  manifest,
  openFolder,
  registeredCommands,
} from '../support/in-host/gas-town.ts';

describe('in the folder of a town', () => {
  const { root, hostFile } = townPaths(openFolder());
  let keys: ContextKeys;

  // Tests run when the editor has dealt with `workspaceContains`: there is nothing to wait for.
  it('the extension is active from the start', () => {
    assert.equal(gasTown().isActive, true);
  });

  it('every contributed command is registered, and no other', async () => {
    assert.deepEqual(await registeredCommands(), contributedCommands());
  });

  it('this extension host becomes the host of the town', async () => {
    await eventually(
      'a host',
      async () => existsSync(hostFile),
      (exists) => exists,
    );
    assert.equal((JSON.parse(readFileSync(hostFile, 'utf8')) as { pid: number }).pid, process.pid);
  });

  it('the extension exports the orchestrators of the town that this window hosts', async () => {
    const { version, orchestrators } = gasTown().exports as GasTownApi;
    assert.equal(version, 1);
    await eventually(
      'the orchestrators',
      async () => [...orchestrators().keys()].sort(),
      (names) => names.length > 0,
    );
    const opencode = orchestrators().get('opencode');
    assert.equal(opencode?.name(), 'opencode');
    assert.deepEqual(await opencode?.listSessions(), []);
    await assert.rejects(async () => opencode?.terminateSession('hq-mayor'), { code: 'unknown-session' });
  });

  it('the context keys say that there is a town, and no rig', async () => {
    keys = await ContextKeys.watch();
    await keys.are('gastown.hasTown', 'gastown.searched');
  });

  it('a command opens the settings of the town', async () => {
    await vscode.commands.executeCommand('gastown.openTownSettings');
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, settingsPath(root));
  });

  it('a command with an argument object asks nothing, and the context keys follow what it does', async () => {
    const source = path.join(path.dirname(root), 'rig');
    await vscode.commands.executeCommand('gastown.addRig', { source, name: 'myproject' });
    await keys.are('gastown.hasRigs', 'gastown.hasTown', 'gastown.searched');
    await vscode.commands.executeCommand('gastown.openRigSettings', { rig: 'myproject' });
    const document = vscode.window.activeTextEditor?.document;
    assert.equal(document?.uri.fsPath, settingsPath(source));
    assert.match(document.getText(), /"type": "rig-settings"/);
  });

  it('deactivation gives up the town, the commands and the context keys', async () => {
    const { deactivate } = await activated();
    await deactivate();
    assert.equal(existsSync(hostFile), false);
    await eventually('no command of ours', registeredCommands, (commands) => commands.length === 0);
    await keys.are();
  });
});

/** The very module that the editor has activated. It deactivates it once more at the end, which must not matter. */
async function activated(): Promise<{ deactivate(): Promise<void> }> {
  const file = path.join(gasTown().extensionPath, manifest().main);
  return (await import(pathToFileURL(file).href)) as { deactivate(): Promise<void> };
}
