// What is shown when something fails, and what the user can do about it.

import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsPath } from '../../shared/config/settings-path.ts';
import { serverRecords } from '../support/compact.ts';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';
import { scripted } from '../support/scripted.ts';

const [one, two, three, four] = [`${rigName}-one`, `${rigName}-two`, `${rigName}-three`, `${rigName}-four`];

describe('trouble', () => {
  let town: TownEditor;

  beforeAll(async () => {
    town = await TownEditor.start();
    const file = settingsPath(town.root);
    const settings = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...settings, failure_policy: { restarts: { max: 1 } } }));
    await town.open();
    await town.window.views.open('Gas Town');
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const sling = (work: string, name: string, agent: string): Promise<unknown> =>
    town.watcher.request('sling', {
      work,
      rig: rigName,
      agent,
      name,
      message: scripted('Think.', { hold: work }, { text: 'Thought.' }),
    });
  const killProgram = (session: string): void => void process.kill(town.session(session).pid!, 'SIGKILL');

  it('shows what is escalated as a row and a notification, and closes it on the row', async () => {
    await town.watcher.request('work.escalate', { severity: 'high', message: 'The signing key has expired' });
    const row = await town.sessions.rowWhen('The signing key has expired', () => true);
    expect(row).toMatchObject({ icon: 'warning', description: 'high · now' });
    expect((await town.sessions.rows())[0]).toMatchObject({ label: 'Escalations', description: '1' });
    expect(await town.window.notifications.waitFor(/^Escalated: The signing key has expired$/)).toMatchObject({
      severity: 'error',
      buttons: ['Close Escalation'],
    });
    await town.window.notifications.hide();
    await town.window.screenshot('trouble-escalation');
    await town.sessions.row('The signing key has expired').inlineAction('Close Escalation…');
    await town.watcher.until('nothing escalated', ({ escalations }) => escalations.length === 0);
    await town.sessions.rowsWhen('no escalations', (rows) => rows.every(({ label }) => label !== 'Escalations'));
    await town.window.notifications.clear();
  });

  it('restarts a session that dies, quarantines it when it dies again, and starts it from its row', async () => {
    await sling('door', 'one', 'opencode');
    await town.untilWork('door', 'running');
    const first = town.session(one).runId;
    const kill = (): void => void process.kill(serverRecords(town.root)[0]!.pid!, 'SIGKILL');
    kill();
    await town.untilSession(one, 'to go on', ({ runId, state }) => runId !== first && state === 'running');
    await town.untilWork('door', 'running');
    kill();
    const { quarantined } = await town.untilSession(one, 'to be quarantined', (each) => each.quarantined !== undefined);
    expect(quarantined?.reason).toMatch(/restarted once in 300 s/);
    const row = await town.sessions.rowWhen('one', ({ icon }) => icon === 'lock');
    expect(row.description).toMatch(/^quarantined · /);
    expect(row.ariaLabel).toContain('session one, polecat of rig myproject, quarantined');
    expect(await town.window.notifications.waitFor(/Escalated: myproject-one is quarantined/)).toMatchObject({
      severity: 'error',
    });
    await town.window.notifications.clear();
    await town.window.notifications.hide();
    await town.window.screenshot('trouble-quarantine');
    await expect
      .poll(() => town.sessions.row('one').inlineActions())
      .toEqual(['Reset Session…', 'Show Timeline…', 'Dismiss Session…']);
    await town.sessions.row('one').inlineAction('Reset Session…');
    await town.untilWork('door', 'running');
    expect(town.session(one).state).toBe('running');
    await town.sessions.rowWhen('one', ({ icon }) => icon !== 'lock');
  });

  it('gives up a quarantined session and its unit from its row, when the person is sure', async () => {
    await sling('window', 'two', 'claude');
    await town.untilWork('window', 'running');
    const first = town.session(two).runId;
    killProgram(two);
    await town.untilSession(two, 'to go on', ({ runId, state }) => runId !== first && state === 'running');
    await town.untilWork('window', 'running');
    killProgram(two);
    await town.untilSession(two, 'to be quarantined', (each) => each.quarantined !== undefined);
    await town.sessions.rowWhen('two', ({ icon }) => icon === 'lock');
    await town.sessions.rowsWhen('its escalation', (rows) =>
      rows.some(({ label }) => label.startsWith(`${two} is quarantined`)),
    );
    await town.window.notifications.waitFor(/^Escalated: myproject-two is quarantined/);
    await town.window.notifications.clear();
    await town.window.notifications.hide();
    await expect
      .poll(() => town.sessions.row('two').inlineActions())
      .toEqual(['Reset Session…', 'Show Timeline…', 'Dismiss Session…']);

    const { dialogs } = town.window;
    await town.sessions.row('two').inlineAction('Dismiss Session…');
    await expect
      .poll(() => dialogs.text())
      .toMatch(
        /^Dismiss two \(myproject\) although it has work\?\s+Not done yet: window\. Its work is open again then, and what is on the branch stays\./,
      );
    await town.window.screenshot('trouble-dismiss-asks');
    await dialogs.press('Cancel');
    expect(town.session(two).quarantined).toBeDefined();

    await town.sessions.row('two').inlineAction('Dismiss Session…');
    await dialogs.press('Dismiss');
    const open = await town.untilWork('window', 'open');
    expect(open.owner).toBeUndefined();
    await town.sessions.rowsWhen('neither it nor its escalation', (rows) =>
      rows.every(({ label }) => label !== 'two' && label !== 'Escalations'),
    );
    await town.work.rowWhen('window', ({ description }) => description.startsWith(`open · Think. · ${rigName}`));
    await town.window.screenshot('trouble-dismissed');
  });

  it('starts a session that failed without work from its row, or is done with it at once', async () => {
    await town.watcher.request('session.spawn', { role: 'polecat', rig: rigName, agent: 'claude', name: 'three' });
    await town.untilIdle(three);
    killProgram(three);
    const row = await town.sessions.rowWhen('three', ({ icon }) => icon === 'error');
    expect(row.description).toMatch(/^failed · /);
    await expect
      .poll(() => town.sessions.row('three').inlineActions())
      .toEqual(['Reset Session…', 'Show Timeline…', 'Dismiss Session…']);
    await town.window.screenshot('trouble-failed');
    await town.sessions.row('three').inlineAction('Reset Session…');
    await town.untilIdle(three);
    killProgram(three);
    await town.sessions.rowWhen('three', ({ icon }) => icon === 'error');
    await town.sessions.row('three').inlineAction('Dismiss Session…');
    await town.sessions.rowsWhen('it is gone', (rows) => rows.every(({ label }) => label !== 'three'));
    await town.window.notifications.clear();
    await town.window.notifications.hide();
  });

  it('takes a terminal that the user closes for their stop: nothing is started again, and what follows is said', async () => {
    await sling('gate', 'four', 'claude');
    await town.untilWork('gate', 'running');
    const { runId } = town.session(four);
    await town.sessions.row('four').inlineAction('Attach Terminal…');
    await town.window.terminals.untilFocused();
    await town.window.palette.run('Terminal: Kill the Active Terminal Instance');
    const open = await town.untilWork('gate', 'open');
    expect(open).toMatchObject({ note: expect.stringContaining('the user closed its terminal') });
    expect(open.owner).toBeUndefined();
    const stopped = await town.untilSession(four, 'to be stopped', ({ state }) => state === 'stopped');
    expect(stopped.runId).toBe(runId);
    const told = await town.window.notifications.waitFor(
      /^You closed the terminal of four \(myproject\), so the session has ended\. Its work is open again: gate\.$/,
    );
    expect(told.buttons).toEqual(['Sling Again…']);
    await town.window.screenshot('trouble-trashed-terminal');
    await town.window.notifications.hide();
    await town.sessions.rowWhen('four', ({ icon }) => icon === 'circle-slash');
  });

  it('cancels work that a session has, when the person is sure, and gives it another chance', async () => {
    await town.work.rowWhen('door', () => true);
    await town.work.row('door').contextMenu('Cancel Work…');
    await expect.poll(() => town.window.dialogs.text()).toContain(`Cancel door although ${one} has it?`);
    await town.window.dialogs.press('Cancel Work');
    await town.untilWork('door', 'cancelled');
    town.model.release('door');
    // The session is told.
    await town.model.waitFor(({ text }) => text.includes('door is cancelled'));
    await town.work.row('Done').expand();
    await town.work.row('door').contextMenu('Queue Work Again…');
    await town.watcher.until('somebody else has it', ({ work }) =>
      work.some(({ id, owner, state }) => id === 'door' && owner !== one && state === 'running'),
    );
  });
});
