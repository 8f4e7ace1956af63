// The seed's manual testing checklist, done as a user does it; one test and one picture per item.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsPath } from '../../shared/config/settings-path.ts';
import { crewRules } from '../support/editor/crew-rules.ts';
import { eventually } from '../support/editor/eventually.ts';
import { processesOf } from '../support/editor/processes.ts';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';
import type { Rule } from '../support/model/rules.ts';

const rules: readonly Rule[] = [
  ...crewRules,
  {
    name: 'work that never ends',
    match: /Your work: endless/,
    steps: [{ tool: 'bash', args: { command: 'sleep 4711' } }],
  },
  {
    name: 'work that fails',
    match: /Your work: hopeless/,
    steps: [
      { tool: 'bash', args: { command: 'gt done --status failed -m "the build is red on main"' } },
      { text: 'I could not do it.' },
    ],
  },
  {
    name: 'work for the crew',
    match: /Your work: typo/,
    steps: [{ tool: 'bash', args: { command: 'gt done -m "corrected the spelling"' } }, { text: 'Done.' }],
  },
];

const id = (name: string): string => `${rigName}-${name}`;

describe('manual checklist', () => {
  let town: TownEditor;

  beforeAll(async () => {
    town = await TownEditor.start({ rules });
    await town.open();
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const picture = (name: string): Promise<string> => town.window.screenshot(`checklist-${name}`);

  async function spawnCrew(name: string): Promise<void> {
    const { palette, quickInput } = town.window;
    await palette.run('Gas Town: Spawn Session…');
    await quickInput.pick('Crew', 'Which role?');
    await quickInput.pick('opencode', 'Which agent?');
    await quickInput.type(name, 'Name of the worker');
  }

  async function newWork(work: string, what: string): Promise<void> {
    const { palette, quickInput } = town.window;
    await palette.run('Gas Town: Quick Work Unit…');
    await quickInput.type(what, 'What is to be done?');
    await quickInput.type(work, 'Id of the work unit');
    await quickInput.pick('Normal', 'How urgent');
    await town.untilWork(work, 'open');
  }

  async function sling(work: string, agent: string, name: string): Promise<void> {
    const { palette, quickInput } = town.window;
    await palette.run('Gas Town: Sling Work…');
    await quickInput.pick(work, 'Which work?');
    await quickInput.pick(agent, 'Which agent?');
    await quickInput.type(name, 'Name of the worker');
  }

  it('spawns a single Opencode session', async () => {
    await spawnCrew('amy');
    await town.untilIdle(id('crew-amy'));
    const row = await town.sessions.rowWhen('amy', ({ icon }) => icon === 'circle-outline');
    expect(row).toMatchObject({
      description: expect.stringMatching(/^idle · now · opencode/) as string,
      ariaLabel: expect.stringMatching(/^session amy, crew of rig myproject, idle, for .*, agent opencode$/) as string,
    });
    const places = ['1 town', `2 ${rigName}`, '3 Crew', '4 amy'].join();
    await town.sessions.rowsWhen(
      'the session in its place',
      (rows) => rows.map(({ label, depth }) => `${depth} ${label}`).join() === places,
    );
    expect(await town.untilStatus(/^1$/)).toBe('Gas Town: 1 session, 0 waiting for you');
    await picture('1-spawn-opencode');
  });

  it('spawns 3 concurrent Opencode sessions', async () => {
    for (const name of ['bob', 'cat', 'dan']) await spawnCrew(name);
    for (const name of ['bob', 'cat', 'dan']) await town.untilIdle(id(`crew-${name}`));
    const rows = await town.sessions.rowsWhen('four idle sessions', (all) => all[0]?.description === '4 idle');
    expect(rows.filter((row) => row.depth === 4).map((row) => row.label)).toEqual(['amy', 'bob', 'cat', 'dan']);
    await picture('2-spawn-three');
  });

  it('assigns work to an Opencode session', async () => {
    await newWork('typo', 'Correct the spelling in README.md');
    await town.sessions.row('amy').contextMenu('Assign Work…');
    await town.window.quickInput.pick('typo', 'Which work?');
    // One who works beside the user asks before a command is run.
    await town.sessions.rowWhen('amy', ({ icon }) => icon === 'shield');
    await picture('3-assign-work-asks');
    const [ask] = town.session(id('crew-amy')).asks;
    await town.answer(ask!.title, 'Allow');
    expect(await town.untilWork('typo', 'done')).toMatchObject({
      owner: id('crew-amy'),
      note: 'corrected the spelling',
    });
    await town.work.row('Done').expand();
    const rows = await town.work.rowsWhen('the unit', (all) => all.length === 2);
    expect(rows[1]).toMatchObject({
      label: 'typo',
      icon: 'pass-filled',
      description: `done · Correct the spelling in README.md · ${id('crew-amy')} · ${rigName} · no change`,
    });
    await picture('3-assign-work');
  });

  it('shows Opencode sessions in `gt agents`', async () => {
    await town.window.terminals.create();
    await town.window.terminals.type('gt agents');
    const text = await town.window.terminals.textWhen(/dan\s+myproject\s+running/);
    const table = text
      .split('\n')
      .filter((line) => /^(BACKEND|opencode)/.test(line))
      .map((line) => line.split(/\s+/));
    expect(table).toEqual([
      ['BACKEND', 'ROLE', 'NAME', 'RIG', 'STATE'],
      ...['amy', 'bob', 'cat', 'dan'].map((name) => ['opencode', 'crew', name, rigName, 'running']),
    ]);
    await picture('4-gt-agents');
  });

  it('lists all agents, and opens the terminal of the chosen one', async () => {
    await town.window.palette.run('Gas Town: Show Agents…');
    await expect
      .poll(() => town.window.quickInput.options('4 sessions'))
      .toEqual(['amy', 'bob', 'cat', 'dan'].map((name) => `${name} (${rigName})`));
    await town.window.quickInput.pick(`amy (${rigName})`, '4 sessions');
    await town.window.terminals.untilFocused();
    // Opencode's own screen, with what the session has said.
    await town.window.terminals.textWhen(/Done\./);
    await expect.poll(() => town.window.terminals.names()).toEqual(['bash', `amy (${rigName})`]);
    await picture('4-attach');
    await town.window.terminals.focus('bash');
  });

  it('runs a mixed Claude and Opencode workflow', async () => {
    await newWork('issue-1', 'Write notes for issue 1');
    await sling('issue-1', 'claude', 'one');
    await town.window.terminals.focus('bash');
    await town.window.terminals.type(
      'clear; gt sling issue-2 myproject --agent opencode --name two -m "Write notes for issue 2"',
    );
    await town.window.terminals.textWhen(/Slung issue-2 to myproject-two \(opencode\)/, 60_000);
    await Promise.all([town.untilWork('issue-1', 'done'), town.untilWork('issue-2', 'done')]);
    // Git is asked for the commits after the report.
    const units = await eventually(
      'the commits of both',
      async () =>
        ['issue-1', 'issue-2'].flatMap((work) => town.watcher.snapshot.work.find((each) => each.id === work) ?? []),
      (both) => both.every(({ commits }) => commits !== undefined),
    );
    expect(units.map(({ owner, branch, commits, note }) => ({ owner, branch, commits, note }))).toEqual([
      { owner: id('one'), branch: 'polecat/one/issue-1', commits: 1, note: 'added notes-issue-1.md' },
      { owner: id('two'), branch: 'polecat/two/issue-2', commits: 1, note: 'added notes-issue-2.md' },
    ]);
    await Promise.all([town.untilIdle(id('one')), town.untilIdle(id('two'))]);
    const rows = await town.sessions.rowsWhen('both polecats', (all) =>
      ['one', 'two'].every((name) => all.some((row) => row.label === name && row.icon === 'circle-filled')),
    );
    expect(rows.find((row) => row.label === 'one')?.description).toMatch(
      /^idle, has news · now · claude · polecat\/one\/issue-1/,
    );
    expect(rows.find((row) => row.label === 'two')?.description).toMatch(
      /^idle, has news · now · opencode · polecat\/two\/issue-2/,
    );
    await picture('5-mixed-workflow');
  });

  it('passes messages between the backends', async () => {
    await town.sessions.row('one').inlineAction('Send Message…');
    await town.window.quickInput.pick('Nudge', 'How?');
    await town.window.quickInput.type(`Please ask ${id('two')} how it is going.`, 'Message to');
    const { messages } = await eventually(
      'a nudge one way and mail the other',
      () => town.watcher.request('message.list', {}),
      (list) =>
        list.messages.some((each) => each.from === id('two') && each.readAt !== undefined) &&
        list.messages.some((each) => each.from === id('one') && each.state === 'acted'),
      60_000,
    );
    const passed = messages.filter((each) => each.from.startsWith(rigName));
    expect(passed.map(({ from, to, kind }) => ({ from, to, kind })).reverse()).toEqual([
      { from: id('one'), to: id('two'), kind: 'nudge' },
      { from: id('two'), to: id('one'), kind: 'mail' },
    ]);
    expect(passed.find((each) => each.kind === 'nudge')?.state).toBe('acted');
    await Promise.all([town.untilIdle(id('one')), town.untilIdle(id('two'))]);
    await picture('6-messages');
  });

  it('broadcasts to the sessions of both backends', async () => {
    const { palette, quickInput } = town.window;
    await palette.run('Gas Town: Broadcast Message…');
    await quickInput.input('To whom?');
    await quickInput.confirm();
    await quickInput.type('main is frozen', 'Message to the chosen sessions');
    const everybody = ['crew-amy', 'crew-bob', 'crew-cat', 'crew-dan', 'one', 'two'].map(id);
    const { messages } = await eventually(
      'all to have acted on it',
      () => town.watcher.request('message.list', {}),
      (list) =>
        list.messages.filter(({ kind, state }) => kind === 'broadcast' && state === 'acted').length ===
        everybody.length,
    );
    expect(
      messages
        .filter(({ kind }) => kind === 'broadcast')
        .map(({ to }) => to)
        .sort(),
    ).toEqual(everybody);
    expect(town.model.seen('main is frozen')).toHaveLength(everybody.length);
    await Promise.all(everybody.map((session) => town.untilIdle(session)));
  });

  it('tells the health of both backends and of the town', async () => {
    await town.window.palette.run('Gas Town: Check Health');
    await expect.poll(() => town.window.editorText()).toMatch(/Everything works\.\s+✓ claude: .*\s+✓ opencode: /);
    await picture('8-health');
    await town.window.palette.run('View: Close All Editors');
  });

  it('cleans up on termination', async () => {
    await newWork('endless', 'Wait for ever');
    await sling('endless', 'opencode', 'three');
    await town.untilWork('endless', 'running');
    const child = await eventually(
      'its shell command',
      () => Promise.resolve(processesOf(`GT_SESSION=${id('three')}`)),
      (all) => all.some(({ command }) => command.includes('sleep 4711')),
    );
    expect(child).not.toEqual([]);

    await town.sessions.row('three').contextMenu('Terminate Session…');
    await expect
      .poll(() => town.window.dialogs.text())
      .toMatch(
        /End three \(myproject\)\?\s+It is at work: what it is doing now is broken off\.\s+Not done yet: endless\.\s+What is on its branch stays\./,
      );
    await picture('7-termination-asks');
    await town.window.dialogs.press('Cancel');
    expect(town.session(id('three')).state).toBe('running');

    await town.sessions.row('three').contextMenu('Terminate Session…');
    await town.window.dialogs.press('Terminate');
    await town.untilSession(id('three'), 'to be stopped', (each) => each.state === 'stopped');
    expect(processesOf(`GT_SESSION=${id('three')}`)).toEqual([]);
    await town.untilWork('endless', 'open');
    await town.sessions.rowWhen('three', ({ icon }) => icon === 'circle-slash');

    // Nothing is asked where nothing would be interrupted.
    const { pid } = town.session(id('one'));
    await town.sessions.row('one').inlineAction('Terminate Session…');
    await town.untilSession(id('one'), 'to be stopped', (each) => each.state === 'stopped');
    expect(pid).toBeDefined();
    // It has ended; the editor, whose child it is, takes note of that a moment later.
    await eventually(
      'the process to be gone',
      async () => existsSync(`/proc/${pid}`),
      (there) => !there,
    );
    expect(processesOf(`GT_SESSION=${id('one')}`)).toEqual([]);
    const rows = await town.sessions.rowsWhen(
      'both as stopped',
      (all) => all.filter((row) => row.icon === 'circle-slash').length === 2,
    );
    expect(
      rows
        .filter((row) => row.icon === 'circle-slash')
        .map((row) => row.label)
        .sort(),
    ).toEqual(['one', 'three']);
    await picture('7-termination');
  });

  it('says what is wrong when a session cannot be spawned, and leaves nothing of it', async () => {
    const file = settingsPath(town.root);
    const settings = JSON.parse(await readFile(file, 'utf8')) as object;
    const agents = { ghost: { provider: 'opencode', command: 'opencode-ghost' } };
    await writeFile(file, JSON.stringify({ ...settings, agents }, null, 2));
    const before = town.watcher.snapshot.sessions.map((session) => session.id);
    await sling('endless', 'ghost', 'four');
    const told = await town.window.notifications.waitFor(/opencode-ghost/);
    expect(told).toMatchObject({ severity: 'error', buttons: ['Show Log'] });
    expect(told.message).toMatch(
      /^The program "opencode-ghost" was not found on PATH\. Install Opencode with `.*`, or set the agent's "command"\.$/,
    );
    await picture('8-spawn-failure');
    await town.window.notifications.clear();
    await town.window.notifications.hide();
    const work = await town.untilWork('endless', 'failed');
    expect(work.note).toContain('"opencode-ghost" was not found');
    expect(work.owner).toBeUndefined();
    expect(town.watcher.snapshot.sessions.map((session) => session.id)).toEqual(before);
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: town.rig, encoding: 'utf8' });
    expect(git('branch', '--list', 'polecat/four/*')).toBe('');
    expect(git('worktree', 'list')).not.toContain('/four');
    expect(processesOf(`GT_SESSION=${id('four')}`)).toEqual([]);
  });

  it('shows work that failed', async () => {
    await town.window.terminals.focus('bash');
    await town.window.terminals.type(
      'clear; gt sling hopeless myproject --agent opencode --name five -m "Make the build green"',
    );
    expect(await town.untilWork('hopeless', 'failed')).toMatchObject({
      owner: id('five'),
      note: 'the build is red on main',
    });
    const row = await town.work.rowWhen('hopeless', ({ icon }) => icon === 'error');
    expect(row.description).toMatch(
      /^failed · the build is red on main · Make the build green · myproject-five · myproject/,
    );
    expect((await town.work.rows())[0]).toMatchObject({ label: 'Needs Attention', icon: 'warning' });
    await town.window.terminals.type('clear; gt work show hopeless');
    await town.window.terminals.textWhen(/failed +myproject-five +the build is red on main/);
    await picture('8-work-failure');
  });
});
