// Where the user's hands are: messages wait only while they type in that terminal, and nothing takes the keyboard unasked.

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crewRules } from '../support/editor/crew-rules.ts';
import { eventually } from '../support/editor/eventually.ts';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';
import { patience } from '../support/patience.ts';

const mayor = 'hq-mayor';
/** Well above what a delivery takes on a busy machine, and below the 60 s for which a window counts as in use. */
const atOnce = Math.min(patience(20_000), 45_000);

describe('hands', () => {
  let town: TownEditor;

  beforeAll(async () => {
    town = await TownEditor.start({ rules: crewRules });
    await town.open();
    // With a single terminal there are no tabs to choose it by.
    await town.window.terminals.create();
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const send = async (body: string): Promise<string> =>
    (await town.watcher.request('message.send', { to: mayor, type: 'nudge', body })).id;
  const stateOf = async (id: string) =>
    (await town.watcher.request('message.list', { limit: 20 })).messages.find((each) => each.id === id)!;
  const attach = async (): Promise<void> => {
    await town.sessions.row('Mayor').inlineAction('Attach Terminal…');
    await town.window.terminals.untilFocused();
  };
  const panel = () => town.window.page.locator('.part.panel:visible');

  it('a session that has started does not take the keyboard from what the user has turned to meanwhile', async () => {
    const { palette, quickInput } = town.window;
    await palette.run('Gas Town: Start Mayor');
    // The box closes when it loses the keyboard.
    await quickInput.dismiss();
    await town.window.page.keyboard.press('F1');
    const field = await quickInput.input();
    await town.window.page.keyboard.type('gas town');
    await town.untilIdle(mayor);
    await panel().waitFor();
    await town.window.page.keyboard.type(' here');
    expect(await field.inputValue()).toBe('>gas town here');
    await quickInput.dismiss();
  });

  it('its terminal is the active one, its panel closed: a message comes at once, though the window is used', async () => {
    const { views, page } = town.window;
    await attach();
    await town.window.palette.run('View: Toggle Terminal');
    await panel().waitFor({ state: 'hidden' });
    // Not in a tree of ours: that would prove that nobody types.
    await views.open('Explorer');
    const begun = Date.now();
    const id = await send('Are you there?');
    const use = setInterval(() => void page.mouse.move(300 + Math.random() * 50, 300).catch(() => undefined), 500);
    await eventually(
      'it is delivered',
      () => stateOf(id),
      ({ state }) => state !== 'accepted',
    ).finally(() => clearInterval(use));
    expect(Date.now() - begun).toBeLessThan(atOnce);
    await views.open('Gas Town');
    await town.untilIdle(mayor);
  });

  it('while the user types there, a message waits, the row says why, and it comes when the keys rest; the draft stays', async () => {
    const { terminals, page } = town.window;
    await attach();
    // The system notes keys in steps of 8 s, so those that follow the message of the test before at once are not told from it.
    await delay(9_000);
    await terminals.press('h');
    await page.keyboard.type('alf a draft', { delay: 50 });
    const id = await send('In between.');
    const typing = setInterval(() => void page.keyboard.press('x').catch(() => undefined), 700);
    await town.sessions
      .rowWhen('Mayor', ({ description }) => description.startsWith('1 message waits: its terminal is in use'))
      .finally(() => clearInterval(typing));
    expect((await stateOf(id)).state).toBe('accepted');
    await eventually(
      'it is delivered',
      () => stateOf(id),
      ({ state }) => state !== 'accepted',
      40_000,
    );
    await town.sessions.rowWhen('Mayor', ({ description }) => !description.includes('waits'));
    await terminals.textWhen(/half a draftx*/);
    expect(town.model.seen('half a draft')).toEqual([]);
    await town.untilIdle(mayor);
  });

  it('a wait of a session is told although its terminal is the active one, when the user has turned away from it', async () => {
    const { notifications, palette } = town.window;
    await notifications.clear();
    await notifications.hide();
    await palette.run('View: Toggle Terminal');
    await panel().waitFor({ state: 'hidden' });
    // A row of ours, of something else.
    await town.sessions.row(rigName).click();
    await send('Please run `touch told`');
    await town.untilAsking(mayor);
    await notifications.waitFor(/^Mayor asks: /);
  });
});
