import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ClaudeReference } from '../../../shared/backends/claude/reference.ts';
import { hasTranscript } from '../../../shared/backends/claude/transcript.ts';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import type { SessionView, WorkView } from '../../../shared/channel/views.ts';
import { serverRecords } from '../../support/compact.ts';
import { eventually } from '../../support/editor/eventually.ts';
import { processesOf } from '../../support/editor/processes.ts';
import { loadFactor, patience } from '../../support/patience.ts';
import { processesWith } from '../../support/processes-with.ts';
import {
  askToStop,
  eventsOf,
  forgetSession,
  integrityOf,
  loseReceipt,
  messageRows,
  messagesAbout,
  referenceOf,
  restartReasons,
  sessionsWithoutRun,
} from '../../support/questions.ts';
import { runs, scripted } from '../../support/scripted.ts';
import { TownFixture } from '../../support/town-fixture.ts';
import { TownWatcher } from '../../support/town-watcher.ts';

let town: TownFixture;
const started: string[] = [];
const ended: string[] = [];

beforeAll(async () => {
  town = await TownFixture.make((options) => {
    options.callbacks = {
      onSessionStarted: ({ id }) => void started.push(id),
      onSessionEnded: ({ id }) => void ended.push(id),
    };
  });
});
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

const backends = ['claude', 'opencode'] as const;
const both = backends.map((backend) => `alpha-${backend}`);
const sling = (work: string, backend: 'claude' | 'opencode', message: string, name: string = backend) =>
  town.host.api.request('sling', { work, rig: 'alpha', backend, name, message });
const nudge = async (to: string, body: string): Promise<string> =>
  (await town.host.api.request('message.send', { to, type: 'nudge', body })).id;
const states = (...ids: string[]) =>
  town.host.snapshot.sessions
    .filter(({ id }) => ids.includes(id))
    .map(({ id, state }) => [id, state])
    .sort();
const isIdle = (session: SessionView): boolean => session.activity.kind === 'idle' && session.queued === 0;
const idle = (...ids: string[]) =>
  town.until(`${ids.join(', ')} idle`, ({ sessions }) =>
    ids.every((id) => sessions.some((each) => each.id === id && isIdle(each))),
  );
const unit = (id: string) => town.host.snapshot.work.find((work) => work.id === id);
/** Resolves when the command of `waits` runs. Nothing tells of processes that are nobody's children here. */
const shellOf = (runId: string) =>
  eventually(
    'its shell',
    async () => processesWith('GT_RUN', runId),
    (found) => found.some(({ command }) => command.startsWith('tail -f')),
  );
const conversationOf = (runId: string) => referenceOf<ClaudeReference>(town, runId);
/** Lets go and takes up the town again, with what happens in between. */
const away = async (meanwhile: () => Promise<void> = async () => undefined): Promise<void> => {
  await town.letGo();
  await meanwhile();
  await town.open();
};

describe('a host that lets go and comes back', () => {
  test('takes up the sessions of both backends, as they are by then', async () => {
    await Promise.all(
      backends.map((backend) =>
        sling(`${backend}-1`, backend, scripted('Think.', { hold: 'think' }, { text: 'Thought.' })),
      ),
    );
    const before = await town.until('both at work', ({ work }) => work.every(({ state }) => state === 'running'));
    const runsOf = (sessions: readonly SessionView[]) => sessions.map(({ id, runId, pid }) => ({ id, runId, pid }));
    const queued = await Promise.all(both.map((id) => nudge(id, 'Said before the host went.')));

    await away(async () => {
      town.model.release('think');
      await town.model.waitFor(
        ({ dialect, outcome, text }) =>
          dialect === 'anthropic' && outcome === 'answered' && text.includes('Your work: claude-1'),
      );
      await town.model.waitFor(
        ({ dialect, outcome, text }) =>
          dialect === 'openai' && outcome === 'answered' && text.includes('Your work: opencode-1'),
      );
    });

    expect(runsOf(town.host.snapshot.sessions)).toEqual(runsOf(before.sessions));
    expect(states(...both)).toEqual(both.map((id) => [id, 'running']));
    for (const id of queued) {
      await town.message(id, 'acted');
      expect(town.model.seen(`[gt ${id}]`)).toHaveLength(1);
    }
    // The turn with the work ended while nobody heard it, without a report: the session is reminded all the same.
    await town.until('both stalled', ({ work }) => work.every(({ state }) => state === 'stalled'));
    for (const backend of backends) expect(town.model.seen(`but ${backend}-1 is still open`)).toHaveLength(1);
    expect(started.sort()).toEqual([...both]);
    expect(ended).toEqual([]);
  });

  test('is found by its sessions though its folder for temporary files is another one', async () => {
    await idle(...both);
    const { TMPDIR } = process.env;
    const folder = path.join(town.folder, 'elsewhere');
    mkdirSync(folder);
    try {
      await away(async () => void (process.env['TMPDIR'] = folder));
      for (const id of both) {
        // The shell has `gt` by the plugin's word, or by the session's own environment; both have to find the host.
        const asked = await nudge(id, runs('Look.', 'gt mail inbox && echo "inbox of $GT_SESSION"'));
        await town.message(asked, 'acted');
        expect(town.model.requests.flatMap((request) => request.results).join()).toContain(`inbox of ${id}`);
      }
    } finally {
      if (TMPDIR === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = TMPDIR;
      await away();
    }
  });

  test('mail is announced once, however often the host changes', async () => {
    await idle(...both);
    // Told of the mail, the model leaves it unread.
    const subject = scripted('Parcel', { text: 'Later.' }).replace('\n', ' ');
    const mails = await Promise.all(
      both.map((to) =>
        town.host.api.request('message.send', { to, type: 'mail', subject, body: 'It is in the hall.' }),
      ),
    );
    for (const { id } of mails) await town.model.waitFor(({ text }) => text.includes(`[gt ${id}]`));
    await idle(...both);
    await away();
    const more = await Promise.all(both.map((id) => nudge(id, 'Anything else?')));
    for (const id of more) await town.message(id, 'acted');
    for (const { id } of mails) expect(town.model.seen(`[gt ${id}]`)).toHaveLength(1);
    expect(town.host.snapshot.sessions.map(({ unreadMail }) => unreadMail)).toEqual([1, 1]);
  });

  test('what the model has is not said again, though its receipt was lost with the host', async () => {
    await idle(...both);
    const sent = await Promise.all(both.map((id) => nudge(id, 'Have you got this?')));
    for (const id of sent) await town.message(id, 'acted');
    await away(async () => {
      for (const id of sent) loseReceipt(town, id);
    });
    for (const id of sent) {
      await town.message(id, 'acted');
      expect(town.model.seen(`[gt ${id}]`)).toHaveLength(1);
    }
  });

  test('E17: a deliberate stop stays one', async () => {
    await town.host.api.request('work.done', { id: 'claude-1', status: 'failed', message: 'for the test' });
    const { runId } = town.session('alpha-claude');
    await town.host.api.request('session.stop', { session: 'alpha-claude' });
    await away();
    expect(town.host.snapshot.sessions.map(({ id }) => id)).toEqual(['alpha-opencode']);
    expect(ended).toEqual(['alpha-claude']);
    expect(processesWith('GT_RUN', runId)).toEqual([]);
  });

  test('a stop that was asked for, but not carried out, is carried out', async () => {
    const { runId } = town.session('alpha-opencode');
    await town.host.api.request('work.done', { id: 'opencode-1', status: 'failed', message: 'for the test' });
    await nudge('alpha-opencode', runs('Wait.', 'touch started; tail -f started'));
    await shellOf(runId);
    await away(async () => {
      askToStop(town, runId);
    });
    await town.until('it has stopped', ({ sessions }) => sessions.every(({ state }) => state === 'stopped'));
    expect(processesWith('GT_RUN', runId)).toEqual([]);
  });
});

describe('an agent program that is killed', () => {
  test.each(backends)(
    'E9: %s: is told within 2 s and goes on in its conversation, with its unit; its shell is gone',
    async (backend) => {
      const id = `alpha-${backend}-victim`;
      const work = `${backend}-victim`;
      await sling(work, backend, runs('Wait.', 'touch started; tail -f started'), work);
      const { runId, pid } = town.session(id);
      await shellOf(runId);
      // Claude Code writes its record a moment later; what was killed before that has no conversation to go on in.
      if (backend === 'claude')
        await eventually(
          'its record',
          () => hasTranscript(conversationOf(runId)),
          (there) => there,
        );
      const killed = Date.now();
      process.kill(backend === 'claude' ? pid! : serverRecords(town.root)[0]!.pid!, 'SIGKILL');
      const goesOn = (session: SessionView): boolean =>
        session.id === id && session.runId !== runId && session.state === 'running';
      await town.until('it goes on', ({ sessions }) => sessions.some(goesOn));

      const told = eventsOf(town, id).filter(({ at }) => at >= killed);
      const death = told.find(({ type, detail }) => type === 'session.status' && detail.includes('"failed"'));
      expect(death!.at - killed).toBeLessThan(2_000 * loadFactor());
      expect(death?.detail).toMatch(backend === 'claude' ? /killed/ : /server .* ended unexpectedly/);
      expect(told.map(({ type }) => type)).toEqual(
        expect.arrayContaining(['reconciler.dead-process', 'session.restarted']),
      );
      await expect.poll(() => processesWith('GT_RUN', runId), { timeout: patience() }).toEqual([]);
      expect(ended.filter((each) => each === id)).toHaveLength(1);

      await town.until('the model has its work again', () => unit(work)?.state === 'running');
      expect(unit(work)?.owner).toBe(id);
      const again = await town.model.waitFor(
        ({ text }) => text.includes(`Your work: ${work} `) && text.includes('This session was restarted'),
      );
      // In the same conversation, where the work stands before.
      expect(again.userTexts.filter((text) => text.includes(`Your work: ${work} `)).length).toBeGreaterThan(1);
      await shellOf(town.session(id).runId);
    },
  );

  test('E20: its unit is refused to another session while its own lives, and taken over when that has ended', async () => {
    await expect(sling('opencode-victim', 'opencode', '', 'heir')).rejects.toMatchObject({
      code: 'work-conflict',
      message: expect.stringContaining('alpha-opencode-victim has it'),
    });
    for (const backend of backends) await town.host.api.request('session.stop', { session: `alpha-${backend}-victim` });
    const { session, work } = await sling('opencode-victim', 'opencode', '', 'heir');
    expect(work).toMatchObject({ owner: session.id, state: expect.stringMatching(/assigned|running/) });
    await town.host.api.request('session.stop', { session: session.id });
    await town.until('open again', () => unit('opencode-victim')?.state === 'open');
  });
});

describe('a host that crashes', () => {
  test('with live sessions: the next one adopts what lives, and reaps the rest', async () => {
    await town.letGo();
    const host = await town.hostElsewhere();
    const watcher = await TownWatcher.connect(town.root);
    await Promise.all(
      backends.map((backend) =>
        watcher.request('sling', {
          work: `${backend}-crash`,
          rig: 'alpha',
          backend,
          name: `${backend}-crash`,
          message: scripted('Think.', { hold: 'crash' }, { text: 'Thought.' }),
        }),
      ),
    );
    const before = await watcher.until('both at work', ({ work }) =>
      backends.every((backend) => work.some(({ id, state }) => id === `${backend}-crash` && state === 'running')),
    );
    const opencode = before.sessions.find(({ id }) => id === 'alpha-opencode-crash')!;
    const claude = before.sessions.find(({ id }) => id === 'alpha-claude-crash')!;
    watcher.close();
    await host.kill();

    await town.open();
    expect(town.session(opencode.id)).toMatchObject({ runId: opencode.runId, state: 'running' });
    // A terminal of the test's dead host is no more, as the editor's would not be after a crash of the whole editor.
    await town.until('it goes on', ({ sessions }) =>
      sessions.some(({ id, runId, state }) => id === claude.id && runId !== claude.runId && state === 'running'),
    );
    expect(processesWith('GT_RUN', claude.runId)).toEqual([]);
    expect(unit('claude-crash')).toMatchObject({ owner: claude.id });
    expect(restartReasons(town, claude.id)).toEqual(['it ended while no host was there']);
    town.model.release('crash');
    for (const backend of backends)
      await town.model.waitFor(({ text }) => text.includes(`but ${backend}-crash is still open`));
    for (const { id } of [opencode, claude]) await town.host.api.request('session.stop', { session: id });
  });

  test('while Claude Code starts with its work: the next host takes it up, and the model has the work once', async () => {
    for (const [round, moment] of ['its process', 'its first prompt'].entries()) {
      const [work, name] = [`early-${round}`, `early-${round}`];
      await town.letGo();
      const host = await town.hostElsewhere('host', { lend: true });
      const watcher = await TownWatcher.connect(town.root);
      const message = scripted('Think.', { wait: 1000 }, { text: 'Thought.' });
      // Whether it is answered before the host dies is not what this is about.
      const slung = watcher
        .request('sling', { work, rig: 'alpha', backend: 'claude', name, message })
        .catch(() => undefined);
      await watcher.until(moment, ({ sessions }) =>
        sessions.some(({ id, pid }) => id === `alpha-${name}` && pid !== undefined),
      );
      if (round === 1) await town.model.waitFor(({ text }) => text.includes(`Your work: ${work}`));
      await host.kill();
      await slung;
      watcher.close();
      await town.open();
      expect(town.session(`alpha-${name}`)).toMatchObject({ state: 'running' });
      const { id } = messagesAbout(town, work).find(({ kind }) => kind === 'work')!;
      await town.message(id, 'acted');
      await town.until('it was reminded, which is what comes next', () => unit(work)?.state === 'stalled');
      expect(town.model.seen(`[gt ${id}]`)).toHaveLength(1);
      await town.host.api.request('session.stop', { session: `alpha-${name}` });
    }
  });

  test('between the claim and the start: the unit says so, and its worktree is gone', async () => {
    const tree = town.worktree('half');
    await town.letGo();
    const host = await town.hostElsewhere();
    const watcher = await TownWatcher.connect(town.root);
    const lost = expect(
      watcher.request('sling', { work: 'half', rig: 'alpha', backend: 'opencode', name: 'half', message: 'x' }),
    ).rejects.toThrow();
    await eventually(
      'the worktree',
      async () => existsSync(tree),
      (made) => made,
    );
    await host.kill();
    await lost;
    watcher.close();
    // As if the crash had come a moment earlier.
    forgetSession(town, 'alpha-half');
    await town.open();
    expect(unit('half')).toMatchObject({
      state: 'failed',
      note: expect.stringContaining('the host ended while alpha-half was being started'),
    });
    expect(unit('half')).not.toHaveProperty('owner');
    expect(existsSync(tree)).toBe(false);
    const again = await sling('half', 'opencode', '', 'half');
    await town.host.api.request('session.stop', { session: again.session.id });
  });

  test('at any moment of slings: afterwards the books are in order, and nobody is left [holds 1]', async () => {
    await town.letGo();
    // What every round leaves is to be seen at the end, not to be started again by the next one.
    const settings = settingsPath(town.root);
    writeFileSync(
      settings,
      JSON.stringify({
        ...(JSON.parse(readFileSync(settings, 'utf8')) as object),
        failure_policy: { restarts: { max: 0 } },
      }),
    );
    for (let round = 0; round < 10; round += 1) {
      const host = await town.hostElsewhere();
      const watcher = await TownWatcher.connect(town.root);
      const slings = [1, 2, 3].map((number) =>
        watcher
          .request('sling', {
            work: `round-${round}-${number}`,
            rig: 'alpha',
            backend: number === 3 ? 'claude' : 'opencode',
            message: 'Do it.',
          })
          .catch(() => undefined),
      );
      // Not a wait for something: the moment of the crash is what varies.
      await delay(round * 150);
      await host.kill();
      await Promise.all(slings);
      watcher.close();
    }
    await town.open();
    expect(integrityOf(town)).toBe('ok');
    expect(sessionsWithoutRun(town)).toEqual([]);
    const isLost = ({ state, owner }: WorkView, sessions: readonly SessionView[]): boolean =>
      (state === 'assigned' || state === 'running') &&
      !sessions.some((session) => session.id === owner && session.state === 'running');
    const { sessions, work } = await town.until(
      'no unit is with a dead session',
      (snapshot) => !snapshot.work.some((each) => isLost(each, snapshot.sessions)),
    );
    const live = new Set(sessions.filter(({ state }) => state === 'running').map(({ id }) => id));
    for (const { id, state, owner } of work) {
      const hasOwner = ['assigned', 'running', 'stalled'].includes(state);
      expect([id, owner !== undefined || !hasOwner]).toEqual([id, true]);
    }
    const claimed = work
      .filter(({ id, state }) => id.startsWith('round-') && (state === 'assigned' || state === 'running'))
      .map(({ owner }) => owner);
    expect(new Set(claimed).size).toBe(claimed.length);
    const twice = messageRows(town).filter(({ id }) => town.model.seen(`[gt ${String(id)}]`).length > 1);
    expect(twice).toEqual([]);
    // Every run of ours that is a process belongs to a live session.
    const alive = processesOf(town.folder).filter(({ command }) => /claude --session-id/.test(command));
    expect(alive).toHaveLength(
      sessions.filter(({ backend, state }) => backend === 'claude' && state === 'running').length,
    );
    // For a moment a child of the server looks like it: before it has become what it is to be.
    await eventually(
      'one server at most',
      async () => processesOf(town.folder).filter(({ command }) => / serve /.test(command)),
      (servers) => servers.length <= 1,
    );
    for (const id of live) await town.host.api.request('session.stop', { session: id });
  });
});
