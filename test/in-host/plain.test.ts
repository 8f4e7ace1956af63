// In a window whose folder has to do with no town. The tests go on from what the ones before left.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { townPaths } from '../../shared/config/town-paths.ts';
import {
  ContextKeys,
  contributedCommands,
  gasTown,
  manifest,
  openFolder,
  registeredCommands,
} from '../support/in-host/gas-town.ts';

describe('in a plain folder', () => {
  let keys: ContextKeys;

  it('the extension is not activated, has no command registered and no context key set', async () => {
    assert.equal(gasTown().isActive, false);
    assert.deepEqual(await registeredCommands(), []);
    keys = await ContextKeys.watch();
    await keys.are();
    assert.equal(gasTown().isActive, false);
  });

  it('the defaults of the settings are in force all the same', () => {
    const settings = vscode.workspace.getConfiguration();
    const { properties } = manifest().contributes.configuration;
    const inForce = Object.keys(properties).map((name) => [name, settings.get(name)]);
    assert.deepEqual(
      inForce,
      Object.entries(properties).map(([name, property]) => [name, property.default]),
    );
    assert.ok(inForce.length > 0);
  });

  it('so are those that it gives to settings of the editor', async () => {
    assert.equal(
      vscode.workspace.getConfiguration('files').get<Record<string, boolean>>('watcherExclude')?.['**/.runtime/**'],
      true,
    );
    const request = await vscode.workspace.openTextDocument({ language: 'gastown-request', content: '' });
    const { wordWrap, lineNumbers } = vscode.workspace.getConfiguration('editor', request);
    assert.deepEqual({ wordWrap, lineNumbers }, { wordWrap: 'on', lineNumbers: 'off' });
    assert.equal(gasTown().isActive, false);
  });

  // The runner looks whether the host goes with the window: here it is the editor that deactivates.
  it('one of its commands activates the extension, and makes the folder a town', async () => {
    await vscode.commands.executeCommand('gastown.createTown', { folder: openFolder() });
    assert.equal(gasTown().isActive, true);
    assert.deepEqual(await registeredCommands(), contributedCommands());
    await keys.are('gastown.hasTown', 'gastown.searched');
    assert.equal(existsSync(townPaths(openFolder()).hostFile), true);
  });
});
