import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SessionView } from '../../../shared/channel/views.ts';
import { escalationsOf } from '../../support/questions.ts';
import { runs, scripted } from '../../support/scripted.ts';
import { eventually } from '../../support/editor/eventually.ts';
import { TownFixture } from '../../support/town-fixture.ts';
import { TownWatcher } from '../../support/town-watcher.ts';

const run = promisify(execFile);
let town: TownFixture;

beforeAll(async () => {
  town = await TownFixture.make(({ folder, environment }) => {
    const file = path.join(folder, 'town/settings/config.json');
    const careful = { provider: 'claude', command: 'claude', args: ['--permission-mode', 'default'] };
    const attention = {
      escalate_after_minutes: 0.05,
      allow: { crew: ['Bash(touch allowed*)', 'bash(touch allowed*)', 'Bash(gt attention *)', 'bash(gt attention *)'] },
    };
    writeFileSync(
      file,
      JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), agents: { careful }, attention }),
    );
    // The user wants to be asked for this, also by agents that may do everything else.
    const settings = path.join(environment['HOME']!, '.claude/settings.json');
    mkdirSync(path.dirname(settings), { recursive: true });
    writeFileSync(settings, JSON.stringify({ permissions: { ask: ['Bash(touch asked*)'] } }));
  });
});
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

const api = () => town.host.api;
const fileIn = (session: string, name: string): string => path.join(town.session(session).workDir, name);
const says = async (session: string, command: string): Promise<string> =>
  (await api().request('message.send', { to: session, type: 'nudge', body: runs('Please.', command) })).id;
const asking = async (session: string): Promise<SessionView> => {
  const snapshot = await town.until(`${session} asks`, ({ sessions }) =>
    sessions.some(({ id, asks }) => id === session && asks.length > 0),
  );
  return snapshot.sessions.find(({ id }) => id === session)!;
};
const log = async (session: string): Promise<string> => {
  const { entries } = await api().request('session.log', { session });
  return entries.map(({ text }) => text).join('\n');
};
const raised = (session: string, title: string) => escalationsOf(town, session, title);
/** `gt` in a terminal of the user's own. */
const gt = (...argv: string[]) =>
  run(path.join(town.root, '.runtime/bin/gt'), argv, {
    cwd: town.root,
    env: { PATH: town.environment['PATH'], HOME: town.environment['HOME'] },
  });

describe.each(['claude', 'opencode'] as const)('%s', (backend) => {
  const session = `alpha-crew-${backend}`;
  const other = `alpha-crew-other-${backend}`;
  const bash = backend === 'claude' ? 'Bash' : 'bash';

  beforeAll(async () => {
    for (const name of [backend, `other-${backend}`])
      await api().request('session.spawn', { role: 'crew', rig: 'alpha', backend, name });
  });

  test('what the allow-list of the role covers is allowed without the person, and the timeline says so', async () => {
    await town.message(await says(session, `touch allowed-${backend}`), 'acted');
    expect(existsSync(fileIn(session, `allowed-${backend}`))).toBe(true);
    expect(await log(session)).toContain(
      `allowed by the policy ${bash}(touch allowed*): ${bash}: touch allowed-${backend}`,
    );
  });

  test("what only begins so is asked, is no other agent's to answer, and is allowed by the person", async () => {
    const command = `touch allowed-${backend} && touch more-${backend}`;
    const message = await says(session, command);
    const { asks } = await asking(session);
    expect((await api().request('attention.list', {})).waits).toEqual([
      expect.objectContaining({
        session,
        ask: asks[0]!.id,
        kind: 'permission',
        title: `${bash}: ${command}`,
        resolvable: true,
      }),
    ]);
    await town.message(await says(other, `gt attention answer ${session} allow`), 'acted');
    await town.model.waitFor(({ results }) =>
      results.some((result) => result.includes(`${other} may not do "session.answer"`)),
    );
    expect(existsSync(fileIn(session, `more-${backend}`))).toBe(false);

    await api().request('session.answer', { session, ask: asks[0]!.id, answer: { kind: 'allow' } });
    await town.message(message, 'acted');
    expect(existsSync(fileIn(session, `more-${backend}`))).toBe(true);
    expect(await log(session)).toContain(`allowed by the user: ${bash}: ${command}`);
    await api().request('session.stop', { session: other });
  });

  test("a question is answered by gt in the person's terminal", async () => {
    const body = scripted(
      'Ask me.',
      { tool: 'ask', args: { question: 'Which colour?', options: ['Blue', 'Green'] } },
      { text: 'Thanks.' },
    );
    const { id } = await api().request('message.send', { to: session, type: 'nudge', body });
    await asking(session);
    await gt('attention', 'answer', session, 'Green');
    await town.message(id, 'acted');
    await town.model.waitFor(({ results }) => results.some((result) => /Which colour\?.*Green/s.test(result)));
    expect(await log(session)).toContain('Green by the user: Which colour?');
  });

  test('two questions are answered together', async () => {
    const questions = [
      { question: 'Which colour?', options: ['Blue', 'Green'] },
      { question: 'What on top?', options: ['Cream', 'Nuts'], multiple: true },
    ];
    const { id } = await api().request('message.send', {
      to: session,
      type: 'nudge',
      body: scripted('Ask me.', { tool: 'ask', args: { questions } }, { text: 'Thanks.' }),
    });
    const { asks } = await asking(session);
    expect(asks).toMatchObject([
      {
        resolvable: true,
        questions: [
          { text: 'Which colour?', multiple: false },
          { text: 'What on top?', multiple: true },
        ],
      },
    ]);
    await api().request('session.answer', {
      session,
      ask: asks[0]!.id,
      answer: { kind: 'answers', answers: [['Blue'], ['Cream', 'Nuts']] },
    });
    await town.message(id, 'acted');
    await town.model.waitFor(({ results }) =>
      results.some((result) => /colour.*Blue.*on top.*Cream, ?Nuts/s.test(result)),
    );
  });
});

describe('E10: a permission that nobody answers', () => {
  /** The host goes, and another one comes. */
  const away = async (): Promise<void> => {
    await town.letGo();
    await town.open();
  };

  test('of an autonomous Claude worker is shown, escalated once, and over when the person answers in its terminal', async () => {
    const id = 'alpha-lone';
    await api().request('sling', {
      work: 'lone',
      rig: 'alpha',
      agent: 'careful',
      name: 'lone',
      message: runs('Please.', 'touch asked'),
    });
    expect((await asking(id)).asks).toMatchObject([{ kind: 'permission', title: 'Bash: touch asked' }]);
    const escalated = await town.until('it is escalated', ({ escalations }) =>
      escalations.some(({ session }) => session === id),
    );
    expect(escalated.escalations).toMatchObject([
      { severity: 'high', by: 'host', work: 'lone', message: expect.stringContaining('Bash: touch asked') as string },
    ]);

    await away();
    await town.until('it waits in its terminal', ({ sessions }) =>
      sessions.some((each) => each.id === id && each.activity.kind === 'attention'),
    );
    const terminal = town.terminals.terminals.find(({ name }) => name === 'lone (alpha)')!;
    const pressing = setInterval(() => terminal.write('\r'), 500);
    try {
      await town.until('it waits no more', ({ sessions }) =>
        sessions.some((each) => each.id === id && each.activity.kind !== 'attention'),
      );
    } finally {
      clearInterval(pressing);
    }
    await town.until('its escalation is closed', ({ escalations }) =>
      escalations.every(({ session }) => session !== id),
    );
    await eventually(
      'what was allowed is done',
      async () => existsSync(fileIn(id, 'asked')),
      (done) => done,
    );
    expect(raised(id, 'Bash: touch asked')).toHaveLength(1);
    expect(await log(id)).toMatch(
      /waits for permission: Bash: touch asked[^]*escalated \(high\)[^]*answered in the terminal: Bash: touch asked/,
    );
    await api().request('work.done', { id: 'lone', status: 'failed', message: 'for the test' });
    await api().request('session.stop', { session: id });
  });

  test('of an Opencode session is the same one for the next host, and is answered by another window', async () => {
    const id = 'alpha-crew-opencode';
    const message = await says(id, 'touch late');
    const before = await asking(id);
    await town.until('it is escalated', ({ escalations }) => escalations.some(({ session }) => session === id));
    await away();
    const after = await asking(id);
    expect(after.asks.map((ask) => ask.id)).toEqual(before.asks.map((ask) => ask.id));
    const watcher = await TownWatcher.connect(town.root);
    await watcher.request('session.answer', {
      session: id,
      ask: after.asks[0]!.id,
      answer: { kind: 'deny', message: 'Not any more.' },
    });
    await expect(
      watcher.request('session.answer', { session: id, ask: after.asks[0]!.id, answer: { kind: 'allow' } }),
    ).rejects.toThrow();
    watcher.close();
    await town.message(message, 'acted');
    await town.until('its escalation is closed', ({ escalations }) =>
      escalations.every(({ session }) => session !== id),
    );
    expect(raised(id, 'bash: touch late')).toHaveLength(1);
    expect(existsSync(fileIn(id, 'late'))).toBe(false);
    const lines = (await log(id)).split('\n');
    expect(lines.filter((line) => line === 'waits for permission: bash: touch late')).toHaveLength(1);
    expect(lines).toContain('denied: Not any more. by the user: bash: touch late');
  });
});
