// What a user meets before the first session: no trust, no folder, no town, no agent program, no rig.

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { agentPath } from '../support/editor/agent-path.ts';
import { processesOf } from '../support/editor/processes.ts';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';
import { prepareTools } from '../support/setup/tools.ts';

/** The actions of the issue; which of them a window without a town offers. */
const actions = {
  always: ['Show Log', 'Open Documentation'],
  'in a trusted window': ['Create Town…'],
  'in a town': [
    'Add Rig…',
    'New Work Unit…',
    'Spawn Session…',
    'Start Mayor',
    'Show Agents…',
    'Check Health',
    'Open Town Settings',
    'Send Message…',
    'Look for Agent Programs Again',
  ],
  'with a rig': ['Sling Work…', 'Start Refinery…', 'Open Rig Settings'],
  'with a session': ['Attach Terminal…', 'Assign Work…', 'Broadcast Message…', 'Terminate Session…'],
} as const;

type Condition = keyof typeof actions;

describe('empty states', () => {
  let town: TownEditor;
  let agents: string[];

  beforeAll(async () => {
    const tools = await prepareTools(console.log);
    agents = [tools.claude.folder, tools.opencode.folder];
    const withoutAgents = agentPath(tools)
      .split(path.delimiter)
      .filter((folder) => !agents.includes(folder))
      .join(path.delimiter);
    town = await TownEditor.start({
      path: withoutAgents,
      workspaceTrust: true,
      settings: { 'security.workspace.trust.startupPrompt': 'never', 'security.workspace.trust.banner': 'never' },
    });
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const welcome = async (text: RegExp): Promise<void> => {
    await expect.poll(() => town.window.views.welcomeText('Sessions')).toMatch(text);
  };

  /** The palette offers the actions of these conditions, and none of the others. */
  async function expectActions(conditions: readonly Condition[]): Promise<void> {
    const all = Object.keys(actions) as Condition[];
    const offered = async (): Promise<Record<string, boolean>> => {
      const found = new Set(await town.window.palette.find('Gas Town: '));
      return Object.fromEntries(
        all.flatMap((condition) => actions[condition].map((title) => [title, found.has(`Gas Town: ${title}`)])),
      );
    };
    const wanted = Object.fromEntries(
      all.flatMap((condition) => actions[condition].map((title) => [title, conditions.includes(condition)])),
    );
    // The palette gets an extension's commands a moment after its views.
    await expect.poll(offered).toEqual(wanted);
  }

  async function trust(): Promise<void> {
    await town.window.views.welcomeButton('Sessions', 'Manage Workspace Trust');
    const { page } = town.window;
    await page
      .locator('.workspace-trust-editor .monaco-button')
      .filter({ hasText: /^Trust$/ })
      .click();
    await page.locator('.workspace-trust-header.workspace-trust-trusted').waitFor();
    await page.locator('.monaco-modal-editor-block .codicon-close:visible').last().click();
    await page.locator('.workspace-trust-editor').waitFor({ state: 'hidden' });
  }

  it('starts nothing in a town that is not trusted', async () => {
    await town.openWindow();
    await town.window.views.open('Gas Town');
    await welcome(/This workspace is not trusted\. Gas Town starts no agent and no other program in it\./);
    await expectActions(['always']);
    expect(existsSync(path.join(town.root, '.runtime/host.json'))).toBe(false);
    expect(existsSync(path.join(town.root, '.runtime/town.db'))).toBe(false);
    expect(processesOf(`GT_ROOT=${town.root}`)).toEqual([]);
    await town.window.screenshot('empty-untrusted');
  });

  it('opens the town when trust is granted, and says where to get an agent program', async () => {
    await trust();
    await town.watch();
    await welcome(/No agent program was found on this machine: neither Claude Code nor Opencode is on PATH/);
    await expect
      .poll(() => town.window.views.welcomeText('Work'))
      .toMatch(/^No work yet\. Write down what is to be done/);
    await expect.poll(() => town.window.views.welcomeText('Rigs')).toMatch(/^No rigs\. Add one by its path or URL\./);
    await expectActions(['always', 'in a trusted window', 'in a town']);
    await town.window.screenshot('empty-no-agent-program');
  });

  it('finds agents in the folders that the settings name', async () => {
    await mkdir(path.join(town.root, '.vscode'));
    await writeFile(path.join(town.root, '.vscode/settings.json'), JSON.stringify({ 'gastown.agents.path': agents }));
    await welcome(/The town has no rig yet\. A rig is a git repository that agents work on\./);
    await town.window.screenshot('empty-no-rig');
  });

  it('adds a rig from the welcome text, and a session after that', async () => {
    town.watcher.close();
    await town.watch();
    await town.window.views.welcomeButton('Sessions', 'Add Rig…');
    const { quickInput } = town.window;
    await quickInput.pick('Git URL…', 'Where is the git repository?');
    await quickInput.type(town.rig, 'URL of the git repository');
    await quickInput.type(rigName, 'Name of the rig');
    await town.sessions.row(rigName).waitFor();
    await expect
      .poll(() => town.window.views.message('Sessions'))
      .toBe('No sessions yet. Sling work to a rig, or start the mayor.');
    await expectActions(['always', 'in a trusted window', 'in a town', 'with a rig']);
    await town.window.screenshot('empty-no-session');

    await town.window.palette.run('Gas Town: Start Refinery…');
    await town.untilIdle(`${rigName}-refinery`);
    await town.window.terminals.untilShown();
    await expectActions(['always', 'in a trusted window', 'in a town', 'with a rig', 'with a session']);
  });

  it('makes a town in a folder that is none', async () => {
    const folder = path.join(town.editor.root, 'fresh');
    await mkdir(folder);
    await town.openWindow(folder);
    await town.window.views.open('Gas Town');
    await trust();
    await welcome(/This folder is in no town yet\. A town is a folder with settings\/config\.json/);
    await expectActions(['always', 'in a trusted window']);
    await town.window.screenshot('empty-no-town');
    await town.window.views.welcomeButton('Sessions', 'Create Town…');
    await town.window.quickInput.pick('fresh', 'Which folder shall be the town?');
    await expect
      .poll(() => town.window.quickInput.options('May mayor, deacon and crew run'))
      .toEqual(['Let Them Run gt', 'Ask Me Each Time']);
    await town.window.screenshot('create-town-unattended');
    await town.window.quickInput.pick('Let Them Run gt', 'May mayor, deacon and crew run');
    await welcome(/No agent program was found|The town has no rig yet/);
    expect(await readFile(path.join(folder, 'settings/config.json'), 'utf8')).toContain('"Bash(gt *)"');
    expect(existsSync(path.join(folder, '.runtime/host.json'))).toBe(true);
  });

  it('says what a town is in a window without a folder', async () => {
    await town.openWindow('no folder');
    await town.window.views.open('Gas Town');
    await welcome(/They live in a town: a folder with its git repositories, called rigs\./);
    await expectActions(['always', 'in a trusted window']);
    await town.window.screenshot('empty-no-folder');
  });

  it('gives every state a colour that stands out from the side bar, in each theme', async () => {
    const folder = path.join(import.meta.dirname, '../../extension/views');
    const sources = (await readdir(folder)).map((name) => readFile(path.join(folder, name), 'utf8'));
    const named = (await Promise.all(sources)).flatMap((source) =>
      [...source.matchAll(/olor(?:: | = )'([\w.]+)'/g)].map(([, id]) => id!),
    );
    // What is at rest may be faint.
    const colours = [...new Set(named)].filter((id) => id !== 'disabledForeground').sort();
    expect(colours).toContain('list.warningForeground');
    for (const theme of ['Dark Modern', 'Light Modern', 'Dark High Contrast', 'Light High Contrast']) {
      await town.window.palette.run('Preferences: Color Theme');
      // The row, not Enter: that takes what is first until the list has been narrowed.
      await town.window.quickInput.fill(theme);
      await town.window.quickInput.pick(theme);
      await expect
        .poll(() => faintOnes(town.window.page, colours), { message: `colours below 3:1 in ${theme}` })
        .toEqual([]);
    }
  });

  it('shows its documents from the welcome text, with their picture and links from one to the next', async () => {
    await town.window.views.open('Gas Town');
    await town.window.page.locator('.welcome-view-content a', { hasText: 'read how to begin' }).click();
    const documents = await town.window.frameWith('Gas Town: documents');
    await expect
      .poll(() => documents.locator('img').evaluate((image: { naturalWidth?: number }) => image.naturalWidth ?? 0))
      .toBeGreaterThan(500);
    await town.window.screenshot('documents');
    await documents.locator('a', { hasText: 'Troubleshooting' }).click();
    await town.window.frameWith('Is anything left over?');
  });

  it('has a page for those who install it, on which nothing is broken', async () => {
    const { page, palette } = town.window;
    await palette.run('Extensions: Show Installed Extensions');
    await page.locator('.extensions-list .monaco-list-row', { hasText: 'Gas Town' }).click();
    const shown = await town.window.frameWith('Run many coding agents at once from one editor window');
    await town.window.screenshot('extension-page');
    expect(await shown.locator('img').count()).toBe(0);
    const links = await shown
      .locator('a[href]')
      .evaluateAll((all: { getAttribute(name: string): string | null }[]) =>
        all.map((each) => each.getAttribute('href')),
      );
    for (const link of links) expect(link).toMatch(/^(https:|#)/);
    expect(await shown.locator('body').innerText()).not.toMatch(/npm (start|test)/);
  });
});

/** Those of the theme's colours whose contrast with the side bar is below 3:1 (WCAG 1.4.11), with the contrast. */
async function faintOnes(page: Page, ids: readonly string[]): Promise<string[]> {
  const values = await page.locator('.monaco-workbench').evaluate(
    (element: object, names: string[]) => {
      const { getComputedStyle } = globalThis as unknown as {
        getComputedStyle(of: object): { getPropertyValue(name: string): string };
      };
      return names.map((name) =>
        getComputedStyle(element)
          .getPropertyValue(`--vscode-${name.replaceAll('.', '-')}`)
          .trim(),
      );
    },
    ['sideBar.background', ...ids],
  );
  const [ground, ...others] = values.map((value) => (value === '' ? undefined : rgba(value)));
  return ids.flatMap((id, index) => {
    // What a theme leaves out is drawn as text is.
    if (others[index] === undefined) return [];
    const contrast = contrastOf(others[index], ground!);
    return contrast >= 3 ? [] : [`${id}: ${contrast.toFixed(2)}`];
  });
}

type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

/** `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb(…)` and `rgba(…)`. */
function rgba(text: string): Rgba {
  const [, hex] = /^#([0-9a-f]+)$/i.exec(text) ?? [];
  const parts =
    hex === undefined
      ? [...text.matchAll(/[\d.]+/g)].map(([part]) => Number(part))
      : [...(hex.length === 3 ? hex.replace(/./g, '$&$&') : hex).matchAll(/../g)].map(
          ([pair], index) => Number.parseInt(pair, 16) / (index === 3 ? 255 : 1),
        );
  const [red = 0, green = 0, blue = 0, alpha = 1] = parts;
  return [red, green, blue, alpha];
}

function contrastOf([red, green, blue, alpha]: Rgba, ground: Rgba): number {
  const [r, g, b] = [red, green, blue].map((part, index) => part * alpha + ground[index]! * (1 - alpha));
  const [lighter, darker] = [luminance([r!, g!, b!]), luminance(ground)].sort((a, b) => b - a);
  return (lighter! + 0.05) / (darker! + 0.05);
}

function luminance([red, green, blue]: readonly number[]): number {
  const [r, g, b] = [red!, green!, blue!].map((part) =>
    part <= 10.3 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
