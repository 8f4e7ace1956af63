// The Messages view: what was sent, how far it has come, and the filters.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepPictureOfFailures, rigName, TownEditor } from '../support/editor/town-editor.ts';
import { scripted } from '../support/scripted.ts';

const one = `${rigName}-one`;

describe('messages', () => {
  let town: TownEditor;

  beforeAll(async () => {
    town = await TownEditor.start();
    await town.open();
    await town.window.views.open('Gas Town');
  });

  keepPictureOfFailures(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const tree = () => town.window.views.tree('Messages');
  const send = async (body: string): Promise<string> => (await town.watcher.request('message.send', { to: one, type: 'nudge', body })).id;

  it('says what it is for while there are none', async () => {
    await town.window.palette.run('Gas Town: Focus on Messages View');
    await expect.poll(() => town.window.views.welcomeText('Messages')).toMatch(/^No messages yet\./);
  });

  it('shows what is sent, the newest first, and follows how far it has come', async () => {
    await town.watcher.request('session.spawn', { role: 'polecat', rig: rigName, backend: 'opencode', name: 'one' });
    await send(scripted('Take your time.', { hold: 'gate' }, { text: 'Done.' }));
    await tree().rowsWhen('the first to be delivered', (rows) => rows[0]?.description.startsWith('delivered · nudge · ') === true);
    await send('And then?');
    const waiting = await tree().rowsWhen('both', (rows) => rows.length === 2);
    expect(waiting.map(({ label, icon }) => [label, icon])).toEqual([[`you → ${one}`, 'clock'], [`you → ${one}`, 'mail-read']]);
    expect(waiting[0]?.description).toMatch(/^accepted · nudge · now · And then\?$/);
    expect(waiting[0]?.ariaLabel).toContain(`nudge from you to ${one}, accepted, sent less than a minute ago: And then?`);
    town.model.release('gate');
    await tree().rowsWhen('both acted on', (rows) => rows.every(({ icon }) => icon === 'pass-filled'));
    await town.window.screenshot('messages');
  });

  it('is limited to some by a filter, and to all again', async () => {
    await town.window.palette.run('Gas Town: Filter Messages…');
    await town.window.quickInput.pick('given up', 'Show only which messages?');
    await expect.poll(() => town.window.views.welcomeText('Messages')).toMatch(/^No message is like that\./);
    await town.window.screenshot('messages-filtered');
    await town.window.views.welcomeButton('Messages', 'Clear Message Filter');
    await tree().rowsWhen('both again', (rows) => rows.length === 2);
  });
});
