// What is shown when something fails, and what the person can do about it.

import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsPath } from '../../shared/config/settings-path.ts';
import { serverRecords } from '../support/compact.ts';
import { keepPictureOfFailures, rigName, TownEditor } from '../support/editor/town-editor.ts';
import { scripted } from '../support/scripted.ts';

const one = `${rigName}-one`;

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

  keepPictureOfFailures(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const sling = (work: string, name: string): Promise<unknown> =>
    town.watcher.request('sling', { work, rig: rigName, agent: 'opencode', name, message: scripted('Think.', { hold: work }, { text: 'Thought.' }) });

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
    await sling('door', 'one');
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
    expect(await town.window.notifications.waitFor(/Escalated: myproject-one is quarantined/)).toMatchObject({ severity: 'error' });
    await town.window.notifications.clear();
    await town.window.notifications.hide();
    await town.window.screenshot('trouble-quarantine');
    await expect.poll(() => town.sessions.row('one').inlineActions()).toEqual(['Reset Session…']);
    await town.sessions.row('one').inlineAction('Reset Session…');
    await town.untilWork('door', 'running');
    expect(town.session(one).state).toBe('running');
    await town.sessions.rowWhen('one', ({ icon }) => icon !== 'lock');
  });

  it('cancels work that a session has, when the person is sure, and gives it another chance', async () => {
    await town.work.rowWhen('door: Think.', () => true);
    await town.work.row('door: Think.').contextMenu('Cancel Work…');
    await expect.poll(() => town.window.dialogs.text()).toContain(`Cancel door although ${one} has it?`);
    await town.window.dialogs.press('Cancel Work');
    await town.untilWork('door', 'cancelled');
    town.model.release('door');
    // The session is told.
    await town.model.waitFor(({ text }) => text.includes('door is cancelled'));
    await town.work.row('Done').expand();
    await town.work.row('door: Think.').contextMenu('Queue Work Again…');
    await town.watcher.until('somebody else has it', ({ work }) => work.some(({ id, owner, state }) => id === 'door' && owner !== one && state === 'running'));
  });
});
