// The trust in a workspace is for the folders that are opened: a town above them is opened when the user agrees, once.

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { townPaths } from '../../shared/town/paths.ts';
import { rigName, stopAtFirstFailure, TownEditor } from '../support/editor/town-editor.ts';

describe('a town above the opened folder', () => {
  let town: TownEditor;
  const inside = (): string => path.join(town.root, 'docs');

  beforeAll(async () => {
    town = await TownEditor.start();
    await mkdir(inside());
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const question = /This folder lies in the Gas Town .*\/town, which is not part of the workspace that you trust/;

  it('is asked about, and not opened until the user agrees', async () => {
    await town.openWindow(inside());
    await town.window.views.open('Gas Town');
    expect(await town.window.notifications.waitFor(question)).toMatchObject({
      severity: 'info',
      buttons: ['Open This Town'],
    });
    expect(existsSync(townPaths(town.root).hostFile)).toBe(false);
    await town.window.screenshot('town-above');
    await town.window.notifications.click(question, 'Open This Town');
    await town.watch();
    expect(town.watcher.snapshot.root).toBe(town.root);
    // A town without a rig has no rows.
    await town.watcher.request('rig.add', { source: town.rig, name: rigName });
    town.watcher.close();
  });

  it('is opened at once from then on, in other windows, too', async () => {
    await town.openWindow(inside());
    await town.window.views.open('Gas Town');
    await town.sessions.row('town').waitFor();
    expect((await town.window.notifications.list()).filter(({ message }) => question.test(message))).toEqual([]);
  });
});
