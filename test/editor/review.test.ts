// A finished unit in the editor: its changes, comments on its lines, the way back to its author and the next round.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MergeView } from '../../shared/channel/views.ts';
import { eventually } from '../support/editor/eventually.ts';
import { Review } from '../support/editor/review.ts';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';
import type { Rule } from '../support/model/rules.ts';

const toast = `${rigName}-toast`;
const label = 'issue-1';
const comment = 'Greet the user by name, please.';

const rules: readonly Rule[] = [
  {
    name: 'mends what was said about a line, and answers',
    match: /Your work was reviewed/,
    steps: ({ text }) => {
      const thread = /(C-\d+), greet\.js:2/.exec(text)?.[1] ?? 'C-0';
      const greet = "sed -i '2s/.*/  return `Hello ${name}`;/; 1s/()/(name)/' greet.js";
      const done = `gt review reply ${thread} "By name now." && gt done -m "It greets by name."`;
      return [
        { hold: 'mend' },
        { tool: 'bash', args: { command: `${greet} && git commit -qam "Greet by name" && ${done}` } },
        { text: 'It greets by name.' },
      ];
    },
  },
  {
    name: 'takes its time',
    match: /Your work: issue-2/,
    steps: [
      { tool: 'bash', args: { command: "echo slow > slow.txt && git add -A && git commit -qm 'Begin' && echo begun" } },
      { hold: 'slow' },
      { tool: 'bash', args: { command: 'gt done -m "It is slow."' } },
      { text: 'It is slow.' },
    ],
  },
  {
    name: 'greets',
    match: /Your work: issue-1/,
    steps: [
      {
        tool: 'bash',
        args: {
          command:
            "printf 'function greet() {\\n  return \"Hello\";\\n}\\n' > greet.js && git rm -q old.txt && echo more >> README.md && git add -A && git commit -qm 'Greet' && gt done -m 'It greets.'",
        },
      },
      { text: 'It greets.' },
    ],
  },
];

describe('reviewing finished work', () => {
  let town: TownEditor;

  beforeAll(async () => {
    town = await TownEditor.start({ rules });
    writeFileSync(path.join(town.rig, 'old.txt'), 'old\n');
    const as = ['-c', 'user.name=T', '-c', 'user.email=t@example.com'];
    for (const args of [
      ['add', '-A'],
      [...as, 'commit', '-q', '-m', 'Before'],
    ])
      execFileSync('git', args, { cwd: town.rig });
    await town.open();
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const merge = (): MergeView | undefined => town.watcher.snapshot.merges.find(({ work }) => work === 'issue-1');
  const untilMerge = (what: string, check: (merge: MergeView) => boolean): Promise<unknown> =>
    town.watcher.until(`the merge ${what}`, ({ merges }) =>
      merges.some((each) => each.work === 'issue-1' && check(each)),
    );
  /** The review that is shown. */
  const review = (): Review => new Review(town.window.page);
  const files = (): Promise<string[]> => review().files();
  const tab = (): Promise<string> => town.window.page.locator('.tab.active').first().innerText();

  /** What the panel's tab of the editor's Comments view counts; empty where that is nothing. */
  const commentsBadge = async (): Promise<string> => {
    const tab = town.window.page.locator('.part.panel .action-item', { has: town.window.page.getByLabel(/^Comments/) });
    return (await tab.locator('.badge:visible').allInnerTexts()).join();
  };

  it('shows what a polecat has finished as a row, and in a narrow side bar, too', async () => {
    await town.watcher.request('sling', {
      work: 'issue-1',
      rig: rigName,
      agent: 'opencode',
      name: 'toast',
      message: 'Greet the user',
    });
    await town.untilWork('issue-1', 'done');
    await untilMerge('has its size', ({ size }) => size !== undefined);
    await town.untilIdle(toast);
    const row = await town.work.rowWhen(label, ({ icon }) => icon === 'git-pull-request');
    expect(row.description).toMatch(/^in review · Greet the user · 3 files \+4 −1 · 1 commit/);
    expect((await town.work.rows())[0]).toMatchObject({ label: 'In Review', expanded: true });
    await expect.poll(() => town.window.views.badge('Gas Town')).toBe('1');
    await town.window.screenshot('review-row');
    await town.window.views.resize(226);
    await town.window.screenshot('review-row-narrow');
    await town.window.views.resize(320);
  });

  it('opens all its files by a click, deleted and added ones included, and counts it as looked at', async () => {
    await town.work.row(label).click();
    await eventually('the changed files', files, (shown) => shown.length === 3);
    expect(await files()).toEqual(['README.md', 'greet.js', 'old.txt']);
    expect(await tab()).toContain('issue-1 · round 1 · polecat/toast/issue-1');
    await untilMerge('to be looked at', ({ reviewed }) => reviewed);
    await town.work.rowWhen(label, ({ description }) => description.startsWith('in review, looked at'));
    await town.window.screenshot('review-changes');
  });

  it('takes a comment on a line, which goes nowhere yet', async () => {
    const { page } = town.window;
    await review().write('greet.js', 'return', comment);
    await town.window.screenshot('review-comment-box');
    await review().addComment();
    await untilMerge('to have a comment', ({ comments }) => comments === 1);
    await expect.poll(() => page.locator('.review-widget .review-title').first().innerText()).toContain('not sent yet');
    await expect.poll(commentsBadge).toBe('1');
    await town.window.screenshot('review-comment');
    expect(town.model.seen(comment)).toEqual([]);
  });

  it('sends it back with the comment as one message, whose receipt stands at the thread', async () => {
    const { page, quickInput, palette } = town.window;
    await palette.run('Gas Town: Send Back with Comments…');
    await quickInput.type('Nearly there.', '1 comment goes to the author.');
    await town.window.screenshot('review-send-back');
    await quickInput.pick('The Same Session', 'Who shall change it?');
    await town.model.waitFor(({ text }) => text.includes(comment) && text.includes('Nearly there.'));
    await town.work.rowWhen(label, ({ description }) => /^running · sent back in round 1/.test(description));
    await expect.poll(() => page.locator('.review-widget .review-title').first().innerText()).toContain('delivered');
    await town.window.screenshot('review-sent-back');
    town.model.release('mend');
    await untilMerge(
      'to be in round 2',
      ({ round, state, size }) => round === 2 && state === 'review' && size !== undefined,
    );
  });

  it('shows the next round with the answer, and only what is new in it', async () => {
    const { page, palette } = town.window;
    await palette.run('View: Close All Editors');
    await town.untilIdle(toast);
    await town.work.rowWhen(label, ({ description }) => description.startsWith('in review, round 2'));
    await town.work.row(label).click();
    await eventually('the changed files', files, (shown) => shown.length === 3);
    expect(await tab()).toContain('issue-1 · round 2 ·');
    await expect
      .poll(() => review().entries('greet.js').locator('.editor.modified').innerText())
      .toMatch(/Hello\s\$\{name\}/);
    // The line that was commented on is another one now: the conversation stands where it was, with the answer.
    await expect.poll(() => page.locator('.review-widget .review-title').first().innerText()).toContain('outdated');
    // Nothing is left to do about it, so that the editor's own count of comments does not have it.
    await expect.poll(commentsBadge).toBe('');
    await expect.poll(() => page.locator('.review-widget').first().innerText()).toContain('By name now.');
    // The editor shows the list of all comments by itself.
    await palette.run('View: Hide Panel');
    await town.window.screenshot('review-round-2');
    await palette.run('Gas Town: Changes Since My Last Review…');
    await eventually('the file that has changed since', files, (shown) => shown.join() === 'greet.js');
    await town.window.screenshot('review-since');
  });

  it('has a page with everything about the unit', async () => {
    await town.work.row(label).contextMenu('Show Work Unit…');
    const frame = await town.window.frameWith('It greets by name.');
    await expect.poll(() => frame.locator('body').innerText()).toMatch(/By name now\./);
    await town.window.screenshot('review-page');
    await frame.getByRole('link', { name: 'Review Changes' }).click();
    await eventually('the review', tab, (name) => name.includes('issue-1 · round 2 ·'));
  });

  it('approves it from the title of the review', async () => {
    const { page } = town.window;
    await page.locator('.editor-actions .action-label[aria-label^="Approve…"]').first().click();
    await untilMerge('to be approved', ({ approvedBy }) => approvedBy === 'overseer');
    await town.work.rowWhen(
      label,
      ({ description, icon }) => icon === 'check-all' && description.startsWith('approved'),
    );
    await expect.poll(() => town.window.views.badge('Gas Town')).toBeUndefined();
    await town.window.screenshot('review-approved');
    expect(merge()?.head).toBe(
      execFileSync('git', ['rev-parse', 'polecat/toast/issue-1'], { cwd: town.rig, encoding: 'utf8' }).trim(),
    );
  });

  it('shows one commit of it, and how it differs from what the user has checked out', async () => {
    const { quickInput } = town.window;
    await town.work.row(label).contextMenu('Review One Commit…');
    await quickInput.pick('Greet by name', 'Which commit?');
    await eventually('the one commit', tab, (name) => name.includes('Greet by name'));
    await eventually('its file', files, (shown) => shown.join() === 'greet.js');
    await town.work.row(label).contextMenu('Compare with Working Tree…');
    await eventually('the comparison', tab, (name) => name.includes('↔ working tree'));
    await eventually('its files', files, (shown) => [...shown].sort().join() === 'README.md,greet.js,old.txt');
    // One name: it does not count as renamed.
    expect((await review().entries('README.md').innerText()).split('README.md')).toHaveLength(2);
    await town.window.screenshot('review-working-tree');
  });

  it('opens a terminal where it was done', async () => {
    const { terminals } = town.window;
    await town.work.row(label).contextMenu('Open Terminal in Worktree…');
    await terminals.untilFocused();
    await terminals.type('git branch --show-current');
    await terminals.textWhen(/polecat\/toast\/issue-1/);
    await town.window.palette.run('View: Close All Editors');
  });

  it('shows what a worker that is still at it has so far, from its session, with nothing to decide', async () => {
    await town.watcher.request('sling', {
      work: 'issue-2',
      rig: rigName,
      agent: 'opencode',
      name: 'slow',
      message: 'Take your time',
    });
    await town.model.waitFor(({ results }) => results.some((result) => result.includes('begun')));
    await town.sessions.row('slow').contextMenu('Review Work Unit…');
    await eventually('its file', files, (shown) => shown.join() === 'slow.txt');
    expect(await tab()).toContain('issue-2 · so far · polecat/slow/issue-2');
    expect(await town.window.page.locator('.editor-actions .action-label[aria-label^="Approve…"]').count()).toBe(0);
    await town.window.screenshot('review-so-far');
    town.model.release('slow');
    await town.untilWork('issue-2', 'done');
  });

  it('is there again after a reload, with its comments, and so are one commit of it and the comparison', async () => {
    const { palette, quickInput, page } = town.window;
    await palette.run('View: Close All Editors');
    await town.work.row(label).contextMenu('Review One Commit…');
    await quickInput.pick('Greet by name', 'Which commit?');
    await review().untilShows('greet.js');
    await palette.run('View: Keep Editor');
    await town.work.row(label).contextMenu('Compare with Working Tree…');
    await review().untilShows('README.md', 'greet.js', 'old.txt');
    await palette.run('View: Keep Editor');
    await town.work.row(label).click();
    await eventually('the review', tab, (name) => name.includes('· round 2 ·'));
    await eventually('the changed files', files, (shown) => shown.length === 3);
    town.watcher.close();
    const before = await town.host();
    await town.window.reload();
    await town.watch(before);
    await eventually('the changed files', files, (shown) => shown.length === 3);
    await expect.poll(() => town.window.page.locator('.review-widget').first().innerText()).toContain('By name now.');
    await town.window.screenshot('review-reloaded');
    await page.locator('.tab', { hasText: 'Greet by name' }).click();
    await review().untilShows('greet.js');
    await page.locator('.tab', { hasText: '↔ working tree' }).click();
    await review().untilShows('README.md', 'greet.js', 'old.txt');
    await expect
      .poll(() => review().entries('greet.js').locator('.editor.original').innerText())
      .toMatch(/Hello\s\$\{name\}/);
    await town.window.views.open('Gas Town');
  });

  it('discards what is not wanted, after it has said what that is', async () => {
    const slow = 'issue-2';
    await town.work.rowWhen(slow, ({ icon }) => icon === 'git-pull-request');
    await town.work.row(slow).contextMenu('Discard…');
    await expect
      .poll(() => town.window.dialogs.text())
      .toMatch(/Discard issue-2\?\s+What does not come into main: 1 file \+1 −0 · 1 commit\./);
    await town.window.screenshot('review-discard');
    await town.window.dialogs.press('Discard');
    await town.watcher.until('issue-2 to be discarded', ({ merges }) =>
      merges.some(({ work, state }) => work === 'issue-2' && state === 'discarded'),
    );
    await town.work.rowsWhen('no row of it any more', (rows) => rows.every(({ label: shown }) => shown !== slow));
  });
});
