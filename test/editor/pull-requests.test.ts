// A rig that wants pull requests, in the editor: what is proposed, what its forge says, and what becomes of it.

import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsPath } from '../../shared/config/settings-path.ts';
import { agentPath } from '../support/editor/agent-path.ts';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';
import type { TreeRowFacts } from '../support/editor/tree.ts';
import { Forge } from '../support/forge/forge.ts';
import type { Rule } from '../support/model/rules.ts';
import { prepareTools } from '../support/setup/tools.ts';

const unit = 'issue-1';
const url = 'https://forge.example/acme/alpha/pull/1';

const rules: readonly Rule[] = [
  {
    name: 'greets',
    match: /Your work: issue-1/,
    steps: [
      {
        tool: 'bash',
        args: { command: "echo Hello >> README.md && git commit -qam 'Greet' && gt done -m 'It greets.'" },
      },
      { text: 'It greets.' },
    ],
  },
];

describe('pull requests', () => {
  let town: TownEditor;
  let forge: Forge;
  const folder = mkdtempSync(path.join(tmpdir(), 'gastown-forge-'));

  beforeAll(async () => {
    const tools = await prepareTools(console.log);
    town = await TownEditor.start({ rules, path: [Forge.bin(folder), agentPath(tools)].join(path.delimiter) });
    forge = new Forge(folder, town.rig);
    const settings = settingsPath(town.rig);
    mkdirSync(path.dirname(settings));
    appendFileSync(path.join(town.rig, '.git/info/exclude'), 'settings/\n');
    const merge_queue = { merge_strategy: 'pr' };
    writeFileSync(settings, JSON.stringify({ type: 'rig-settings', version: 1, merge_queue }));
    await town.open();
    const { hash } = await town.watcher.request('rig.review', { rig: rigName });
    await town.watcher.request('rig.trust', { rig: rigName, hash });
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    forge.dispose();
    rmSync(folder, { recursive: true, force: true });
    expect(await town?.stop()).toEqual([]);
  });

  const row = (description: RegExp): Promise<TreeRowFacts> =>
    town.work.rowWhen(unit, (shown) => description.test(shown.description));

  it('approving makes one, and the row says its number', async () => {
    await town.watcher.request('work.add', {
      id: unit,
      rig: rigName,
      title: 'Greet the user',
      description: 'Greet in README.md',
    });
    await town.watcher.request('sling', { work: unit, rig: rigName, agent: 'opencode', name: 'toast' });
    await town.untilWork(unit, 'done');
    await row(/^in review/);
    await town.work.row(unit).contextMenu('Approve and Merge…');
    expect(await row(/^pull request #1 · Greet the user/)).toMatchObject({ icon: 'github' });
    expect(forge.pull(1)).toMatchObject({ title: 'Greet the user', branch: `polecat/toast/${unit}`, base: 'main' });
    // It waits for people at the forge, not for the user here.
    await expect.poll(() => town.window.views.badge('Gas Town')).toBeUndefined();
    await expect
      .poll(() => town.work.row(unit).inlineActions())
      .toEqual(expect.arrayContaining([expect.stringMatching(/^Open Pull Request/)]));
    await town.window.screenshot('pull-request-row');
  });

  it('says what its forge says of it when it is asked again, also in a narrow side bar', async () => {
    forge.changePull(1, {
      checks: [
        { __typename: 'CheckRun', name: 'lint', status: 'COMPLETED', conclusion: 'SUCCESS' },
        { __typename: 'CheckRun', name: 'test', status: 'COMPLETED', conclusion: 'FAILURE' },
      ],
      reviewDecision: 'CHANGES_REQUESTED',
      mergeable: 'CONFLICTING',
    });
    await town.window.palette.run('Gas Town: Refresh Pull Requests');
    await row(/^conflicts with its target · checks failed · changes requested · pull request #1 · Greet the user/);
    await town.window.screenshot('pull-request-refused');
    await town.window.views.resize(226);
    await town.window.screenshot('pull-request-refused-narrow');
    await town.window.views.resize(320);
    forge.changePull(1, {
      checks: [{ __typename: 'CheckRun', name: 'test', status: 'IN_PROGRESS', conclusion: '' }],
      reviewDecision: 'APPROVED',
      mergeable: 'MERGEABLE',
    });
    await town.work.row(unit).contextMenu('Refresh Pull Requests');
    await row(/^checks running · approved there · pull request #1 · Greet the user/);
  });

  it('says that gh is not signed in, and what to do; what was seen last stays', async () => {
    await town.window.notifications.clear();
    forge.change((state) => void (state.signedIn = false));
    await town.window.palette.run('Gas Town: Refresh Pull Requests');
    const told = await town.window.notifications.waitFor(/gh auth login/);
    expect(told.message).toMatch(/gh is not signed in/);
    const { ariaLabel } = await row(
      /checks running · approved there · not seen: gh is not signed in · pull request #1/,
    );
    expect(ariaLabel).toContain('not seen: gh is not signed in');
    await town.window.screenshot('pull-request-signed-out');
    await town.window.notifications.clear();
    await town.window.notifications.hide();
    forge.change((state) => void (state.signedIn = true));
    await town.window.palette.run('Gas Town: Refresh Pull Requests');
    await row(/approved there · pull request #1 · Greet the user/);
  });

  it('opens it in the browser, after the editor has asked', async () => {
    await town.window.palette.run('Gas Town: Open Pull Request…');
    await town.window.quickInput.pick(unit, 'Which work?');
    await expect.poll(() => town.window.dialogs.text()).toContain(url);
    await town.window.screenshot('pull-request-open');
    await town.window.dialogs.press('Cancel');
  });

  it('stands on the page of the unit', async () => {
    await town.work.row(unit).contextMenu('Show Work Unit…');
    const frame = await town.window.frameWith('It greets.');
    await expect.poll(() => frame.locator('body').innerText()).toMatch(/pull request #1/i);
    await town.window.screenshot('pull-request-page');
    await town.window.palette.run('View: Close All Editors');
  });

  it('tells who changes the same files before more work is slung', async () => {
    const { palette, quickInput } = town.window;
    await palette.run('Gas Town: Quick Work Unit…');
    await quickInput.type('Say goodbye in README.md', 'What is to be done?');
    await quickInput.type('issue-2', 'Id of the work unit');
    await quickInput.pick('Normal', 'How urgent');
    await town.untilWork('issue-2', 'open');
    await palette.run('Gas Town: Sling Work…');
    await quickInput.pick('issue-2', 'Which work?');
    await quickInput.pick('opencode', 'Which agent?');
    await quickInput.input('Name of the worker');
    expect(await quickInput.message()).toContain(`${unit} changes README.md, too.`);
    await town.window.screenshot('sling-overlap');
    await quickInput.dismiss();
  });

  it('is merged here when it is merged there, and asks for nothing any more', async () => {
    forge.squash(1);
    await town.window.palette.run('Gas Town: Refresh Pull Requests');
    await town.watcher.until('issue-1 to be merged', ({ merges }) =>
      merges.some(({ work, state }) => work === unit && state === 'merged'),
    );
    await town.work.rowsWhen('no row of it among what waits', (rows) =>
      rows.every(({ label, description }) => label !== unit || description.startsWith('merged')),
    );
    await town.window.screenshot('pull-request-merged');
  });
});
