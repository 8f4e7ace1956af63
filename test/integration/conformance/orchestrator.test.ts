import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type {
  BackendName,
  Message,
  Orchestrator,
  SessionConfig,
  SessionInfo,
  WorkUnit,
} from '../../../shared/domain/orchestrator.ts';
import { backends } from '../../../shared/host/backends.ts';
import { compact } from '../../support/compact.ts';
import { eventually } from '../../support/editor/eventually.ts';
import { patience } from '../../support/patience.ts';
import { processesWith } from '../../support/processes-with.ts';
import {
  eventsOf,
  historyRows,
  messageRows,
  messagesAbout,
  sessionsOf,
  tokenOfRun,
  unitRows,
} from '../../support/questions.ts';
import { runs, scripted } from '../../support/scripted.ts';
import { third } from '../../support/third-backend/backend.ts';
import { installThird } from '../../support/third-backend/install.ts';
import { TownFixture } from '../../support/town-fixture.ts';

let town: TownFixture;
const completed: string[] = [];

beforeAll(async () => {
  town = await TownFixture.make((options) => {
    options.rules = [];
    options.backends = [...backends, third];
    options.callbacks = { onWorkCompleted: (work) => void completed.push(work.id) };
    // What a host has for reasons of its own, and no agent may inherit.
    const PATH = `${installThird(path.join(options.folder, 'third'))}:${options.environment['PATH']}`;
    Object.assign(options.environment, {
      PATH,
      NODE_OPTIONS: '--max-old-space-size=512',
      CLAUDECODE: '1',
      GT_TOKEN: 'of somebody else',
    });
  });
});
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

describe.each<[string, BackendName]>([
  ['TestClaudeOrchestrator', 'claude'],
  ['TestOpencodeOrchestrator', 'opencode'],
  ['TestThirdOrchestrator', 'third'],
])('%s', (_name, backend) => {
  const other: BackendName = backend === 'claude' ? 'opencode' : 'claude';
  const own = (): Orchestrator => town.host.orchestrators.get(backend)!;
  const config = (agentName: string, change: Partial<SessionConfig> = {}): SessionConfig => ({
    role: 'polecat',
    rig: 'alpha',
    agentName,
    workDir: town.rig,
    ...change,
  });
  const unit = (id: string, description: string): WorkUnit => ({
    id,
    type: 'task',
    description,
    payload: {},
    priority: 2,
  });
  const message = (id: string, body: string, type: Message['type'] = 'nudge'): Message => ({
    ...(id === '' ? {} : { id }),
    from: 'overseer',
    to: '',
    type,
    subject: '',
    body,
    sentAt: Date.now(),
  });
  const idle = (id: string) =>
    town.until(`${id} idle`, () =>
      town.host.snapshot.sessions.some((each) => each.id === id && each.activity.kind === 'idle' && each.queued === 0),
    );
  /** Names of this backend's sessions and units: the town is shared with the other's. */
  const named = (name: string): string => `${backend}-${name}`;
  const one = `alpha-${named('one')}`;
  const two = `alpha-crew-${named('two')}`;
  /** Sends text and waits until the turn that it began is over. */
  const say = async (id: string, text: string): Promise<void> => {
    const sent = await town.host.api.request('message.send', { to: id, type: 'nudge', body: text });
    await town.message(sent.id, 'acted');
  };

  test('tells its name', () => {
    expect(own().name()).toBe(backend);
  });

  test('is healthy with its program, and says what is missing without', async () => {
    await own().healthCheck();
    const { PATH } = town.environment;
    town.environment['PATH'] = town.folder;
    await expect(own().healthCheck()).rejects.toMatchObject({
      code: 'agent-missing',
      message: expect.stringMatching(/install/i),
    });
    town.environment['PATH'] = PATH;
    await own().healthCheck();
  });

  /** A start may be over between two snapshots. */
  const starting = (): Promise<SessionInfo> =>
    vi.waitFor(
      async () => {
        const found = (await own().listSessions()).find(({ state }) => state === 'starting');
        expect(found).toBeDefined();
        return found!;
      },
      { timeout: patience(), interval: 2 },
    );

  test('a spawn that is cancelled before or in the middle leaves nothing', async () => {
    const before = new AbortController();
    before.abort();
    await expect(own().spawnSession(config(named('never')), before.signal)).rejects.toMatchObject({
      code: 'cancelled',
    });

    const during = new AbortController();
    const work = unit(named('never'), 'Nothing');
    const spawn = own().spawnSession(config(named('never'), { initialWork: work }), during.signal);
    const failed = expect(spawn).rejects.toMatchObject({ code: 'cancelled' });
    const { runId } = await starting();
    during.abort();
    await failed;

    expect(await own().listSessions()).toEqual([]);
    expect(sessionsOf(town, backend)).toEqual([]);
    expect(unitRows(town).filter(({ id }) => id === work.id)).toMatchObject([{ state: 'failed', owner: null }]);
    expect(messagesAbout(town, work.id).map(({ state }) => state)).toEqual(['refused']);
    expect(processesWith('GT_RUN', runId)).toEqual([]);
  });

  test('a sling that is cancelled in the middle leaves no worktree and no branch', async () => {
    const cancel = new AbortController();
    const sling = town.host.api.request(
      'sling',
      { work: named('slung'), rig: 'alpha', backend, name: named('gone'), message: 'x' },
      cancel.signal,
    );
    const failed = expect(sling).rejects.toMatchObject({ code: 'cancelled' });
    await starting();
    cancel.abort();
    await failed;
    expect(existsSync(town.worktree(named('gone')))).toBe(false);
    expect(existsSync(path.join(town.rig, '.git/refs/heads/polecat', named('gone'), named('slung')))).toBe(false);
  });

  test('a session spawned without work is ready for some', async () => {
    expect(await own().spawnSession(config(named('one')))).toBe(one);
    await idle(one);
    const info = await own().getSession(one);
    expect(info).toMatchObject({
      id: one,
      backend,
      role: 'polecat',
      rig: 'alpha',
      agentName: named('one'),
      agent: backend,
      state: 'running',
      activity: { kind: 'idle' },
      location: 'local',
      workUnits: [],
      asks: [],
      workDir: town.rig,
      runId: expect.stringMatching(/^run_/),
    });
    // Opencode's sessions share their server; others have a process of their own.
    expect(typeof info.pid).toBe(backend === 'opencode' ? 'undefined' : 'number');
    expect(typeof info.serverPid).toBe(backend === 'opencode' ? 'number' : 'undefined');
    expect(process.kill(info.pid ?? info.serverPid!, 0)).toBe(true);
    expect(await own().listSessions()).toEqual([info]);
  });

  test("E30: the shell of the agent knows who it is, and has nothing of the editor's or of another agent's environment", async () => {
    const { runId } = await own().getSession(one);
    await own().sendMessage(one, message(named('env'), runs('Look around.', 'env > env.txt; cat env.txt | wc -l')));
    const receipt = await town.message(named('env'), 'acted');
    expect(receipt).toMatchObject({ deliveredAt: expect.any(Number), actedAt: expect.any(Number) });
    expect(town.model.seen(`[gt ${named('env')}]`)).toHaveLength(1);

    const lines = readFileSync(path.join(town.rig, 'env.txt'), 'utf8').split('\n');
    const shell = Object.fromEntries(lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]));
    expect(shell).toMatchObject({
      GT_ROLE: `alpha/polecats/${named('one')}`,
      GT_RIG: 'alpha',
      GT_SESSION: one,
      GT_RUN: runId,
      GT_AGENT: backend,
      GT_ROOT: town.root,
    });
    expect(shell['GT_TOKEN']).toBe(tokenOfRun(town, runId));
    expect(shell['OPENCODE_SERVER_PASSWORD'] ?? '').toBe('');
    expect(shell['NODE_OPTIONS'] ?? '').not.toContain('max-old-space-size');
    // Claude Code marks its own shells; ours is the one that must not come through.
    if (backend !== 'claude') expect(shell['CLAUDECODE']).toBeUndefined();
  });

  test('the role context has reached the model with its first turn', async () => {
    await town.model.waitFor(
      ({ kind, system, userTexts }) =>
        kind === 'turn' && [system, ...userTexts].join('\n').includes(`[gt ${named('env')}]`),
    );
    expect(contextSeen(`session:${one}`)).toBe(true);
    expect(contextSeen('gt done')).toBe(true);
  });

  test('a message reaches the model once, with its receipts in order', async () => {
    await own().sendMessage(one, message(named('hello'), 'Are you well?'));
    const { sentAt, deliveredAt, actedAt } = await town.message(named('hello'), 'acted');
    expect(sentAt).toBeLessThanOrEqual(deliveredAt!);
    expect(deliveredAt).toBeLessThanOrEqual(actedAt!);
    // The same id again is the same message.
    await own().sendMessage(one, message(named('hello'), 'Are you well?'));
    await say(one, 'Go on.');
    expect(town.model.seen(`[gt ${named('hello')}]`)).toHaveLength(1);
  });

  test('a message is whole, once, behind its mark, and brings nothing else with it, whatever files it names', async () => {
    await idle(one);
    writeFileSync(path.join(town.rig, 'NOTES.md'), 'Nobody asked to attach this.');
    writeFileSync(path.join(town.rig, 'shot.png'), Buffer.from('iVBORw0KGgo=', 'base64'));
    const image = path.join(town.rig, 'shot.png');
    const body = `Look at this:\n${image}\nand at /tmp/does-not-exist.png\nand at @NOTES.md\n@"NOTES.md"\nthen go on`;
    await own().sendMessage(one, message(named('names'), body));
    await town.message(named('names'), 'acted');
    const { text } = await town.model.waitFor((request) => request.text.includes(`[gt ${named('names')}]`));
    // Claude's composer would attach a file for `@`: there it is broken.
    const wanted = `[gt ${named('names')}] Nudge from the user: ${backend === 'claude' ? body.replaceAll('\n@', '\n\\@').replace(' @', ' \\@') : body}`;
    expect(text.split('\n\n(Some of its characters', 1)[0]).toBe(wanted);
    expect(town.model.seen(`[gt ${named('names')}]`)).toHaveLength(1);
    expect(JSON.stringify(town.model.requests)).not.toMatch(/Nobody asked to attach this|"type":"image"/);
  });

  test('of messages that come within milliseconds, each is acted on by the turn that has it', async () => {
    const thinks = 600;
    for (let round = 0; round < 3; round += 1) {
      await idle(one);
      const ids = ['i', 'ii', 'iii'].map((name) => named(`at-once-${round}-${name}`));
      for (const id of ids)
        await own().sendMessage(one, message(id, scripted('Think.', { text: 'Thought.', delay: thinks })));
      for (const id of ids) {
        const { deliveredAt, actedAt } = await town.message(id, 'acted');
        const { time } = town.model.requests.find(
          ({ kind, userTexts }) => kind === 'turn' && userTexts.some((text) => text.includes(`[gt ${id}]`)),
        )!;
        expect(town.model.seen(`[gt ${id}]`)).toHaveLength(1);
        expect(deliveredAt).toBeLessThanOrEqual(actedAt!);
        // The clocks are one, but of two programs.
        expect(actedAt! - time).toBeGreaterThanOrEqual(thinks - 50);
      }
    }
  });

  test('work for an idle session is put before the model', async () => {
    await idle(one);
    const work = unit(named('a'), runs('Do A.', 'gt done -m "A is done"'));
    await own().assignWork(one, work);
    expect((await own().getSession(one)).workUnits).toMatchObject([{ id: work.id, assignedAt: expect.any(Number) }]);
    await town.until('A done', ({ work: all }) => all.some(({ id, state }) => id === work.id && state === 'done'));
    expect(historyRows(town, work.id).map(({ state, by }) => ({ state, by }))).toEqual([
      { state: 'open', by: 'overseer' },
      { state: 'assigned', by: 'overseer' },
      { state: 'running', by: 'host' },
      { state: 'done', by: one },
    ]);
    expect(completed.filter((id) => id === work.id)).toHaveLength(1);
    await idle(one);
    expect((await own().getSession(one)).workUnits).toEqual([]);
  });

  test('work for a busy session waits for the next idle, in order', async () => {
    await own().sendMessage(
      one,
      message(named('busy'), scripted('Think.', { hold: named('gate') }, { text: 'Thought.' })),
    );
    await town.message(named('busy'), 'delivered');
    await own().assignWork(one, unit(named('b'), runs('Do B.', 'gt done -m "B is done"')));
    await own().assignWork(one, unit(named('c'), runs('Do C.', 'gt done -m "C is done"')));
    const waiting = await town.until('two wait', ({ sessions }) =>
      sessions.some(({ id, queued }) => id === one && queued === 2),
    );
    expect(waiting.sessions.find(({ id }) => id === one)?.workUnits.map(({ id }) => id)).toEqual([
      named('b'),
      named('c'),
    ]);
    expect(town.model.seen(`Your work: ${named('b')} `)).toEqual([]);
    town.model.release(named('gate'));
    await town.until('both done', ({ work }) =>
      [named('b'), named('c')].every((id) => work.some((each) => each.id === id && each.state === 'done')),
    );
    const [b, c] = [named('b'), named('c')].map((id) => town.model.seen(`Your work: ${id} `));
    expect([b!.length, c!.length]).toEqual([1, 1]);
    expect(b![0]!.messageIndex).toBeLessThan(c![0]!.messageIndex);
  });

  test('a name that is taken, and unknown ones, are refused without harm', async () => {
    const work = unit(named('taken'), 'Nothing');
    await expect(own().spawnSession(config(named('one'), { initialWork: work }))).rejects.toMatchObject({
      code: 'name-taken',
    });
    expect(unitRows(town).map(({ id }) => id)).not.toContain(work.id);
    const near = { code: 'unknown-session', message: expect.stringContaining(one) };
    const wrong = `${one}e`;
    await expect(own().getSession(wrong)).rejects.toMatchObject(near);
    await expect(own().terminateSession(wrong)).rejects.toMatchObject(near);
    await expect(own().assignWork(wrong, work)).rejects.toMatchObject(near);
    await expect(own().sendMessage(wrong, message(named('lost'), 'x'))).rejects.toMatchObject(near);
    expect(messageRows(town).map(({ id }) => id)).not.toContain(named('lost'));
  });

  test('the other backend does not take it for its own', async () => {
    const theirs = town.host.orchestrators.get(other)!;
    await expect(theirs.getSession(one)).rejects.toMatchObject({ code: 'unknown-session' });
    await expect(theirs.terminateSession(one)).rejects.toMatchObject({ code: 'unknown-session' });
    await expect(theirs.sendMessage(one, message(named('wrong'), 'x'))).rejects.toMatchObject({
      code: 'unknown-session',
    });
    expect((await theirs.listSessions()).map(({ id }) => id)).not.toContain(one);
    expect((await own().getSession(one)).state).toBe('running');
  });

  test('a session spawned with work has it before it starts, and begins with it', async () => {
    const work = unit(named('first'), 'Look at the room.');
    await own().spawnSession(config(named('two'), { role: 'crew', initialWork: work }));
    const { history } = await town.host.api.request('work.show', { id: work.id });
    const assigned = history.find(({ state, note }) => state === 'assigned' && note === `assigned to ${two}`);
    const begun = eventsOf(town, two).find(({ type }) => type === 'session.starting');
    expect(assigned?.at).toBeLessThanOrEqual(begun!.at);
    await town.until('the model has it', ({ work: all }) =>
      all.some(({ id, state }) => id === work.id && state === 'running'),
    );
    await town.model.waitFor(({ userTexts }) => userTexts.some((text) => text.includes(`Your work: ${work.id} `)));
    expect(town.model.seen(`Your work: ${work.id} `)).toHaveLength(1);
    expect((await own().getSession(two)).workUnits.map(({ id }) => id)).toEqual([work.id]);
    // It ends its turn without a report: one reminder, then it is shown as stalled.
    await town.until('stalled', ({ work: all }) => all.some(({ id, state }) => id === work.id && state === 'stalled'));
    expect(town.model.seen(`Your turn ended, but ${work.id} is still open`)).toHaveLength(1);
    await town.host.api.request('work.done', { id: work.id, status: 'escalated', message: 'for the test' });
  });

  test('an interactive session asks, and goes on with the answer', async () => {
    const file = path.join(town.rig, `${backend}-asked.txt`);
    await own().sendMessage(two, message(named('ask'), runs('Write.', `echo yes > ${path.basename(file)}`)));
    // That it waits may be seen in the program's own record before its hook has told for what.
    const asking = await town.until('it asks', ({ sessions }) =>
      sessions.some(({ id, activity, asks }) => id === two && activity.kind === 'attention' && asks.length > 0),
    );
    const [ask] = asking.sessions.find(({ id }) => id === two)!.asks;
    expect(ask).toMatchObject({ kind: 'permission', resolvable: true, title: expect.stringContaining('echo yes') });
    expect(existsSync(file)).toBe(false);
    await town.host.api.request('session.answer', { session: two, ask: ask!.id, answer: { kind: 'allow' } });
    await town.message(named('ask'), 'acted');
    expect(existsSync(file)).toBe(true);
  });

  test('a broadcast reaches everybody that lives; one failure stops no other', async () => {
    const results = await own().broadcastMessage(
      [one, 'alpha-nobody', two],
      message(named('drill'), 'Fire drill.', 'broadcast'),
    );
    expect(results).toMatchObject([
      { to: one, messageId: expect.any(String) },
      { to: 'alpha-nobody', error: expect.stringContaining('alpha-nobody') },
      { to: two, messageId: expect.any(String) },
    ]);
    for (const { messageId } of results) {
      if (messageId === undefined) continue;
      await town.message(messageId, 'acted');
      expect(town.model.seen(`[gt ${messageId}] Broadcast from the user: Fire drill.`)).toHaveLength(1);
    }
  });

  test('the role context comes again, and fresh, after a compaction', async () => {
    const directive = `After a compaction of ${backend}, be kind.`;
    mkdirSync(path.join(town.root, 'directives'), { recursive: true });
    writeFileSync(path.join(town.root, 'directives', 'polecat.md'), directive);
    await idle(one);
    await compact(town, one);
    await say(one, 'What are your rules?');
    await town.model.waitFor(({ text }) => text.includes('What are your rules?'));
    expect(contextSeen(directive)).toBe(true);
  });

  test('terminating ends it with everything that it has started', async () => {
    const { runId } = await own().getSession(one);
    await own().sendMessage(one, message(named('long'), runs('Wait.', 'touch started; tail -f started')));
    await eventually(
      'the shell waits',
      async () => processesWith('GT_RUN', runId),
      (found) => found.some(({ command }) => command.includes('tail -f')),
    );
    await own().terminateSession(one);
    expect(processesWith('GT_RUN', runId)).toEqual([]);
    expect((await own().getSession(one)).state).toBe('stopped');
    await own().terminateSession(one);
    expect((await own().listSessions()).map(({ id }) => id)).toEqual([two]);
    await expect(own().sendMessage(one, message(named('late'), 'x'))).rejects.toMatchObject({ code: 'refused' });
    await own().terminateSession(two);
    expect(await own().listSessions()).toEqual([]);
  });
});

/** Whether the model was given this text as context: in its system prompt, or in a note of the agent program. */
function contextSeen(text: string): boolean {
  return (
    town.model.requests.some(({ kind, system }) => kind === 'turn' && system.includes(text)) ||
    town.model.seen(text).length > 0
  );
}
