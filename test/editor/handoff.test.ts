// Hand Off Work: what one session has begun goes to another one, with what is to be known about it.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stopAtFirstFailure, rigName, TownEditor } from '../support/editor/town-editor.ts';
import type { Rule } from '../support/model/rules.ts';

/** Whoever goes on is told the work as well: what is to be done with the context comes first. */
const rules: readonly Rule[] = [
  {
    name: 'goes on where the other one left off',
    match: /The second half is yours/,
    steps: ({ text }) => {
      const place = /Its branch is \S+, in (?<place>\S+)\.$/m.exec(text)?.groups?.['place'] ?? 'nowhere';
      const command = `cd ${place} && git add -A && git commit -qm "the rest" && gt done -m "both halves"`;
      return [{ hold: 'rest' }, { tool: 'bash', args: { command } }, { text: 'Both halves are there.' }];
    },
  },
  {
    name: 'begins what was only thought of',
    match: /Nothing is begun yet/,
    steps: [{ tool: 'bash', args: { command: 'gt done -m "explained"' } }, { text: 'It is explained.' }],
  },
  {
    name: 'does one half',
    match: /Your work: halves/,
    steps: [
      {
        tool: 'bash',
        args: { command: 'echo 1 > done.txt && git add -A && git commit -qm "half of it" && echo 2 > open.txt' },
      },
      { text: 'The second half is the hard one.' },
      { tool: 'bash', args: { command: 'echo halfway' } },
      { hold: 'halves' },
    ],
  },
  { name: 'thinks', match: /Your work: guide/, steps: [{ hold: 'guide' }, { text: 'I leave it.' }] },
];

const id = (name: string): string => `${rigName}-${name}`;

describe('handing work off', () => {
  let town: TownEditor;

  beforeAll(async () => {
    town = await TownEditor.start({ rules });
    await town.open();
  });

  stopAtFirstFailure(() => town);

  afterAll(async () => {
    expect(await town?.stop()).toEqual([]);
  });

  const worktree = (name: string): string => town.worktree(name);
  const git = (cwd: string, ...args: string[]): string[] =>
    execFileSync('git', args, { cwd, encoding: 'utf8' }).trim().split('\n');

  it('gives the work of one polecat, from its row, to another one that runs', async () => {
    const { quickInput } = town.window;
    await town.watcher.request('sling', {
      work: 'halves',
      rig: rigName,
      agent: 'opencode',
      name: 'giver',
      message: 'Do both halves.',
    });
    await town.watcher.request('session.spawn', { role: 'polecat', rig: rigName, agent: 'opencode', name: 'taker' });
    await town.model.waitFor(({ results }) => results.some((result) => result.includes('halfway')));
    await town.untilIdle(id('taker'));
    await town.work.rowWhen('halves', ({ description }) => description.includes(id('giver')));

    await town.work.row('halves').contextMenu('Hand Off Work…');
    await expect
      .poll(() => quickInput.options('Who shall go on with halves?'))
      .toEqual(['New Polecat…', `taker (${rigName})`]);
    await town.window.screenshot('handoff-receiver');
    await quickInput.pick(`taker (${rigName})`, 'Who shall go on with halves?');
    await quickInput.fill('The second half is yours: it is the hard one', 'What does the new session have to know?');
    await town.window.screenshot('handoff-context');
    await quickInput.confirm();

    // The worktree goes along, so the polecat that had it ends; then the other one's model gets the context, once, and what is there.
    await town.work.rowWhen(
      'halves',
      ({ description }) => description === `running · Do both halves. · ${id('taker')} · ${rigName} · 1 commit`,
    );
    await town.untilSession(id('giver'), 'to be stopped', ({ state }) => state === 'stopped');
    await town.sessions.rowWhen('giver', ({ icon }) => icon === 'circle-slash');
    await town.sessions.rowWhen('taker', ({ icon }) => icon === 'sync');
    await town.model.waitFor(({ text }) => text.includes('The second half is yours: it is the hard one'));
    expect(town.model.seen('The second half is yours: it is the hard one')).toHaveLength(1);
    for (const words of [
      '- open.txt',
      'half of it',
      `${id('giver')} (opencode) had it before you.`,
      'The second half is the hard one.',
    ]) {
      expect(town.model.seen(words).length).toBeGreaterThan(0);
    }
    await town.window.screenshot('handoff');

    town.model.release('rest');
    await town.untilWork('halves', 'done');
    expect(git(worktree('giver'), 'log', '--format=%s', '-2')).toEqual(['the rest', 'half of it']);
    expect(['done.txt', 'open.txt'].map((file) => existsSync(path.join(worktree('giver'), file)))).toEqual([
      true,
      true,
    ]);
    await town.work.rowWhen(
      'halves',
      ({ description }) =>
        description === `in review · Do both halves. · 2 files +2 −0 · 2 commits · ${id('taker')} · ${rigName}`,
    );
    await town.untilIdle(id('taker'));
  });

  it('gives the work of a crew member, from its row, to a new polecat of the other backend', async () => {
    const { quickInput } = town.window;
    await town.watcher.request('session.spawn', { role: 'crew', rig: rigName, agent: 'opencode', name: 'amy' });
    await town.watcher.request('work.add', { id: 'guide', rig: rigName, description: 'Explain it.' });
    await town.watcher.request('work.assign', { id: 'guide', session: id('crew-amy') });
    await town.untilWork('guide', 'running');
    await town.sessions.rowWhen('amy', ({ icon }) => icon === 'sync');

    await town.sessions.row('amy').contextMenu('Hand Off Work…');
    await quickInput.pick('New Polecat…', 'Who shall go on with guide?');
    await quickInput.type('heir', 'Name of the new polecat.');
    await quickInput.pick('claude', 'Which agent?');
    await quickInput.type('Nothing is begun yet', 'What does the new session have to know?');

    await town.untilWork('guide', 'done');
    expect(town.session(id('heir'))).toMatchObject({
      backend: 'claude',
      branch: 'polecat/heir/guide',
      workDir: worktree('heir'),
    });
    expect(town.model.seen('Nothing is begun yet')).toHaveLength(1);
    await town.work.row('Done').expand();
    await town.work.rowWhen('guide', ({ description }) =>
      description.startsWith(`done · Explain it. · ${id('heir')} · ${rigName}`),
    );

    // One whose place is its own goes on, and is told to leave the unit alone.
    town.model.release('guide');
    await town.model.waitFor(({ text }) =>
      text.includes(`guide is no longer yours: it was handed over to ${id('heir')}.`),
    );
    await town.untilIdle(id('crew-amy'));
    await town.sessions.rowWhen('amy', ({ icon }) => icon === 'circle-filled');
    await town.window.screenshot('handoff-crew');
  });
});
