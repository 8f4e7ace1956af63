/** The window is closed in the evening with all that ran in it, and the town is opened again in the morning, twice. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClaudeReference } from '../../../shared/backends/claude/reference.ts';
import { hasTranscript } from '../../../shared/backends/claude/transcript.ts';
import type { SessionView } from '../../../shared/channel/views.ts';
import { serverRecords } from '../../support/compact.ts';
import { eventually } from '../../support/editor/eventually.ts';
import { patience } from '../../support/patience.ts';
import { processesWith } from '../../support/processes-with.ts';
import { referenceOf } from '../../support/questions.ts';
import { scripted } from '../../support/scripted.ts';
import { TownFixture } from '../../support/town-fixture.ts';

let town: TownFixture;

beforeAll(async () => {
  town = await TownFixture.make();
});
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

const isIdle = (session: SessionView): boolean => session.activity.kind === 'idle' && session.queued === 0;
const idle = (id: string) =>
  town.until(`${id} idle`, ({ sessions }) => sessions.some((each) => each.id === id && isIdle(each)));
const conversationOf = (runId: string) => referenceOf<ClaudeReference>(town, runId);
const requestsOf = (body: string) => town.model.waitFor(({ text }) => text.includes(body));

test.each([
  ['mayor', 'claude', {}],
  ['crew', 'opencode', { rig: 'alpha', name: 'amy' }],
] as const)(
  'the %s on %s has ended, stays, and goes on in its conversation when it is started',
  async (role, backend, where) => {
    const start = () => town.host.api.request('session.spawn', { role, backend, ...where });
    const say = (to: string, body: string) => town.host.api.request('message.send', { to, type: 'nudge', body });
    const { id, runId, pid } = await start();
    await say(id, scripted(`${id}: remember the blue door.`, { text: 'I do.' }));
    await requestsOf(`${id}: remember`);
    await idle(id);
    // Claude Code writes its record a moment later; what ends before that has no conversation to go on in.
    if (backend === 'claude')
      await eventually(
        'its record',
        () => hasTranscript(conversationOf(runId)),
        (there) => there,
      );

    await town.letGo();
    process.kill(backend === 'claude' ? pid! : serverRecords(town.root)[0]!.pid!, 'SIGKILL');
    await expect.poll(() => processesWith('GT_RUN', runId), { timeout: patience() }).toEqual([]);
    for (let morning = 1; morning <= 2; morning += 1) {
      await town.open();
      expect(town.session(id)).toMatchObject({ state: 'stopped', endedUnseen: true, runId });
      await town.letGo();
    }
    await town.open();

    const again = await start();
    expect(again).toMatchObject({ id, state: 'running' });
    await say(id, scripted(`${id}: which colour?`, { text: 'Blue.' }));
    const asked = await requestsOf(`${id}: which colour?`);
    expect(asked.userTexts.some((text) => text.includes('the blue door'))).toBe(true);
    await idle(id);
    await town.host.api.request('session.stop', { session: id });
    await town.host.api.request('session.dismiss', { session: id });
    await town.until('it is gone', ({ sessions }) => sessions.every((each) => each.id !== id));
  },
);
