import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import type { TownSettings } from '../../../shared/config/town-settings.ts';
import type { Dialect } from '../../support/model/request.ts';
import type { Step } from '../../support/model/steps.ts';
import { eventually } from '../../support/editor/eventually.ts';
import { patience } from '../../support/patience.ts';
import { eventsOf, messagesAbout } from '../../support/questions.ts';
import { TownFixture } from '../../support/town-fixture.ts';

/** Both agents, made to give up soon: what takes minutes by default is not what is tested. */
const agents = {
  quick: {
    provider: 'claude',
    env: {
      CLAUDE_CODE_MAX_RETRIES: '1',
      API_TIMEOUT_MS: String(patience(4_000)),
      // Claude Code takes no less.
      CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: String(patience(10_000)),
      CLAUDE_ENABLE_BYTE_WATCHDOG: '1',
      CLAUDE_CODE_NONSTREAMING_TIMEOUT_RETRIES: '0',
    },
  },
  brisk: {
    provider: 'opencode',
    env: {
      OPENCODE_CONFIG_CONTENT: JSON.stringify({
        provider: {
          scripted: {
            options: { headerTimeout: patience(3_000), chunkTimeout: patience(3_000), timeout: patience(6_000) },
          },
        },
      }),
    },
  },
};
type Agent = keyof typeof agents;
const both = Object.keys(agents) as Agent[];

const settings: Partial<TownSettings> = {
  agents,
  default_agent: 'brisk',
  failover: { polecat: ['brisk', 'quick'] },
  backend_trouble: {
    patience_seconds: 2,
    grace_seconds: 4,
    pause_seconds: 1,
    longest_pause_seconds: 1,
    max_redeliveries: 2,
  },
};

let town: TownFixture;

beforeAll(async () => {
  town = await TownFixture.make((options) => {
    options.rules = [];
    const { folder } = options;
    writeFileSync(
      settingsPath(path.join(folder, 'town')),
      JSON.stringify({ type: 'town-settings', version: 1, ...settings }),
    );
    // Workers whose own agent is Claude's.
    mkdirSync(path.dirname(settingsPath(path.join(folder, 'alpha'))));
    const worker_agents = Object.fromEntries(['first', 'next', 'later'].map((name) => [`quick-${name}`, 'quick']));
    writeFileSync(
      settingsPath(path.join(folder, 'alpha')),
      JSON.stringify({ type: 'rig-settings', version: 1, worker_agents }),
    );
  });
});
afterEach(async () => {
  for (const { id, state } of town.host.snapshot.sessions) {
    if (state === 'running') await town.host.api.request('session.stop', { session: id });
  }
  town.model.reset();
  // What the user does when it is over.
  await town.host.api.request('town.health', {});
});
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

/** What the model does when it is given this unit, in one dialect or in both. */
function scripts(work: string, steps: readonly Step[], dialect?: Dialect): void {
  town.model.on({
    name: `${work} ${dialect ?? ''}`,
    match: ({ text, dialect: spoken }) =>
      text.includes(`Your work: ${work} `) && (dialect === undefined || dialect === spoken),
    steps,
  });
}
const finishes: readonly Step[] = [{ tool: 'bash', args: { command: 'gt done -m ok' } }, { text: 'Done.' }];
const sling = (work: string, agent?: Agent, more: { name?: string } = {}) =>
  town.host.api.request('sling', {
    work,
    rig: 'alpha',
    name: work,
    message: 'Do it.',
    ...(agent ? { agent } : {}),
    ...more,
  });
const isDone = (work: string) =>
  town.until(`${work} is done`, (seen) => seen.work.some(({ id, state }) => id === work && state === 'done'), 90_000);
const resting = (session: string) =>
  town.until(`${session} rests`, ({ sessions }) =>
    sessions.some(({ id, activity }) => id === session && activity.kind === 'rate-limited' && activity.until > 0),
  );
const events = (session: string, type: string): Record<string, unknown>[] =>
  eventsOf(town, session)
    .filter((event) => event.type === type)
    .map(({ detail }) => JSON.parse(detail) as Record<string, unknown>);

/** An answer of which a part arrives before it breaks off. */
const begun: Step = { text: 'I begin with it, and then there is more to say.', chunks: 4 };

describe.each(both)('%s without another agent', (agent) => {
  test.each<[string, readonly Step[], RegExp, boolean]>([
    ['a failing model (500)', [{ status: 500, times: 99 }], /scripted failure 500/, true],
    ['a rate limit without an end (429)', [{ status: 429, times: 99 }], /scripted failure 429/, false],
    [
      'a rate limit with an end (429, retry-after)',
      [{ status: 429, headers: { 'retry-after': '6' }, times: 99 }],
      /scripted failure 429/,
      false,
    ],
    ['an answer that is cut off', [], /./, true],
    ['a silent model', [{ hang: true, times: 99 }], /./, true],
    ['a model that falls silent', [begun, { hang: 'mid', times: 99 }], /./, true],
  ])('%s is shown with the reason, and the work goes on when it is over', async (what, failure, reason, failing) => {
    const work = `${agent}-${what.replaceAll(/[^a-z0-9]+/g, '-').replace(/-$/, '')}`;
    const session = `alpha-${work}`;
    scripts(work, [...failure, ...finishes]);
    // The scripted model forgets a text for which nobody waited any more (an agent on a busy machine gives up on any answer);
    // a real one sees it in its conversation.
    town.model.on({ name: 'go on', match: /go on where you were/, steps: finishes });
    if (what.includes('cut off')) town.model.fail({ cut: true, times: 6, match: new RegExp(`Your work: ${work} `) });
    await sling(work, agent);
    const { sessions } = await resting(session);
    // It is over: how often an agent asks before it gives up is its own affair.
    scripts(work, finishes);
    const { activity } = sessions.find(({ id }) => id === session)!;
    expect(activity).toMatchObject({
      kind: 'rate-limited',
      reason: expect.stringMatching(reason),
      ...(failing ? { failing: true } : {}),
    });
    const { id } = await town.host.api.request('message.send', {
      to: session,
      type: 'nudge',
      body: `meanwhile ${work}`,
    });
    await isDone(work);
    await town.message(id, 'acted');
    expect(town.model.seen(`meanwhile ${work}`)).toHaveLength(1);
    expect(events(session, 'session.parked').length).toBe(events(session, 'session.resumed').length);
  });
});

const otherThan: Record<Agent, Agent> = { quick: 'brisk', brisk: 'quick' };
const dialectOf: Record<Agent, Dialect> = { quick: 'anthropic', brisk: 'openai' };
const backendOf = { quick: 'claude', brisk: 'opencode' } as const;
const history = async (work: string): Promise<string> =>
  (await town.host.api.request('work.show', { id: work })).history
    .map(({ state, note }) => `${state}: ${note ?? ''}`)
    .join('\n');
/** Requests to the model in which this unit was the newest thing that it was told. */
const asked = (work: string, agent: Agent): number =>
  town.model.requests.filter(
    ({ dialect, text }) => dialect === dialectOf[agent] && text.includes(`Your work: ${work} `),
  ).length;
const session = (id: string) => town.host.snapshot.sessions.find((each) => each.id === `alpha-${id}`);
const breakerOf = (agent: Agent) => town.host.snapshot.backends.find(({ name }) => name === backendOf[agent])?.breaker;

describe.each(both)('E25: %s is rate-limited for long', (agent) => {
  const other = otherThan[agent];

  test('the work goes on with the next agent, new work goes there at once, and comes back when the limit is over', async () => {
    const [first, next, later] = [`${agent}-first`, `${agent}-next`, `${agent}-later`];
    scripts(first, [{ status: 429, headers: { 'retry-after': '3600' }, times: 99 }], dialectOf[agent]);
    for (const work of [first, next]) scripts(work, finishes, dialectOf[other]);
    scripts(later, finishes, dialectOf[agent]);

    // Work in progress: the same session, in the same worktree, with the other agent.
    await sling(first);
    await isDone(first);
    expect(session(first)).toMatchObject({
      agent: other,
      backend: backendOf[other],
      branch: `polecat/${first}/${first}`,
    });
    expect(await history(first)).toMatch(
      new RegExp(`assigned: alpha-${first} is restarted: it goes on with ${other} instead of ${agent}: rate-limited: `),
    );
    expect(events(`alpha-${first}`, 'session.failover')).toMatchObject([{ from: agent, agent: other }]);
    expect(asked(first, agent)).toBeLessThanOrEqual(3);
    expect(town.model.seen('had it before you').length).toBeGreaterThan(0);

    // New work: shown why, and the limited agent is not asked again.
    await town.until('the breaker is open', () => breakerOf(agent)?.state === 'open');
    const before = town.model.requests.length;
    await sling(next);
    await isDone(next);
    expect(session(next)).toMatchObject({ agent: other });
    expect(await history(next)).toMatch(
      new RegExp(`assigned to alpha-${next}, on ${other} instead of ${agent} \\(.*429`),
    );
    expect(town.model.requests.slice(before).filter(({ dialect }) => dialect === dialectOf[agent])).toEqual([]);
    if (agent === 'brisk') {
      await expect(sling('by-name', agent)).rejects.toMatchObject({
        code: 'backend-unavailable',
        message: expect.stringContaining('--agent quick'),
      });
    }
    const { backends } = await town.host.api.request('town.health', {});
    expect(backends.find(({ name }) => name === backendOf[other])).toMatchObject({ ok: true });

    // The user has it tried again: it works, and is used as before.
    await sling(later);
    await isDone(later);
    expect(session(later)).toMatchObject({ agent });
    await town.until('the breaker is closed', () => breakerOf(agent) === undefined);
  });
});

describe.each(both)('%s fails again and again', (agent) => {
  test('it is told to go on a bounded number of times, also over a restart of the host, then the person is asked', async () => {
    const work = `${agent}-hopeless`;
    scripts(work, [{ status: 500, times: 999 }]);
    town.model.fail({ status: 500, times: 999, match: /go on where you were/ });
    await sling(work, agent);
    await resting(`alpha-${work}`);
    await town.letGo();
    await town.open();
    const { escalations } = await town.until(
      'it is escalated',
      ({ escalations: raised }) => raised.some(({ work: about }) => about === work),
      90_000,
    );
    expect(escalations.find(({ work: about }) => about === work)).toMatchObject({
      severity: 'high',
      message: expect.stringMatching(/does not get on: .*500.*2 times in a row/),
    });
    expect(town.host.snapshot.work.find(({ id }) => id === work)).toMatchObject({
      state: 'stalled',
      owner: `alpha-${work}`,
    });
    expect(events(`alpha-${work}`, 'session.resumed').filter(({ told }) => told === true)).toHaveLength(2);
  });

  test('nobody is signed in: the person is told at once, with what to do', async () => {
    const work = `${agent}-stranger`;
    scripts(work, [{ status: 401, times: 99 }]);
    await sling(work, agent);
    await town.until(
      'it is escalated',
      ({ escalations }) => escalations.some(({ work: about }) => about === work),
      90_000,
    );
    expect(town.host.snapshot.work.find(({ id }) => id === work)).toMatchObject({ state: 'stalled' });
    const { backends } = await town.host.api.request('town.health', {});
    expect(backends.find(({ name }) => name === backendOf[agent])).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/401.*Sign in/s),
    });
  });
});

describe.each([
  { agent: 'quick', status: 500 },
  // Opencode itself goes on trying at whatever may pass.
  { agent: 'brisk', status: 401 },
] as const)('%j fails a turn that the host before had begun', ({ agent, status }) => {
  test.each(['while no host is there', 'under the next host'])(
    '%s: the reason is known, and nothing in it is taken for done',
    async (when) => {
      const work = `${agent}-${when.replaceAll(' ', '-')}`;
      const message = `no answer for ${work}`;
      scripts(work, [
        { hold: work },
        { status, times: 99, body: { type: 'error', error: { type: 'api_error', message } } },
      ]);
      town.model.on({ name: 'go on', match: /go on where you were/, steps: finishes });
      await sling(work, agent);
      await town.model.waitFor(({ text }) => text.includes(`Your work: ${work} `));
      const about = (kind: string) =>
        messagesAbout(town, work)
          .filter((message) => message.kind === kind)
          .map(({ state }) => state);
      await town.letGo();
      try {
        if (when === 'under the next host') await town.open();
        town.model.release(work);
        if (when === 'while no host is there')
          await eventually(
            'the agent to record why',
            async () => isRecorded(message),
            (known) => known,
          );
      } finally {
        if (when === 'while no host is there') await town.open();
      }
      if (agent === 'quick') {
        const { sessions } = await resting(`alpha-${work}`);
        scripts(work, finishes);
        expect(sessions.find(({ id }) => id === `alpha-${work}`)?.activity).toMatchObject({
          failing: true,
          reason: expect.stringContaining(message),
        });
        expect(about('work')).toEqual(['delivered']);
        await isDone(work);
      } else {
        const { escalations } = await town.until('it is escalated', ({ escalations: raised }) =>
          raised.some(({ work: about }) => about === work),
        );
        expect(escalations.find(({ work: about }) => about === work)).toMatchObject({
          message: expect.stringContaining(message),
        });
        expect(about('work')).toEqual(['delivered']);
      }
      expect(events(`alpha-${work}`, 'session.turn-failed')).toHaveLength(1);
      // Nobody has to find out by a reminder.
      expect(about('reminder')).toEqual([]);
    },
  );
});

/** Whether an agent has it in its record of a conversation. */
function isRecorded(text: string): boolean {
  const folders = [
    path.join(town.folder, 'home', '.claude', 'projects'),
    path.join(town.root, '.runtime', 'opencode'),
  ].filter((folder) => existsSync(folder));
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) => path.join(folder, file)),
  );
  return files.some((file) => /\.jsonl$|\.db(-wal)?$/.test(file) && readFileSync(file).includes(text));
}

describe('a backend that is down', () => {
  test('a server that hangs is named, with what to do; when it answers again all is well', async () => {
    scripts('bystander', finishes);
    await sling('bystander', 'brisk');
    await isDone('bystander');
    await town.until('its turn is over', () => session('bystander')?.activity.kind === 'idle');
    // A former test's server may not have ended yet.
    const pids = serverPids();
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const opencode = async () =>
      (await town.host.api.request('town.health', {})).backends.find(({ name }) => name === 'opencode');
    try {
      expect(await opencode()).toMatchObject({
        ok: false,
        detail: expect.stringMatching(new RegExp(`could not tell .*end its process (${pids.join('|')})`, 's')),
      });
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
    await eventually('Opencode to be well again', opencode, (backend) => backend?.ok === true);
  });

  test('the server dies and does not come back: the work goes on with the other backend', async () => {
    const work = 'homeless';
    town.model.on({
      name: work,
      match: ({ text, dialect }) => text.includes(`Your work: ${work} `) && dialect === 'openai',
      steps: [{ hold: 'never' }],
    });
    scripts(work, finishes, 'anthropic');
    await sling(work);
    await town.until('it works', ({ work: units }) =>
      units.some(({ id, state }) => id === work && state === 'running'),
    );
    const folder = path.join(town.folder, 'too-old');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'opencode'), '#!/bin/sh\necho 1.2.3\n');
    chmodSync(path.join(folder, 'opencode'), 0o755);
    const { PATH } = town.environment;
    town.environment['PATH'] = `${folder}:${PATH ?? ''}`;
    try {
      for (const pid of serverPids()) process.kill(pid, 'SIGKILL');
      await isDone(work);
    } finally {
      town.environment['PATH'] = PATH;
    }
    expect(session(work)).toMatchObject({ agent: 'quick', workDir: expect.stringContaining(work) });
    expect(events(`alpha-${work}`, 'session.failover').at(-1)).toMatchObject({
      from: 'brisk',
      agent: 'quick',
      reason: expect.stringContaining('or newer is needed'),
    });
  });
});

/** Processes of the town's Opencode servers, by their records. */
function serverPids(): number[] {
  const servers = path.join(town.root, '.runtime', 'opencode');
  return readdirSync(servers).flatMap((launch) => {
    try {
      return [(JSON.parse(readFileSync(path.join(servers, launch, 'server.json'), 'utf8')) as { pid: number }).pid];
    } catch {
      // That one has ended.
      return [];
    }
  });
}
