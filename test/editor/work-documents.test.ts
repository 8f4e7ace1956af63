// Work as documents: written, saved, changed, with what the editor shows; and batches in the Work view.

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';

describe('work as documents', () => {
  let town: TownEditor;

  beforeAll(async () => {
    town = await TownEditor.start();
    await town.open();
    await town.window.notifications.clear();
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const show = (id: string) => town.watcher.request('work.show', { id });
  const tabs = () => town.window.page.locator('.tabs-container .tab').allTextContents();
  const title = (label: string) => town.window.page.locator(`.editor-actions [aria-label^="${label}"]`).click();

  /** Types into the editor that has the keyboard; lines of front matter need no help of the editor. */
  async function type(text: string): Promise<void> {
    await town.window.page.keyboard.insertText(text);
  }

  /** Opens one, until the cursor is behind its `title:` and the keyboard writes there. */
  async function begin(): Promise<void> {
    await town.window.palette.run('Gas Town: New Work Unit…');
    await town.window.statusBar.waitFor(/^Ln 3, Col 8$/);
    await town.window.page.locator('.editor-instance .monaco-editor.focused').waitFor();
    expect(await town.window.editorText()).toMatch(/title: ?\nrig: myproject\n/);
  }

  it('a new one opens with front matter, and saving adds all its units', async () => {
    await begin();
    await type('Add a dark theme');
    await town.window.page.keyboard.press('Control+End');
    await type(
      `The colours are in src/colours.ts.\n\n---\nid: choose\nrig: ${rigName}\nafter: [task-1]\nbatch: Dark mode\npriority: 0\n---\n# Let the user choose it\n`,
    );
    await town.window.screenshot('work-document-new');
    await town.window.page.keyboard.press('Control+s');
    await town.window.notifications.waitFor(/^2 work units were added: task-1, choose$/);
    await expect.poll(tabs).not.toContainEqual(expect.stringContaining('New Work Unit'));
    expect(await show('task-1')).toMatchObject({
      title: 'Add a dark theme',
      description: 'The colours are in src/colours.ts.',
      rig: rigName,
      priority: 2,
    });
    expect(await show('choose')).toMatchObject({
      title: 'Let the user choose it',
      after: ['task-1'],
      batch: 'batch-1',
    });
    await town.window.notifications.clear();
  });

  it('one with a mistake says which line, and stays open with its text', async () => {
    await begin();
    await type('Mend it\npririty: 1');
    await town.window.page.keyboard.press('Control+s');
    const told = await town.window.notifications.waitFor(/there is no key "pririty"/);
    expect(told.message).toMatch(/^New Work Unit:4: there is no key "pririty"\. Did you mean "priority"/);
    await town.window.screenshot('work-document-mistake');
    await town.window.notifications.clear();
    await town.window.page.keyboard.press('Control+Shift+k');
    await title('Save Work Unit');
    await town.window.notifications.waitFor(/^Work unit task-3 was added\.$/);
    expect((await show('task-3')).title).toBe('Mend it');
    await town.window.notifications.clear();
  });

  it('a unit opens as the document that it is, and saving changes it', async () => {
    await town.work.row('task-1').contextMenu('Edit Work Unit…');
    await expect.poll(() => town.window.editorText()).toContain('Add a dark theme');
    await town.window.page.locator('.editor-instance .view-lines').first().click();
    await town.window.page.keyboard.press('Control+End');
    await type('\nAlso those of the icons.\n');
    await town.window.page.keyboard.press('Control+s');
    await expect.poll(async () => (await show('task-1')).description).toContain('Also those of the icons.');
    expect((await show('task-1')).history.at(-1)).toMatchObject({ state: 'edited', note: 'changed: description' });
    await town.window.palette.run('View: Close Editor');
  });

  it('takes the selection of an editor along, with its place', async () => {
    await writeFile(path.join(town.rig, 'colours.ts'), 'export const dark = "#000";\nexport const light = "#fff";\n');
    await town.window.palette.openFile(path.join(town.rig, 'colours.ts'));
    await expect.poll(() => town.window.editorText()).toContain('dark');
    await town.window.page.keyboard.press('Control+Home');
    await town.window.page.keyboard.press('Shift+End');
    await town.window.statusBar.waitFor(/\(\d+ selected\)/);
    await town.window.palette.run('Gas Town: Add Selection to Work Unit…');
    await town.window.quickInput.pick('choose', 'Which work');
    await expect.poll(() => town.window.editorText()).toContain('colours.ts:1');
    await town.window.page.keyboard.press('Control+s');
    await expect
      .poll(async () => (await show('choose')).description)
      .toContain('`colours.ts:1`:\n\n```typescript\nexport const dark = "#000";\n```');
    await town.window.palette.run('View: Close All Editors');
  });

  it('a batch is one row with its units, and is told once when it is finished', async () => {
    await town.watcher.request('batch.add', { batch: 'Dark mode', work: ['task-1'] });
    const row = await town.work.rowWhen('batch-1', ({ description }) => description === '0/2 · Dark mode');
    expect(row.ariaLabel).toContain('batch Dark mode, 0 of 2 done');
    await town.window.screenshot('work-batch');
    await town.watcher.request('work.cancel', { id: 'task-1' });
    await town.watcher.request('work.cancel', { id: 'choose' });
    await town.window.notifications.waitFor(/^Dark mode is finished: 0 of 0 are done\.$/);
  });
});
