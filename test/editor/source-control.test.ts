// What the user's own Source Control shows while workers are at work: their repositories, and no worktree.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRepository } from '../support/core.ts';
import { stopAtFirstFailure, TownEditor } from '../support/editor/town-editor.ts';
import { runs } from '../support/scripted.ts';

/** Resolves when the editor's git has looked once more at `repository`, and so at its worktrees: what is new there shows. */
async function lookAgain(town: TownEditor, repository: string): Promise<void> {
  writeFileSync(path.join(repository, 'late.txt'), 'late');
  await town.window.palette.run('Git: Refresh');
  await town.window.page.locator('.scm-view .monaco-list-row').filter({ hasText: 'late.txt' }).waitFor();
}

describe('Source Control', () => {
  let town: TownEditor;
  // There before the window opens: the editor's watch can miss the `.git` of a folder that is made under its eyes.
  let rig: string;

  beforeAll(async () => {
    town = await TownEditor.start({ settings: { 'scm.alwaysShowRepositories': true } });
    rig = makeRepository(path.join(town.root, 'inner'));
    await town.openWindow();
    await town.watch();
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const listed = async (): Promise<string[]> =>
    (await town.window.page.locator('.scm-view .scm-provider .label-name').allInnerTexts()).sort();
  const branch = async (): Promise<string[]> =>
    (await town.window.statusBar.items()).filter(({ id }) => id.startsWith('status.scm.')).map(({ text }) => text);

  it('lists a rig in the town, and not the worktrees of its workers', async () => {
    await town.watcher.request('rig.add', { source: rig, name: 'inner' });
    await town.window.views.open('Source Control');
    await expect.poll(listed).toEqual(['inner']);
    const message = runs('Write.', 'echo one > one.txt && git add -A && git commit -qm one && gt done -m ok');
    const { session } = await town.watcher.request('sling', { work: 'one', rig: 'inner', agent: 'opencode', message });
    await town.untilWork('one', 'done');
    expect(execFileSync('git', ['worktree', 'list'], { cwd: rig, encoding: 'utf8' })).toContain(session.workDir);
    await lookAgain(town, rig);
    await town.window.screenshot('source-control');
    expect(await listed()).toEqual(['inner']);
    expect((await branch()).join(' ')).not.toContain('polecat');
  });
});

describe('a project folder that is made a town and its own rig', () => {
  let town: TownEditor;

  beforeAll(async () => {
    town = await TownEditor.start({ settings: { 'scm.alwaysShowRepositories': true } });
    makeRepository(town.root);
    await town.openWindow();
    await town.watch();
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  it('D20: is offered as the rig, and nothing is complained about', async () => {
    const { palette, quickInput } = town.window;
    await palette.run('Gas Town: Add Rig…');
    await quickInput.pick('town');
    await quickInput.type('own', 'Name of the rig.');
    await town.watcher.until('the rig', ({ rigs }) => rigs.length === 1);
    expect(town.watcher.snapshot.rigs).toEqual([{ name: 'own', path: town.root, defaultBranch: 'main' }]);
    expect(town.watcher.snapshot.problems).toEqual([]);
  });

  it("shows its own repository in Source Control, and no worker's", async () => {
    await town.window.views.open('Source Control');
    const listed = async (): Promise<string[]> =>
      (await town.window.page.locator('.scm-view .scm-provider .label-name').allInnerTexts()).sort();
    await expect.poll(listed).toEqual(['town']);
    const message = runs('Write.', 'echo one > one.txt && git add -A && git commit -qm one && gt done -m ok');
    await town.watcher.request('sling', { work: 'one', rig: 'own', agent: 'opencode', message });
    await town.untilWork('one', 'done');
    await lookAgain(town, town.root);
    await town.window.screenshot('source-control-own-rig');
    expect(await listed()).toEqual(['town']);
  });
});
