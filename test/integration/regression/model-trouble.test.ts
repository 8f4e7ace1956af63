import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import type { TownSettings } from '../../../shared/config/town-settings.ts';
import type { Dialect } from '../../support/model/request.ts';
import type { Failure, Step } from '../../support/model/steps.ts';
import { TownFixture } from '../../support/town-fixture.ts';

/** Both agents, made to give up soon: what takes minutes by default is not what is tested. */
const agents = {
  quick: {
    provider: 'claude',
    env: {
      CLAUDE_CODE_MAX_RETRIES: '1',
      API_TIMEOUT_MS: '2000',
      // Claude Code takes no less.
      CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS: '10000',
      CLAUDE_ENABLE_BYTE_WATCHDOG: '1',
      CLAUDE_CODE_NONSTREAMING_TIMEOUT_RETRIES: '0',
    },
  },
  brisk: {
    provider: 'opencode',
    env: {
      OPENCODE_CONFIG_CONTENT: JSON.stringify({
        provider: { scripted: { options: { headerTimeout: 1500, chunkTimeout: 1500, timeout: 3000 } } },
      }),
    },
  },
};
type Agent = keyof typeof agents;
const both = Object.keys(agents) as Agent[];

const settings: Partial<TownSettings> = {
  agents,
  default_agent: 'brisk',
  backend_trouble: { patience_seconds: 2, grace_seconds: 4, pause_seconds: 1, longest_pause_seconds: 1, max_redeliveries: 2 },
};

let town: TownFixture;

function configure(root: string, change: Partial<TownSettings>): void {
  writeFileSync(settingsPath(root), JSON.stringify({ type: 'town-settings', version: 1, ...settings, ...change }));
}

beforeAll(async () => {
  town = await TownFixture.make((options) => {
    options.rules = [];
    configure(path.join(options.folder, 'town'), {});
  });
});
afterEach(async () => {
  for (const { id, state } of town.host.snapshot.sessions) {
    if (state === 'running') await town.host.api.request('session.stop', { session: id });
  }
  town.model.reset();
  // What the person does when it is over.
  await town.host.api.request('town.health', {});
});
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

/** Claude Code waits for the end of a limit twice itself, and does not tell of it; Opencode does. */
const limitOf = (agent: Agent, seconds: number): Failure => ({ status: 429, headers: { 'retry-after': String(seconds) }, times: agent === 'quick' ? 2 : 1 });

/** What the model does when it is given this unit, in one dialect or in both. */
function scripts(work: string, steps: readonly Step[], dialect?: Dialect): void {
  town.model.on({
    name: `${work} ${dialect ?? ''}`,
    match: ({ text, dialect: spoken }) => text.includes(`Your work: ${work} `) && (dialect === undefined || dialect === spoken),
    steps,
  });
}
const finishes: readonly Step[] = [{ tool: 'bash', args: { command: 'gt done -m ok' } }, { text: 'Done.' }];
const sling = (work: string, agent?: Agent, more: { name?: string } = {}) =>
  town.host.api.request('sling', { work, rig: 'alpha', name: work, message: 'Do it.', ...(agent ? { agent } : {}), ...more });
const isDone = (work: string) => town.until(`${work} is done`, (seen) => seen.work.some(({ id, state }) => id === work && state === 'done'), 90_000);
const resting = (session: string) =>
  town.until(`${session} rests`, ({ sessions }) => sessions.some(({ id, activity }) => id === session && activity.kind === 'rate-limited' && activity.until > 0));
const events = (session: string, type: string): Record<string, unknown>[] =>
  town.stored(`SELECT detail FROM events WHERE session_id = '${session}' AND type = '${type}' ORDER BY seq`).map(({ detail }) => JSON.parse(String(detail)) as Record<string, unknown>);

/** An answer of which a part arrives before it breaks off. */
const begun: Step = { text: 'I begin with it, and then there is more to say.', chunks: 4 };

describe.each(both)('%s without another agent', (agent) => {
  test.each<[string, readonly Step[], RegExp, boolean]>([
    ['a failing model (500)', [{ status: 500, times: 2 }], /scripted failure 500/, true],
    ['a rate limit without an end (429)', [{ status: 429, times: 2 }], /scripted failure 429/, false],
    ['a rate limit with an end (429, retry-after)', [limitOf(agent, 6)], /scripted failure 429/, false],
    ['an answer that is cut off', [], /./, true],
    ['a silent model', [{ hang: true, times: 2 }], /./, true],
    ['a model that falls silent', [begun, { hang: 'mid', times: 2 }], /./, true],
  ])('%s is shown with the reason, and the work goes on when it is over', async (what, failure, reason, failing) => {
    const work = `${agent}-${what.replaceAll(/[^a-z0-9]+/g, '-').replace(/-$/, '')}`;
    const session = `alpha-${work}`;
    scripts(work, [...failure, ...finishes]);
    // The scripted model forgets a text for which nobody waited any more; a real one sees it in its conversation.
    if (what.includes('silent')) town.model.on({ name: 'go on', match: /go on where you were/, steps: finishes });
    if (what.includes('cut off')) town.model.fail({ cut: true, times: 6, match: new RegExp(`Your work: ${work} `) });
    await sling(work, agent);
    const { sessions } = await resting(session);
    const { activity } = sessions.find(({ id }) => id === session)!;
    expect(activity).toMatchObject({ kind: 'rate-limited', reason: expect.stringMatching(reason), ...(failing ? { failing: true } : {}) });
    const { id } = await town.host.api.request('message.send', { to: session, type: 'nudge', body: `meanwhile ${work}` });
    await isDone(work);
    await town.message(id, 'acted');
    expect(town.model.seen(`meanwhile ${work}`)).toHaveLength(1);
    expect(events(session, 'session.parked').length).toBe(events(session, 'session.resumed').length);
  });
});
