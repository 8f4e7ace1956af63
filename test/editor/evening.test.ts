// The end of a day: what a worktree has when its session is stopped, and what is there when the window was closed over night.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processesOf } from '../support/editor/processes.ts';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';
import { scripted } from '../support/scripted.ts';

const mayor = 'hq-mayor';
const one = `${rigName}-one`;

describe('the end of a day', () => {
  let town: TownEditor;

  beforeAll(async () => {
    town = await TownEditor.start();
    await town.open();
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const report = (): string => path.join(town.worktree('one'), 'out', 'report.md');

  it('keeps the worktree of a session that is stopped where a file is nowhere else, and says which', async () => {
    writeFileSync(path.join(town.rig, '.gitignore'), 'out/\n');
    for (const args of [
      ['add', '.gitignore'],
      ['-c', 'user.name=T', '-c', 'user.email=t@example.com', 'commit', '-q', '-m', 'Ignore'],
    ]) {
      execFileSync('git', args, { cwd: town.rig });
    }
    const write = scripted(
      'Measure the door.',
      { tool: 'write', args: { filePath: 'out/report.md', content: '2 m high' } },
      { text: 'It is measured.' },
    );
    await town.watcher.request('sling', { work: 'door', rig: rigName, agent: 'opencode', name: 'one', message: write });
    await expect.poll(() => existsSync(report())).toBe(true);
    await town.untilIdle(one);
    await town.watcher.request('work.done', { id: 'door', status: 'completed', message: 'See out/report.md' });
    await town.watcher.request('session.stop', { session: one });
    await town.sessions.rowWhen('one', ({ description }) => /its worktree stays: .*out\/report\.md/.test(description));
    await town.work.rowsWhen('the unit', (rows) => rows.length > 0);
    await town.window.screenshot('evening-worktree-stays');
    expect(existsSync(report())).toBe(true);
  });

  async function beginToRemove(): Promise<void> {
    await town.window.palette.run('Gas Town: Remove Worktree…');
    await town.window.quickInput.pick(one, 'Which worktree?');
  }
  const isRemoved = /^The worktree of myproject-one is removed/;

  it('removes it by the word of the user, who can take that back from the notification', async () => {
    await beginToRemove();
    await expect
      .poll(() => town.window.dialogs.text())
      .toMatch(/Remove the worktree of myproject-one\?[\s\S]*out\/report\.md/);
    await town.window.screenshot('evening-remove-asks');
    await town.window.dialogs.press('Remove Worktree');
    const told = await town.window.notifications.waitFor(
      /^The worktree of myproject-one is removed\. What only it had is saved: 1 file\.$/,
    );
    expect(told.buttons).toEqual(['Undo']);
    expect(existsSync(town.worktree('one'))).toBe(false);
    await town.window.screenshot('evening-removed');
    await town.window.notifications.click(isRemoved, 'Undo');
    await expect.poll(() => existsSync(report())).toBe(true);
    expect(readFileSync(report(), 'utf8')).toBe('2 m high');
    await town.sessions.rowWhen('one', ({ description }) => description.includes('its worktree stays'));
  });

  it('says of an Undo that comes too late that nothing was done, and offers no other worktree', async () => {
    const { dialogs, notifications, quickInput } = town.window;
    await notifications.clear();
    await notifications.hide();
    await beginToRemove();
    await dialogs.press('Remove Worktree');
    await notifications.waitFor(isRemoved);
    await town.watcher.request('worktree.restore', { worktree: one });
    await notifications.click(isRemoved, 'Undo');
    expect(await notifications.waitFor(/^The worktree of myproject-one is back already/)).toMatchObject({
      severity: 'info',
    });
    expect(await quickInput.isOpen()).toBe(false);
    await notifications.clear();
    await notifications.hide();
  });

  it('says by the status bar what it has removed, where the notification is switched off', async () => {
    const settings = path.join(town.root, '.vscode/settings.json');
    mkdirSync(path.dirname(settings));
    writeFileSync(
      settings,
      JSON.stringify({ 'gastown.notifications.worktrees': false, 'workbench.colorTheme': 'Dark Modern' }),
    );
    // Its settings are read in their own time; dark colours, which it does not have by itself, show that they have been.
    await town.window.page.locator('.monaco-workbench.vs-dark').waitFor();
    await beginToRemove();
    await town.window.dialogs.press('Remove Worktree');
    await town.window.statusBar.waitFor(/\/one is removed\.$/);
    expect(await town.window.notifications.list()).toEqual([]);
    await town.window.notifications.hide();
    rmSync(settings);
  });

  it('shows in the morning what ended with the window as ended, not as failed, and resumes it from its row', async () => {
    await town.watcher.request('session.spawn', { role: 'mayor', agent: 'claude' });
    const { runId, pid } = await town.untilIdle(mayor);
    town.watcher.close();
    await town.closeWindow(town.window);
    if (processesOf(`GT_RUN=${runId}`).length > 0) process.kill(pid!, 'SIGKILL');
    await expect.poll(() => processesOf(`GT_RUN=${runId}`)).toEqual([]);

    await town.openWindow();
    await town.watch();
    await town.window.views.open('Gas Town');
    const row = await town.sessions.rowWhen('Mayor', ({ icon }) => icon === 'eye-closed');
    expect(row.description).toMatch(/^ended · /);
    expect(await town.window.notifications.list()).toEqual([]);
    expect(await town.sessions.row('Mayor').inlineActions()).toEqual([
      'Start Session Again…',
      'Show Timeline…',
      'Dismiss Session…',
    ]);
    await town.window.screenshot('evening-ended');
    await town.sessions.row('Mayor').inlineAction('Start Session Again…');
    await town.untilIdle(mayor);
    await town.sessions.rowWhen('Mayor', ({ icon }) => icon.startsWith('circle-'));

    await town.watcher.request('session.stop', { session: mayor });
    await town.sessions.row('Mayor').inlineAction('Dismiss Session…');
    await town.sessions.rowsWhen('no mayor', (rows) => rows.every(({ label }) => label !== 'Mayor'));
  });
});
