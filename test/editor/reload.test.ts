// Sessions outlive the window: a reload of it, a second window beside it, and its end.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SessionView } from '../../shared/channel/views.ts';
import { crewRules } from '../support/editor/crew-rules.ts';
import type { EditorPage } from '../support/editor/editor-page.ts';
import { processesOf } from '../support/editor/processes.ts';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';

const mayor = 'hq-mayor';
const worker = `${rigName}-worker-1`;

describe('windows', () => {
  let town: TownEditor;
  let first: EditorPage;
  let second: EditorPage;

  beforeAll(async () => {
    town = await TownEditor.start({ rules: crewRules });
    await town.open();
    first = town.window;
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const facts = ({ runId, state, activity, branch }: SessionView): object => ({
    runId,
    state,
    activity: activity.kind,
    branch,
  });

  async function expectTree(window: EditorPage): Promise<void> {
    await window.views.open('Gas Town');
    const rows = await window.views
      .tree('Sessions')
      .rowsWhen('all sessions', (all) => all.some((row) => row.label === 'worker-1'));
    expect(rows.map(({ label, depth }) => `${depth} ${label}`)).toEqual([
      '1 town',
      '2 Mayor',
      `2 ${rigName}`,
      '3 Polecats',
      '4 worker-1',
    ]);
  }

  /** The model sees a nudge to each of them, once. */
  async function expectDelivered(text: string): Promise<void> {
    for (const to of [mayor, worker]) {
      await town.watcher.request('message.send', { to, type: 'nudge', body: `${text}, ${to}` });
      await town.model.waitFor((entry) => entry.text.includes(`${text}, ${to}`));
      await town.untilIdle(to);
      expect(town.model.seen(`${text}, ${to}`)).toHaveLength(1);
    }
  }

  it('adopts an Opencode polecat and the Claude mayor after "Reload Window"', async () => {
    await town.watcher.request('work.add', { id: 'issue-1', rig: rigName, description: 'Write notes for issue 1' });
    await town.watcher.request('sling', { work: 'issue-1', rig: rigName, agent: 'opencode', name: 'worker-1' });
    await town.window.palette.run('Gas Town: Start Mayor');
    await town.untilWork('issue-1', 'done');
    const before = [await town.untilIdle(mayor), await town.untilIdle(worker)];
    await town.window.terminals.untilShown();
    await town.window.terminals.create();
    await town.window.terminals.type('gt agents');
    await town.window.terminals.textWhen(/opencode\s+polecat\s+worker-1\s+myproject\s+running/);
    // A terminal has the name of its program: what that is at the reload, it stays until it has another one.
    await expect.poll(() => town.window.terminals.names()).toContain('bash');

    const host = await town.host();
    town.watcher.close();
    await town.window.reload();
    await town.watch(host);
    const after = [await town.untilIdle(mayor), await town.untilIdle(worker)];
    expect(after.map(facts)).toEqual(before.map(facts));
    expect(after[0]?.pid).toBe(before[0]?.pid);
    expect(town.watcher.snapshot.work).toMatchObject([{ id: 'issue-1', state: 'done', owner: worker, commits: 1 }]);
    await expectTree(town.window);
    await town.window.screenshot('reload-after');
  });

  it('goes on where it was: terminals, `gt` in them, and delivery to both', async () => {
    await town.window.terminals.show();
    await expect.poll(() => town.window.terminals.names()).toContain('bash');
    await town.window.terminals.focus('bash');
    await town.window.terminals.type('clear; gt agents --long');
    const text = await town.window.terminals.textWhen(/opencode\s+polecat\s+worker-1.*myproject-worker-1/);
    expect(text).toMatch(/claude\s+mayor\s+-\s+-\s+running\s+idle\s+hq-mayor/);
    await expectDelivered('Are you still there');
  });

  it('answers what was asked before a reload', async () => {
    await town.watcher.request('session.spawn', { role: 'crew', rig: rigName, agent: 'opencode', name: 'amy' });
    const amy = `${rigName}-crew-amy`;
    await town.watcher.request('message.send', { to: amy, type: 'nudge', body: 'Please run `touch asked-before`' });
    const { asks, runId } = await town.untilAsking(amy);
    const host = await town.host();
    town.watcher.close();
    await town.window.reload();
    await town.watch(host);
    expect(await town.untilAsking(amy)).toMatchObject({
      runId,
      asks: [{ id: asks[0]?.id, title: 'bash: touch asked-before' }],
    });
    await town.window.views.open('Gas Town');
    // A row that is being drawn again does not tell its action which one it is.
    await town.sessions.rowsWhen(
      'the tree to be at rest',
      (rows) =>
        rows[0]?.description === '1 waiting · 2 idle' && rows.some(({ label }) => label === 'bash: touch asked-before'),
    );
    await town.answer('bash: touch asked-before', 'Allow');
    await town.untilIdle(amy);
    await town.watcher.request('session.stop', { session: amy });
    expect(town.session(amy)).toMatchObject({ runId, asks: [] });
  });

  it('shows the same town in a second window, whose actions work', async () => {
    const host = await town.host();
    second = await town.openWindow();
    await town.window.views.open('Gas Town');
    await town.sessions.row('worker-1').waitFor();
    expect((await town.host())?.pid).toBe(host?.pid);
    const rowsOf = async (window: EditorPage): Promise<string[]> =>
      (await window.views.tree('Sessions').rows()).map(({ label, icon }) => `${icon} ${label}`);
    await expect.poll(() => rowsOf(second)).toEqual(await rowsOf(first));

    await town.sessions.row('worker-1').inlineAction('Send Message…');
    await second.quickInput.pick('Nudge', 'How?');
    await second.quickInput.type('A word from the second window', 'Message to');
    await town.model.waitFor((entry) => entry.text.includes('A word from the second window'));
    await town.untilIdle(worker);
    await second.screenshot('reload-second-window');
  });

  it('makes the second window the host when the first is closed', async () => {
    const host = await town.host();
    // The word from the second window may be at work still: that the model has it is known before the session's state is.
    const before = [town.session(mayor), await town.untilIdle(worker)];
    town.watcher.close();
    await town.closeWindow(first);
    await town.watch(host);
    expect(facts(await town.untilIdle(worker))).toEqual(facts(before[1]!));
    // Whether the editor ends the terminals of a window that closes is a race in the editor: both ends are told truly.
    const settled = await town.untilSession(
      mayor,
      'to be idle or gone',
      (each) => each.endedUnseen === true || each.activity.kind === 'idle',
    );
    if (settled.endedUnseen) {
      expect(settled.cause).toBe('it ended while no host was there');
      expect(processesOf(`GT_SESSION=${mayor}`)).toEqual([]);
      await second.views.tree('Sessions').rowWhen('Mayor', ({ icon }) => icon === 'eye-closed');
      await second.views.tree('Sessions').row('Mayor').inlineAction('Start Session Again…');
    } else {
      expect([facts(settled), settled.pid]).toEqual([facts(before[0]!), before[0]?.pid]);
    }
    await second.views.tree('Sessions').rowWhen('Mayor', ({ icon }) => icon.startsWith('circle-'));
    await second.screenshot('reload-take-over');
    await expectDelivered('The second window speaks');
  });
});
