// The Messages view: what was sent, how far it has come, and the filters.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MessageView } from '../../shared/channel/views.ts';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';
import { scripted } from '../support/scripted.ts';

const one = `${rigName}-one`;

describe('messages', () => {
  let town: TownEditor;

  beforeAll(async () => {
    town = await TownEditor.start();
    await town.open();
    await town.window.views.open('Gas Town');
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const tree = () => town.window.views.tree('Messages');
  const send = async (body: string): Promise<string> =>
    (await town.watcher.request('message.send', { to: one, type: 'nudge', body })).id;
  const newest = async (): Promise<MessageView> =>
    (await town.watcher.request('message.list', { limit: 1 })).messages[0]!;

  it('says what it is for while there are none', async () => {
    await town.window.palette.run('Gas Town: Focus on Messages View');
    await expect.poll(() => town.window.views.welcomeText('Messages')).toMatch(/^No messages yet\./);
  });

  it('shows what is sent, the newest first, and follows how far it has come', async () => {
    await town.watcher.request('session.spawn', { role: 'polecat', rig: rigName, backend: 'opencode', name: 'one' });
    await send(scripted('Take your time.', { hold: 'gate' }, { text: 'Done.' }));
    await tree().rowsWhen(
      'the first to be delivered',
      (rows) => rows[0]?.description.startsWith('delivered · nudge · ') === true,
    );
    await send('And then?');
    const waiting = await tree().rowsWhen('both', (rows) => rows.length === 2);
    expect(waiting.map(({ label, icon }) => [label, icon])).toEqual([
      [`you → ${one}`, 'clock'],
      [`you → ${one}`, 'mail-read'],
    ]);
    expect(waiting[0]?.description).toMatch(/^accepted · nudge · now · And then\?$/);
    expect(waiting[0]?.ariaLabel).toContain(
      `nudge from you to ${one}, accepted, sent less than a minute ago: And then?`,
    );
    town.model.release('gate');
    await tree().rowsWhen('both acted on', (rows) => rows.every(({ icon }) => icon === 'pass-filled'));
    await town.window.screenshot('messages');
  });

  it('opens one from its row, with all of its text and how far it has come', async () => {
    const { id } = await newest();
    await tree().row(`you → ${one}`).inlineAction('Open Text');
    await expect.poll(() => town.window.editorText()).toMatch(/And then\?$/);
    const text = await town.window.editorText();
    expect(text.split('\n')[0]).toBe(`nudge ${id} from you to ${one}: acted on`);
    for (const line of [/^Accepted: \d{4}-/m, /^Delivered: \d{4}-/m, /^Acted on: \d{4}-/m]) expect(text).toMatch(line);
    await town.window.screenshot('messages-open');
  });

  it('copies the id of one from its row', async () => {
    const { quickInput, palette } = town.window;
    const { id } = await newest();
    await expect.poll(() => tree().row(`you → ${one}`).contextMenuItems()).toEqual(['Open Text', 'Copy Id']);
    await tree().row(`you → ${one}`).contextMenu('Copy Id');
    await town.window.statusBar.waitFor(new RegExp(`${id} was copied\\.`));
    // As a user puts it into a search field.
    await palette.run('Gas Town: Filter Messages…');
    const field = await quickInput.input('Show only which messages?');
    await field.press('Control+V');
    await expect.poll(() => field.inputValue()).toBe(id);
    await quickInput.dismiss();
  });

  it('is limited to some by a filter, and to all again', async () => {
    await town.window.palette.run('Gas Town: Filter Messages…');
    await town.window.quickInput.pick('given up', 'Show only which messages?');
    await expect.poll(() => town.window.views.welcomeText('Messages')).toMatch(/^No message is like that\./);
    await town.window.screenshot('messages-filtered');
    await town.window.views.welcomeButton('Messages', 'Clear Message Filter');
    await tree().rowsWhen('both again', (rows) => rows.length === 2);
  });

  it('is limited by several things in turn, from its title, and says so there', async () => {
    const { quickInput, views } = town.window;
    await town.watcher.request('message.send', {
      to: one,
      type: 'mail',
      subject: 'The plan',
      body: 'Read it when you have time.',
    });
    await tree().rowsWhen('the mail to be acted on', (rows) => rows.length === 3 && rows[0]?.icon === 'pass-filled');
    await views.titleAction('Messages', 'Filter Messages…');
    await quickInput.pick('mail', 'Show only which messages?');
    await tree().rowsWhen(
      'the mail alone',
      (rows) => rows.length === 1 && rows[0]?.description.endsWith('The plan') === true,
    );
    await expect.poll(() => views.description('Messages')).toBe('mail');
    await views.titleAction('Messages', 'Filter Messages…');
    await quickInput.pick(one, 'Show only which messages?');
    await expect.poll(() => views.description('Messages')).toBe(`mail · ${one}`);
    await tree().rowsWhen('the mail still', (rows) => rows.length === 1);
    await town.window.screenshot('messages-filtered-twice');
    await views.titleAction('Messages', 'Clear Message Filter');
    await tree().rowsWhen('all again', (rows) => rows.length === 3);
    await expect.poll(() => views.description('Messages')).toBe('');
  });

  it('sends an urgent nudge, which is told before what waits already', async () => {
    const { quickInput } = town.window;
    await town.untilIdle(one);
    await send(scripted('Think hard.', { hold: 'thought' }, { text: 'Thought.' }));
    await town.model.waitFor(({ text }) => text.includes('Think hard.'));
    await send('Tidy up some day.');
    await town.window.palette.run('Gas Town: Send Message…');
    await quickInput.pick(`one (${rigName})`, 'To whom?');
    await expect.poll(() => quickInput.options('How?')).toEqual(['Nudge', 'Urgent Nudge', 'Mail']);
    await town.window.screenshot('messages-kinds');
    await quickInput.pick('Urgent Nudge', 'How?');
    await quickInput.type('Stop at once.', `Message to ${one}`);
    await tree().rowsWhen('the urgent one', (rows) =>
      /urgent nudge .*Stop at once\.$/.test(rows[0]?.description ?? ''),
    );
    expect(await newest()).toMatchObject({ kind: 'nudge', priority: 'urgent', state: 'accepted' });
    town.model.release('thought');
    const { text } = await town.model.waitFor((entry) => entry.text.includes('Tidy up some day.'));
    expect(text.indexOf('Stop at once.')).toBeGreaterThan(-1);
    expect(text.indexOf('Stop at once.')).toBeLessThan(text.indexOf('Tidy up some day.'));
  });

  it('sends mail to a role that does not run, which gets it when it starts', async () => {
    const { quickInput } = town.window;
    await town.window.palette.run('Gas Town: Send Message…');
    await expect
      .poll(() => quickInput.options('To whom?'))
      .toEqual([`one (${rigName})`, 'Mayor', 'Deacon', `Witness (${rigName})`, `Refinery (${rigName})`]);
    await town.window.screenshot('messages-recipients');
    await quickInput.pick('Mayor', 'To whom?');
    await quickInput.type('Welcome', 'Subject');
    await quickInput.type('Sling nothing today.', 'Message to hq-mayor');
    await town.window.statusBar.waitFor(/The message waits until hq-mayor starts\./);
    const waiting = await tree().rowWhen('you → hq-mayor', () => true);
    expect(waiting).toMatchObject({ icon: 'clock', description: 'accepted · mail · now · Welcome' });
    await town.window.screenshot('messages-waiting');
    await town.watcher.request('session.spawn', { role: 'mayor', agent: 'opencode' });
    // It is told of the mail, and may not read it unasked.
    await town.sessions.rowWhen('Mayor', ({ icon }) => icon === 'shield');
    const { asks } = await town.untilAsking('hq-mayor');
    await town.answer(asks[0]!.title, 'Allow');
    await town.model.waitFor(({ results }) => results.some((result) => result.includes('Sling nothing today.')));
    await tree().rowWhen('you → hq-mayor', ({ icon }) => icon === 'pass-filled');
    // Who runs is offered as a session, of whatever kind the message is.
    await town.untilIdle('hq-mayor');
    await town.window.palette.run('Gas Town: Send Message…');
    await expect
      .poll(async () => (await quickInput.options('To whom?')).filter((label) => label === 'Mayor'))
      .toHaveLength(1);
    await quickInput.pick('Mayor', 'To whom?');
    await quickInput.input('How?');
    await quickInput.dismiss();
  });

  it('shows what is in the store when it is opened for the first time in a window, though nothing happens meanwhile', async () => {
    const { messages } = await town.watcher.request('message.list', {});
    expect(messages.length).toBeGreaterThan(3);
    const host = await town.host();
    await town.window.views.toggle('Messages');
    town.watcher.close();
    await town.window.reload();
    await town.watch(host);
    await town.window.views.open('Gas Town');
    await town.untilIdle('hq-mayor');
    await town.sessions.row('Mayor').waitFor();
    await town.window.views.toggle('Messages');
    await tree().rowsWhen('all of them', (rows) => rows.length > 2);
    expect(await town.window.views.welcomeText('Messages')).toBe('');
    await expect.poll(() => town.window.views.message('Messages')).toBe('');
  });
});
