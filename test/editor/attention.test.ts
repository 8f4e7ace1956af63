// Sessions that wait for the user: how they show it, and all the ways to answer.

import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { glance } from '../../extension/terminals/hands.ts';
import type { SessionView } from '../../shared/channel/views.ts';
import { eventually } from '../support/editor/eventually.ts';
import { crewRules } from '../support/editor/crew-rules.ts';
import { scripted } from '../support/scripted.ts';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';
import type { TreeRowFacts } from '../support/editor/tree.ts';

const amy = `${rigName}-crew-amy`;
const mayor = 'hq-mayor';

describe('attention', () => {
  let town: TownEditor;
  /** Icon and accessible label of a session's row, by the state that it was in. */
  const looks = new Map<string, TreeRowFacts>();

  beforeAll(async () => {
    town = await TownEditor.start({ rules: crewRules });
    await town.open();
    // A session that fails stays so: what is told of it can be read.
    const settings = path.join(town.root, 'settings/config.json');
    await writeFile(
      settings,
      JSON.stringify({ ...JSON.parse(await readFile(settings, 'utf8')), failure_policy: { restarts: { max: 0 } } }),
    );
    await town.watcher.request('session.spawn', { role: 'crew', rig: rigName, agent: 'opencode', name: 'amy' });
    await town.watcher.request('session.spawn', { role: 'mayor', agent: 'claude' });
    // The mayor's terminal is not the one that is typed into: nothing is delivered to it then.
    await town.window.terminals.create();
    await town.window.views.open('Gas Town');
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  async function tell(session: string, text: string): Promise<void> {
    await town.untilIdle(session);
    await town.watcher.request('message.send', { to: session, type: 'nudge', body: text });
  }

  /** In the folder that the session works in. */
  const fileOf = (session: string, name: string): string => path.join(town.session(session).workDir, name);

  /** The session wants to make a file, and its row asks for the permission. */
  async function wantsToMake(session: string, name: string): Promise<SessionView> {
    await tell(session, `Please run \`touch ${name}\``);
    const asking = await town.untilAsking(session);
    looks.set('permission', await town.sessions.rowWhen(labelOf(session), ({ icon }) => icon === 'shield'));
    return asking;
  }

  async function untilAnswered(session: string): Promise<void> {
    await town.untilSession(session, 'to ask nothing', (each) => each.asks.length === 0);
    await town.untilIdle(session);
    await town.sessions.rowWhen(labelOf(session), ({ icon }) => icon.startsWith('circle-'));
    const { depth, label } = await town.sessions.rowWhen(labelOf(session), () => true);
    const rows = await town.sessions.rows();
    expect(rows[rows.findIndex((row) => row.label === label) + 1]?.depth ?? 0).toBeLessThanOrEqual(depth);
  }

  const untilEditor = (text: RegExp) => expect.poll(() => town.window.editorText()).toMatch(text);

  const labelOf = (session: string): string => (session === mayor ? 'Mayor' : 'amy');

  /** Notifications tell of the past too: each test begins without any. */
  async function clearNotifications(): Promise<void> {
    await town.window.notifications.clear();
    await town.window.notifications.hide();
  }

  it('shows what an Opencode session asks, in the tree, the badge, the status bar and a notification', async () => {
    const { asks } = await wantsToMake(amy, 'one');
    const title = 'bash: touch one';
    expect(asks).toMatchObject([{ kind: 'permission', resolvable: true, title }]);
    const rows = await town.sessions.rowsWhen('the ask below the session', (all) =>
      all.some((row) => row.label === title),
    );
    const row = rows.find(({ label }) => label === 'amy');
    expect(row?.description).toMatch(/^waiting for permission · now · opencode/);
    expect(row?.ariaLabel).toContain(`session amy, crew of rig ${rigName}, waiting for permission: ${title}, for`);
    expect(rows.find(({ label }) => label === title)).toMatchObject({ depth: (row?.depth ?? 0) + 1, icon: 'shield' });
    expect(rows[0]?.description).toBe('1 waiting · 1 idle');
    await expect.poll(() => town.window.views.badge('Gas Town')).toBe('1');
    await expect.poll(() => town.window.views.activityLabel('Gas Town')).toContain('1 session waits for you');
    expect(await town.untilStatus(/^2\s+1$/)).toBe('Gas Town: 2 sessions, 1 waiting for you');
    await expect
      .poll(() => town.sessions.row('amy').inlineActions())
      .toEqual(['Attach Terminal…', 'Send Message…', 'Terminate Session…']);
    await expect.poll(() => town.sessions.row(title).inlineActions()).toEqual(['Allow', 'Deny']);
    const told = await town.window.notifications.waitFor(/amy \(myproject\) asks: bash: touch/);
    expect(told.buttons).toEqual(['Allow', 'Deny', 'Open']);
    await town.window.screenshot('attention-permission');
    await town.window.notifications.hide();
  });

  it('allows it from the row, once all of it has been shown', async () => {
    await town.sessions.row('bash: touch one').inlineAction('Allow');
    await town.window.quickInput.input('bash: touch one');
    expect(town.session(amy).asks).toHaveLength(1);
    // The verdict of the button is the one that Enter gives.
    await town.window.quickInput.confirm();
    await untilAnswered(amy);
    expect(existsSync(fileOf(amy, 'one'))).toBe(true);
    await expect.poll(() => town.window.views.badge('Gas Town')).toBeUndefined();
    expect(await town.untilStatus(/^2$/)).toBe('Gas Town: 2 sessions, 0 waiting for you');
  });

  it('denies it from the row', async () => {
    await wantsToMake(amy, 'two');
    await town.sessions.row('bash: touch two').inlineAction('Deny');
    await town.window.quickInput.input('bash: touch two');
    await town.window.quickInput.confirm();
    await untilAnswered(amy);
    expect(existsSync(fileOf(amy, 'two'))).toBe(false);
  });

  it('allows it from the notification', async () => {
    await clearNotifications();
    await wantsToMake(amy, 'three');
    await town.window.notifications.click(/amy \(myproject\) asks/, 'Allow');
    await untilAnswered(amy);
    expect(existsSync(fileOf(amy, 'three'))).toBe(true);
    await clearNotifications();
  });

  it('denies it with a reason, from the list of all that wait', async () => {
    await wantsToMake(amy, 'four');
    await town.window.statusBar.click(/^\s*2\s+1\s*$/);
    const { quickInput } = town.window;
    await quickInput.pick('bash: touch four', 'What do you want to answer?');
    await expect
      .poll(() => quickInput.options('asks'))
      .toEqual(['Allow', 'Always Allow', 'Deny', 'Deny and Say Why…', 'Show Details', 'Open the Terminal']);
    await quickInput.pick('Deny and Say Why…', 'asks');
    await quickInput.type('Use the name five instead.', 'Why not?');
    await untilAnswered(amy);
    expect(existsSync(fileOf(amy, 'four'))).toBe(false);
    await town.model.waitFor((entry) => entry.results.some((text) => text.includes('Use the name five instead.')));
  });

  it('answers an Opencode question from the row', async () => {
    await tell(amy, 'Please ask me "Which colour shall it be?"');
    looks.set('question', await town.sessions.rowWhen('amy', ({ icon }) => icon === 'question'));
    expect(looks.get('question')?.description).toMatch(/^waiting for an answer/);
    await town.window.screenshot('attention-question');
    await town.sessions.row('Which colour shall it be?').inlineAction('Answer…');
    await expect
      .poll(() => town.window.quickInput.options('Which colour'))
      .toEqual(['Red', 'Green', 'In Your Own Words…', 'Show Details', 'Open the Terminal']);
    await town.window.quickInput.pick('Green', 'Which colour');
    await untilAnswered(amy);
    await town.model.waitFor((entry) => entry.results.some((text) => /Which colour.*Green/s.test(text)));
  });

  it('answers two questions in turn, several answers to the second', async () => {
    const questions = [
      { question: 'Which colour?', options: ['Blue', 'Green'] },
      { question: 'What on top?', options: ['Cream', 'Nuts'], multiple: true },
    ];
    await tell(amy, scripted('Two things.', { tool: 'ask', args: { questions } }, { text: 'Thanks.' }));
    await town.untilAsking(amy);
    await town.sessions.row('Which colour?').inlineAction('Answer…');
    const { quickInput } = town.window;
    await expect
      .poll(() => quickInput.options('amy (myproject) asks'))
      .toEqual(['Answer 2 Questions…', 'Show Details', 'Open the Terminal']);
    await quickInput.pick('Answer 2 Questions…');
    await quickInput.pick('Green', 'Which colour?');
    await quickInput.pick('Nuts', 'What on top?');
    await quickInput.confirm();
    await untilAnswered(amy);
    await town.model.waitFor((entry) => entry.results.some((text) => /colour.*Green.*on top.*Nuts/s.test(text)));
  });

  it('allows and denies what the Claude mayor asks, from its row', async () => {
    await clearNotifications();
    const { asks } = await wantsToMake(mayor, 'six');
    expect(asks).toMatchObject([{ kind: 'permission', title: 'Bash: touch six' }]);
    await town.window.screenshot('attention-mayor');
    await town.answer('Bash: touch six', 'Allow');
    await untilAnswered(mayor);
    expect(existsSync(fileOf(mayor, 'six'))).toBe(true);

    await wantsToMake(mayor, 'seven');
    await town.answer('Bash: touch seven', 'Deny');
    await untilAnswered(mayor);
    expect(existsSync(fileOf(mayor, 'seven'))).toBe(false);
    await expect.poll(() => town.window.views.badge('Gas Town')).toBeUndefined();
  });

  it('notices when the person answers in the Claude terminal', async () => {
    await wantsToMake(mayor, 'eight');
    await town.sessions.row('Mayor').inlineAction('Attach Terminal…');
    await town.window.terminals.textWhen(/Do you want to proceed/);
    await town.window.screenshot('attention-terminal');
    await town.window.terminals.press('Enter');
    await untilAnswered(mayor);
    expect(existsSync(fileOf(mayor, 'eight'))).toBe(true);
    await expect.poll(() => town.window.views.badge('Gas Town')).toBeUndefined();
    await town.window.terminals.focus('bash');
  });

  it('counts all sessions that wait', async () => {
    await clearNotifications();
    await Promise.all([wantsToMake(amy, 'nine'), wantsToMake(mayor, 'ten')]);
    await town.sessions.rowsWhen('both to wait', (rows) => rows[0]?.description === '2 waiting');
    await expect.poll(() => town.window.views.badge('Gas Town')).toBe('2');
    await town.answer('bash: touch nine', 'Allow');
    await untilAnswered(amy);
    await expect.poll(() => town.window.views.badge('Gas Town')).toBe('1');
    await town.answer('Bash: touch ten', 'Allow');
    await untilAnswered(mayor);
    await expect.poll(() => town.window.views.badge('Gas Town')).toBeUndefined();
  });

  it('shows all there is to know about an ask by a click on its row, which then answers by one click', async () => {
    await wantsToMake(amy, 'eleven');
    await town.sessions.row('bash: touch eleven').click();
    await untilEditor(/command: touch eleven/);
    await town.window.screenshot('attention-details');
    await town.sessions.row('bash: touch eleven').inlineAction('Deny');
    await untilAnswered(amy);
    // What was shown of it is closed again.
    await expect.poll(() => town.window.page.locator('.tab', { hasText: 'amy (myproject) asks' }).count()).toBe(0);
  });

  it('keeps the text of what a session still asks in the editor when something else that it asks is answered', async () => {
    const calls = ['first', 'second'].map((name) => ({ tool: 'bash', args: { command: `touch ${name}-of-two` } }));
    await tell(amy, scripted('Both at once.', { tools: calls }, { text: 'Done.' }));
    await town.untilSession(amy, 'to ask both', (each) => each.asks.length === 2);
    for (const name of ['first', 'second']) {
      await town.sessions.row(`bash: touch ${name}-of-two`).click();
      await untilEditor(new RegExp(`command: touch ${name}-of-two`));
    }
    await town.sessions.row('bash: touch first-of-two').inlineAction('Allow');
    await town.untilSession(amy, 'to ask one', (each) => each.asks.length === 1);
    await town.sessions.rowsWhen('the one left', (rows) =>
      rows.every(({ label }) => label !== 'bash: touch first-of-two'),
    );
    await untilEditor(/command: touch second-of-two/);
    await town.sessions.row('bash: touch second-of-two').inlineAction('Deny');
    await untilAnswered(amy);
    await expect.poll(() => town.window.page.locator('.tab', { hasText: 'amy (myproject) asks' }).count()).toBe(0);
  });

  it('allows what a row or a message has no room for only where all of it is shown', async () => {
    await clearNotifications();
    const tail = 'git push origin HEAD';
    const command = `echo ${'a long way to go '.repeat(8)}&& echo ${tail} > pushed`;
    await tell(amy, `Please run \`${command}\``);
    const { asks } = await town.untilAsking(amy);
    const title = asks[0]!.title;
    expect(title).toMatch(/…$/);
    expect(await town.window.notifications.waitFor(/amy \(myproject\) asks: bash: echo a long way/)).toMatchObject({
      buttons: ['Review…'],
    });
    await town.window.notifications.hide();
    await town.window.views.resize(226);
    await town.sessions.row(title).waitFor();
    await town.sessions.row(title).inlineAction('Allow');
    await town.window.quickInput.input('bash: echo a long way');
    await untilEditor(new RegExp(`echo ${tail}`));
    await town.window.screenshot('attention-review-226');
    expect(await town.window.isInSight('pushed')).toBe(true);
    expect(town.session(amy).asks).toHaveLength(1);
    await town.window.quickInput.pick('Deny', 'asks');
    await untilAnswered(amy);
    await town.window.views.resize(300);
  });

  it('shows what an edit changes before it is allowed, from its notification as from its row', async () => {
    await clearNotifications();
    // The paths of a worktree are long: without the panel, all of the request is in sight.
    await town.window.palette.run('View: Toggle Panel Visibility');
    const content = 'one line\nand a second line';
    await tell(
      amy,
      scripted(
        'Write it down.',
        { tool: 'write', args: { path: fileOf(amy, 'edited.txt'), content } },
        { text: 'Written.' },
      ),
    );
    await town.untilAsking(amy);
    expect(await town.window.notifications.waitFor(/amy \(myproject\) asks: edit: /)).toMatchObject({
      buttons: ['Review…'],
    });
    await town.window.notifications.click(/amy \(myproject\) asks: edit: /, 'Review…');
    await untilEditor(/and a second line/);
    expect(await town.window.isInSight('edit: edited.txt')).toBe(true);
    expect(existsSync(fileOf(amy, 'edited.txt'))).toBe(false);
    await town.window.screenshot('attention-review-edit');
    await town.window.quickInput.pick('Allow', 'asks');
    await untilAnswered(amy);
    expect(existsSync(fileOf(amy, 'edited.txt'))).toBe(true);
    await town.window.palette.run('View: Toggle Panel Visibility');
    await clearNotifications();
  });

  it('keeps the icons of a session in their places when it begins to wait, also in a narrow side bar', async () => {
    for (const width of [226, 300]) {
      await town.window.views.resize(width);
      await town.untilIdle(amy);
      const idle = await eventually(
        'the icons of amy',
        () => town.sessions.row('amy').inlinePlaces(),
        (places) => Object.keys(places).length === 3,
      );
      const name = `place-${width}`;
      await wantsToMake(amy, name);
      await town.sessions.row(`bash: touch ${name}`).waitFor();
      expect(await town.sessions.row('amy').inlinePlaces()).toEqual(idle);
      await town.window.screenshot(`attention-places-${width}`);
      await town.answer(`bash: touch ${name}`, 'Deny');
      await untilAnswered(amy);
    }
  });

  it('says of a notification that has outlived its wait that it is over, and answers nothing else', async () => {
    await clearNotifications();
    const { asks } = await wantsToMake(amy, 'stale');
    await town.window.notifications.waitFor(/amy \(myproject\) asks: bash: touch stale/);
    await town.watcher.request('session.answer', { session: amy, ask: asks[0]!.id, answer: { kind: 'deny' } });
    await untilAnswered(amy);
    await wantsToMake(amy, 'other');
    await wantsToMake(mayor, 'another');
    await town.window.notifications.click(/asks: bash: touch stale/, 'Allow');
    await town.window.notifications.waitFor(/^amy \(myproject\) does not wait for this any more/);
    await town.window.notifications.hide();
    expect(await town.window.quickInput.isOpen()).toBe(false);
    expect([town.session(amy).asks, town.session(mayor).asks].map((open) => open.length)).toEqual([1, 1]);
    await town.answer('bash: touch other', 'Deny');
    await untilAnswered(amy);
    // Rows that move under the pointer are another matter: the editor then does not say which one was clicked.
    await town.sessions.rowsWhen('the one left', (rows) => rows.every(({ label }) => label !== 'bash: touch other'));
    await town.answer('Bash: touch another', 'Deny');
    await untilAnswered(mayor);
    expect(existsSync(fileOf(amy, 'other')) || existsSync(fileOf(mayor, 'another'))).toBe(false);
    await clearNotifications();
  });

  it('goes through all that wait, the oldest first, and answers in place', async () => {
    await wantsToMake(amy, 'twelve');
    await wantsToMake(mayor, 'thirteen');
    await town.window.palette.run('Gas Town: Next Waiting Session');
    const { quickInput } = town.window;
    await expect
      .poll(() => quickInput.options('Waiting for You (1 of 2)'))
      .toEqual([
        'Allow',
        'Always Allow',
        'Deny',
        'Deny and Say Why…',
        'Show Details',
        'Open the Terminal',
        'Skip to the Next One',
      ]);
    await town.window.screenshot('attention-next');
    await quickInput.pick('Allow', 'amy (myproject) asks: bash: touch twelve');
    await quickInput.pick('Deny', 'Mayor asks: Bash: touch thirteen');
    await Promise.all([untilAnswered(amy), untilAnswered(mayor)]);
    expect([existsSync(fileOf(amy, 'twelve')), existsSync(fileOf(mayor, 'thirteen'))]).toEqual([true, false]);
    expect(await town.window.palette.offers('Gas Town: Next Waiting Session')).toBe(false);
  });

  it('closes the row when the terminal answers first, and the answer from the row comes too late', async () => {
    const { asks } = await wantsToMake(mayor, 'fourteen');
    await town.window.palette.run('Gas Town: Next Waiting Session');
    await town.window.quickInput.input('Mayor asks: Bash: touch fourteen');
    await town.window.quickInput.dismiss();
    await town.sessions.row('Mayor').inlineAction('Attach Terminal…');
    await town.window.terminals.textWhen(/Do you want to proceed/);
    await town.window.terminals.press('Enter');
    await untilAnswered(mayor);
    await town.window.terminals.focus('bash');
    const late = town.watcher.request('session.answer', { session: mayor, ask: asks[0]!.id, answer: { kind: 'deny' } });
    await expect(late).rejects.toThrow('no longer waits for this');
    expect(existsSync(fileOf(mayor, 'fourteen'))).toBe(true);
  });

  it('shows what happened to a session, keeps it fresh, and exports it', async () => {
    await wantsToMake(amy, 'fifteen');
    await town.answer('bash: touch fifteen', 'Deny');
    await untilAnswered(amy);
    await town.window.palette.run('Gas Town: Show Timeline…');
    await town.window.quickInput.pick('amy (myproject)', 'Whose timeline?');
    for (const line of [
      /Timeline of amy \(myproject\), newest first/,
      /waits for permission: bash: touch fifteen/,
      /denied by the user: bash: touch fifteen/,
    ]) {
      await untilEditor(line);
    }
    await town.window.screenshot('attention-timeline');
    await tell(amy, 'Are you there?');
    await untilEditor(/accepted: Are you there\?/);

    const file = path.join(town.root, 'amy.json');
    await town.window.palette.run('Gas Town: Export Timeline…');
    await town.window.quickInput.pick('amy (myproject)', 'Whose timeline?');
    // The dialog puts its proposal in a moment after it opens, over what is there.
    const dialog = await town.window.quickInput.input('Export the Timeline of amy');
    await eventually(
      'the proposed name',
      () => dialog.inputValue(),
      (value) => value.endsWith('timeline.md'),
    );
    await town.window.quickInput.type(file, 'Export the Timeline of amy');
    const exported = await eventually(
      'the exported file',
      async () => (existsSync(file) ? readFileSync(file, 'utf8') : ''),
      (text) => text !== '',
    );
    const { entries } = JSON.parse(exported) as { entries: { type: string; by?: string }[] };
    expect(entries.filter(({ type, by }) => type === 'ask.answered' && by === 'person')).not.toEqual([]);
  });

  it('tells every state by shape and in words, not by colour alone', async () => {
    const gate = 'a long thought';
    const forget = town.model.on({ name: 'thinks', match: /Please think/, steps: [{ hold: gate }, { text: 'Done.' }] });
    await tell(amy, 'Please think');
    looks.set('working', await town.sessions.rowWhen('amy', ({ icon }) => icon === 'sync'));
    // It has no work unit, and yet there is something to lose.
    await town.sessions.row('amy').inlineAction('Terminate Session…');
    await expect
      .poll(() => town.window.dialogs.text())
      .toMatch(/End amy \(myproject\)\?\s+It is at work: what it is doing now is broken off\./);
    await town.window.screenshot('attention-terminate-asks');
    await town.window.dialogs.press('Cancel');
    town.model.release(gate);
    forget();
    looks.set('unread', await town.sessions.rowWhen('amy', ({ icon }) => icon === 'circle-filled'));
    await town.sessions.row('amy').click();
    looks.set('idle', await town.sessions.rowWhen('amy', ({ icon }) => icon === 'circle-outline'));
    const turn = async (gate: string, meanwhile: () => Promise<void>): Promise<void> => {
      await tell(amy, scripted('Are you still there?', { hold: gate }, { text: 'Yes.' }));
      await town.untilSession(amy, 'to work', (each) => each.activity.kind === 'busy');
      await meanwhile();
      town.model.release(gate);
    };
    const untilIdleWith = (news: boolean) =>
      town.untilSession(
        amy,
        `to be idle ${news ? 'with' : 'without'} news`,
        (each) => each.activity.kind === 'idle' && each.queued === 0 && each.unseen === news,
      );
    // What is looked at gets no news, either.
    await turn('looked-at', async () => {
      await town.sessions.row('Mayor').click();
      await town.sessions.row('amy').click();
    });
    await untilIdleWith(false);
    // That its row is still selected is no look at it; what is done with it is.
    await turn('not-looked-at', () => delay(glance));
    await untilIdleWith(true);
    await town.sessions.row('amy').inlineAction('Send Message…');
    // A key that comes before the box is nobody's.
    await town.window.quickInput.input('How?');
    await town.window.quickInput.dismiss();
    await untilIdleWith(false);
    await town.watcher.request('session.stop', { session: amy });
    looks.set('stopped', await town.sessions.rowWhen('amy', ({ icon }) => icon === 'circle-slash'));
    const all = [...looks.entries()];
    expect(all.map(([state]) => state).sort()).toEqual([
      'idle',
      'permission',
      'question',
      'stopped',
      'unread',
      'working',
    ]);
    expect(new Set(all.map(([, row]) => row.icon)).size).toBe(all.length);
    for (const [state, word] of Object.entries({
      working: 'working',
      unread: 'idle, has news',
      idle: 'idle',
      stopped: 'stopped',
    })) {
      expect(looks.get(state)?.ariaLabel).toContain(`session amy, crew of rig ${rigName}, ${word}, for`);
    }
  });

  it('tells of a session that failed, with why, once, and leads to what happened', async () => {
    await clearNotifications();
    process.kill(town.session(mayor).pid!, 'SIGKILL');
    const told = await town.window.notifications.waitFor(/^Mayor failed: .*killed/);
    expect(told).toMatchObject({ severity: 'warning', buttons: ['Show Timeline'] });
    // The centre may still draw some that were cleared while it was shut.
    await expect
      .poll(async () => (await town.window.notifications.list()).filter(({ message }) => message.includes('failed')))
      .toHaveLength(1);
    await town.window.notifications.click(/Mayor failed/, 'Show Timeline');
    await town.window.notifications.hide();
    for (const line of [/Timeline of Mayor/, /is failed \(.*killed/]) await untilEditor(line);
  });
});
