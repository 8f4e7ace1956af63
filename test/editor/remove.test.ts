// Removing a town: what is said before it, what is left after it, and in another window.

import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsPath } from '../../shared/config/settings-path.ts';
import { processesOf } from '../support/editor/processes.ts';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';
import type { EditorPage } from '../support/editor/editor-page.ts';
import { scripted } from '../support/scripted.ts';

describe('removing a town', () => {
  let town: TownEditor;

  beforeAll(async () => {
    town = await TownEditor.start();
    await town.open();
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const runtime = (): string => path.join(town.root, '.runtime');
  const untilLeftAlone = async (window: EditorPage): Promise<void> => {
    await expect
      .poll(() => window.views.welcomeText('Sessions'))
      .toMatch(/^The town was removed\. Its settings and the repositories are still there/);
  };
  const removed = async (): Promise<void> => {
    await expect.poll(() => existsSync(runtime())).toBe(false);
  };

  it('says first what goes and what stays, and does nothing when the person does not agree', async () => {
    await town.watcher.request('session.spawn', { role: 'polecat', rig: rigName, backend: 'opencode', name: 'one' });
    const half = scripted(
      'Mend the door.',
      { tool: 'write', args: { filePath: 'half.txt', content: 'half' } },
      { text: 'Half of it is done.' },
    );
    await town.watcher.request('sling', { work: 'door', rig: rigName, agent: 'opencode', name: 'two', message: half });
    await expect.poll(() => existsSync(path.join(town.worktree('two'), 'half.txt'))).toBe(true);
    await town.sessions.rowsWhen('both', (rows) =>
      ['one', 'two'].every((name) => rows.some(({ label }) => label === name)),
    );

    const settings = JSON.parse(await readFile(settingsPath(town.root), 'utf8')) as object;
    const worktrees = { teardown_command: 'docker compose down' };
    await writeFile(settingsPath(town.root), JSON.stringify({ ...settings, worktrees }));
    const seen = async (): Promise<string> => JSON.stringify(await town.watcher.request('town.removal', {}));
    await expect.poll(seen).toContain('docker compose');

    await town.window.palette.run('Gas Town: Remove Town…');
    const text = await town.window.dialogs.text();
    const [question, runs, goes, stays] = text
      .split(/This runs first:|This goes:|This stays:/)
      .map((part) => part.trim());
    expect(question).toBe('Remove the town town?');
    expect(runs).toBe(`• docker compose down (in ${town.worktree('one')})`);
    expect(goes).toMatch(
      new RegExp(
        `^• Sessions: ${rigName}-one, ${rigName}-two\\s+• .runtime: .*\\s+• ${town.worktree('one')}: a worktree, with the branch polecat/one/idle`,
      ),
    );
    expect(stays).toMatch(
      new RegExp(`^• ${town.worktree('two')}: uncommitted: half.txt\\s+• settings/config.json: your settings\\s`),
    );
    await town.window.screenshot('remove-question');
    await town.window.dialogs.press('Cancel');
    await writeFile(settingsPath(town.root), JSON.stringify(settings));
    await expect.poll(seen).not.toContain('docker compose');
    expect(town.watcher.snapshot.sessions.map(({ state }) => state)).toEqual(['running', 'running']);
  });

  it('removes it, names what stayed, and leaves the folder alone, in another window, too', async () => {
    const first = town.window;
    const second = await town.openWindow();
    await second.views.open('Gas Town');
    await town.sessions.row('two').waitFor();

    await second.palette.run('Gas Town: Remove Town…');
    await second.dialogs.text();
    await second.dialogs.press('Remove Town');
    await expect.poll(() => second.editorText()).toMatch(/The town .* is removed\./);
    expect(await second.editorText()).toContain(`${rigName}/two: uncommitted: half.txt`);
    await untilLeftAlone(second);
    await untilLeftAlone(first);
    expect(processesOf(`GT_ROOT=${town.root}`)).toEqual([]);
    await removed();
    await second.screenshot('remove-done');
  });

  it('opens it again when the person says so: without rigs and sessions, with its settings', async () => {
    await removed();
    await town.window.views.welcomeButton('Sessions', 'Open Town Again');
    await expect.poll(() => town.window.views.welcomeText('Sessions')).toMatch(/^The town has no rig yet\./);
    expect(existsSync(path.join(runtime(), 'host.json'))).toBe(true);
  });
});
