// What a rig's repository brings is run after the user has looked at it and agreed, and not before.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsPath } from '../../shared/config/settings-path.ts';
import { crewRules } from '../support/editor/crew-rules.ts';
import { rigName, stopAtFirstFailure, TownEditor } from '../support/editor/town-editor.ts';

describe('what a rig brings', () => {
  let town: TownEditor;

  beforeAll(async () => {
    town = await TownEditor.start({ rules: crewRules });
    await town.open();
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  /** As a pull would: the settings of the rig define the agent of its workers. */
  async function bring(env: Record<string, string>): Promise<void> {
    const file = settingsPath(town.rig);
    await mkdir(path.dirname(file), { recursive: true });
    const agents = { own: { provider: 'opencode', env } };
    await writeFile(
      file,
      JSON.stringify({ type: 'rig-settings', version: 1, agents, role_agents: { polecat: 'own' } }, null, 2),
    );
  }
  const sling = (work: string, name: string) =>
    town.watcher.request('sling', { work, rig: rigName, name, message: `Write notes for ${work}` });
  const toReview = (): string | undefined => town.watcher.snapshot.rigs[0]?.toReview;

  it('is asked about, and refused until then', async () => {
    await bring({ OWN: 'first' });
    const told = await town.window.notifications.waitFor(new RegExp(`The repository of the rig ${rigName} brings`));
    expect(told).toMatchObject({ severity: 'warning', buttons: ['Review…'] });
    await expect(sling('issue-1', 'worker-1')).rejects.toMatchObject({ code: 'consent-needed' });
    expect(town.watcher.snapshot.sessions).toEqual([]);
    await town.window.notifications.click(/brings programs/, 'Review…');
    await expect.poll(() => town.window.editorText()).toContain('"OWN": "first"');
    await town.window.screenshot('consent-review');
    await town.window.quickInput.pick('Not Now', 'Shall what the editor shows run with your rights?');
    await expect(sling('issue-1', 'worker-1')).rejects.toMatchObject({ code: 'consent-needed' });
    await town.window.notifications.hide();
  });

  it('is run after the user has allowed it', async () => {
    await town.window.palette.run('Gas Town: Review Rig Settings…');
    await town.window.quickInput.pick('Allow', 'Shall what the editor shows run with your rights?');
    await town.watcher.until('nothing to review', () => toReview() === undefined);
    await sling('issue-1', 'worker-1');
    await town.untilWork('issue-1', 'done');
    expect(town.session(`${rigName}-worker-1`).agent).toBe('own');
  });

  it('is shown beside what was agreed to when it has changed', async () => {
    await bring({ OWN: 'second' });
    await town.watcher.until('something to review', () => toReview() !== undefined);
    await expect(sling('issue-2', 'worker-2')).rejects.toMatchObject({ code: 'consent-needed' });
    await town.window.palette.run('Gas Town: Review Rig Settings…');
    await town.window.quickInput.input('Shall what the editor shows run with your rights?');
    const sides = town.window.page.locator('.monaco-diff-editor');
    await sides.waitFor();
    await expect.poll(() => sides.innerText()).toMatch(/first[\s\S]*second|second[\s\S]*first/);
    await town.window.screenshot('consent-changed');
    await town.window.quickInput.dismiss();
    expect(toReview()).toBeDefined();
  });

  it('counts no more when the user has taken their word back', async () => {
    await bring({ OWN: 'first' });
    await town.watcher.until('what was agreed to', () => toReview() === undefined);
    await town.window.palette.run('Gas Town: Withdraw Agreement to Rig Settings…');
    await expect.poll(() => town.window.dialogs.text()).toContain(`Withdraw your agreement to what ${rigName} brings?`);
    await town.window.dialogs.press('Withdraw');
    await town.watcher.until('something to review', () => toReview() !== undefined);
    await expect(sling('issue-3', 'worker-3')).rejects.toMatchObject({ code: 'consent-needed' });
  });
});
