// The trust in a workspace is for the folders that are opened: a town above them is opened when the user agrees, once.

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends } from '../../shared/host/backends.ts';
import { createTown } from '../../shared/config/create-town.ts';
import { townPaths } from '../../shared/config/town-paths.ts';
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
  });

  it('can be opened from the view when the question is gone', async () => {
    const { dialogs, notifications, views } = town.window;
    await notifications.clear();
    await notifications.hide();
    await expect
      .poll(() => views.welcomeText('Sessions'))
      .toMatch(/^This folder lies in a Gas Town that is not part of the workspace that you trust/);
    await views.welcomeButton('Sessions', 'Open This Town…');
    expect(await dialogs.text()).toContain(`Open the Gas Town ${town.root}?`);
    await dialogs.press('Cancel');
    expect(existsSync(townPaths(town.root).hostFile)).toBe(false);
    await views.welcomeButton('Sessions', 'Open This Town…');
    await dialogs.press('Open This Town');
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

  it('is opened from the question', async () => {
    const other = path.join(town.editor.root, 'theirs/town');
    await mkdir(path.join(other, 'docs'), { recursive: true });
    await createTown(other, backends);
    await town.openWindow(path.join(other, 'docs'));
    await town.window.views.open('Gas Town');
    await town.window.notifications.click(question, 'Open This Town');
    await expect.poll(() => existsSync(townPaths(other).hostFile)).toBe(true);
  });

  it('is opened without a question where the user has just made it', async () => {
    const outer = path.join(town.editor.root, 'own/town');
    await mkdir(path.join(outer, 'docs'), { recursive: true });
    await town.openWindow(path.join(outer, 'docs'));
    const { notifications, palette, quickInput } = town.window;
    await palette.run('Gas Town: Create Town…');
    await quickInput.pick('Another Folder…', 'Which folder shall be the town?');
    await quickInput.chooseFolder(outer, 'Create Town Here');
    await quickInput.pick('Ask Me Each Time', 'May mayor, deacon and crew run');
    await expect.poll(() => existsSync(townPaths(outer).hostFile)).toBe(true);
    expect((await notifications.list()).filter(({ message }) => question.test(message))).toEqual([]);
  });
});
