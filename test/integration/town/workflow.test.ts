import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MessageView } from '../../../shared/channel/views.ts';
import { messagesSaying } from '../../support/questions.ts';
import { runs } from '../../support/scripted.ts';
import { TownFixture } from '../../support/town-fixture.ts';

let town: TownFixture;
let left: unknown[] | undefined;
/** Every call back, in order. */
const called: string[] = [];

beforeAll(async () => {
  town = await TownFixture.make((options) => {
    options.callbacks = {
      onSessionStarted: ({ id }) => void called.push(`started ${id}`),
      onSessionIdle: ({ id }) => void called.push(`idle ${id}`),
      onSessionEnded: ({ id }) => void called.push(`ended ${id}`),
      onWorkCompleted: ({ id }) => void called.push(`completed ${id}`),
    };
  });
});
afterAll(async () => {
  left ??= await town.stop();
});

const one = 'alpha-one';
const two = 'alpha-two';
const idle = () =>
  town.until('both idle', ({ sessions }) =>
    sessions.every(({ activity, queued }) => activity.kind === 'idle' && queued === 0),
  );
const messages = async (): Promise<MessageView[]> =>
  (await town.host.api.request('message.list', { limit: 1000 })).messages;
/** The message that the text was put into, once it is in this state. */
const sent = async (body: string, to: string, state: MessageView['state']): Promise<MessageView> => {
  await town.until(`"${body}" for ${to}`, () => messagesSaying(town, body, to).length > 0);
  const found = (await messages()).find((message) => message.body === body && message.to === to);
  return town.message(found!.id, state);
};
/** Has a session run a command in its own shell, by telling its model so. */
const has = async (session: string, command: string): Promise<void> => {
  const { id } = await town.host.api.request('message.send', {
    to: session,
    type: 'nudge',
    body: runs('Please.', command),
  });
  await town.message(id, 'acted');
};

describe('TestMultiBackendWorkflow', () => {
  test('a Claude and an Opencode polecat get work, commit it on their branches and report', async () => {
    const { api } = town.host;
    await Promise.all([
      api.request('sling', { work: 'issue-1', rig: 'alpha', agent: 'opencode', name: 'one', message: 'Write notes' }),
      api.request('sling', { work: 'issue-2', rig: 'alpha', agent: 'claude', name: 'two', message: 'Write notes' }),
    ]);
    const isDone = ({ state, commits }: { state: string; commits?: number }): boolean =>
      state === 'done' && commits === 1;
    const done = await town.until('both units done', ({ work }) => work.filter(isDone).length === 2, 90_000);
    expect(done.sessions.map(({ id, backend, state }) => [id, backend, state]).sort()).toEqual([
      [one, 'opencode', 'running'],
      [two, 'claude', 'running'],
    ]);
    const work = done.work
      .map(({ id, owner, branch }) => ({ id, owner, branch }))
      .sort((a, b) => a.id.localeCompare(b.id));
    expect(work).toEqual([
      { id: 'issue-1', owner: one, branch: 'polecat/one/issue-1' },
      { id: 'issue-2', owner: two, branch: 'polecat/two/issue-2' },
    ]);
    const files = (branch: string) =>
      execFileSync('git', ['ls-tree', '--name-only', branch], { cwd: town.rig, encoding: 'utf8' });
    expect(files('polecat/one/issue-1')).toContain('notes-issue-1.md');
    expect(files('polecat/two/issue-2')).toContain('notes-issue-2.md');
  });

  test('the role context has reached both models', () => {
    for (const id of [one, two]) {
      const inSystem = town.model.requests.some(
        ({ kind, system }) => kind === 'turn' && system.includes(`session:${id}`),
      );
      expect(inSystem || town.model.seen(`session:${id}`).length > 0, id).toBe(true);
    }
  });

  test('each occurrence was called back once', async () => {
    await idle();
    for (const what of [`started ${one}`, `started ${two}`, 'completed issue-1', 'completed issue-2']) {
      expect(
        called.filter((each) => each === what),
        what,
      ).toHaveLength(1);
    }
    for (const id of [one, two])
      expect(called.lastIndexOf(`idle ${id}`), id).toBeGreaterThan(called.indexOf(`started ${id}`));
    expect(called.filter((each) => each.startsWith('ended'))).toEqual([]);
  });
});

describe('TestCrossSessionMessaging', () => {
  test('a message from the person reaches the model of each backend, with receipts', async () => {
    await idle();
    for (const session of [one, two]) {
      const { id } = await town.host.api.request('message.send', {
        to: session,
        type: 'nudge',
        body: `Are you well, ${session}?`,
      });
      await town.message(id, 'acted');
      expect(town.model.seen(`Are you well, ${session}?`)).toHaveLength(1);
    }
  });

  test.each([
    ['Opencode to Claude', one, two],
    ['Claude to Opencode', two, one],
  ])('a nudge from %s, by gt in the shell of the session', async (_way, from, to) => {
    const body = `Greetings from ${from}`;
    await has(from, `gt nudge ${to} "${body}"`);
    expect(await sent(body, to, 'acted')).toMatchObject({ from, kind: 'nudge' });
    expect(town.model.seen(`Nudge from ${from} (an agent, not the user):\n> ${body}`)).toHaveLength(1);
  });

  test.each([
    ['Opencode to Claude', one, two],
    ['Claude to Opencode', two, one],
  ])('mail from %s waits in the box until it is read there: that is its receipt', async (_way, from, to) => {
    const body = `A letter from ${from}`;
    await has(from, `gt mail send ${to} -s "A letter" -m "${body}"`);
    // The demo's rule reads mail when it is told of some.
    const letter = await sent(body, to, 'acted');
    expect(letter).toMatchObject({
      from,
      kind: 'mail',
      subject: 'A letter',
      readAt: expect.any(Number),
      deliveredAt: expect.any(Number),
    });
    expect(town.model.seen(`You have mail from ${from} (an agent, not the user): "A letter"`)).toHaveLength(1);
    expect(town.model.requests.some(({ results }) => results.some((result) => result.includes(body)))).toBe(true);
    await town.until('nothing unread', ({ sessions }) => sessions.every(({ unreadMail }) => unreadMail === 0));
  });

  test('a broadcast from a session reaches everybody else', async () => {
    await has(two, 'gt broadcast "The tea is ready"');
    expect(await sent('The tea is ready', one, 'acted')).toMatchObject({ from: two, kind: 'broadcast' });
    expect(town.model.seen(`Broadcast from ${two} (an agent, not the user):\n> The tea is ready`)).toHaveLength(1);
    expect((await messages()).filter(({ body }) => body === 'The tea is ready').map(({ to }) => to)).toEqual([one]);
  });

  test('a turn that ends without a report is answered by one reminder, then shown as stalled', async () => {
    const { api } = town.host;
    await Promise.all(
      [one, two].map(async (session) => {
        await api.request('work.add', {
          id: `quiet-${session}`,
          description: 'Think\n%%{"steps":[{"text":"I thought."}]}',
        });
        await api.request('work.assign', { id: `quiet-${session}`, session });
      }),
    );
    await town.until('both stalled', ({ work }) => work.filter(({ state }) => state === 'stalled').length === 2);
    for (const session of [one, two]) {
      expect(town.model.seen(`but quiet-${session} is still open`)).toHaveLength(1);
      await has(session, 'gt done --status escalated -m "I only thought"');
    }
    await town.until(
      'both escalated',
      ({ work }) => work.filter(({ state, note }) => state === 'escalated' && note === 'I only thought').length === 2,
    );
  });

  test('stopping leaves no process, and is called back once', async () => {
    left = await town.stop();
    expect(left).toEqual([]);
    for (const id of [one, two]) expect(called.filter((each) => each === `ended ${id}`)).toHaveLength(1);
  });
});
