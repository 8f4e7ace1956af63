import { afterEach, expect, test, vi } from 'vitest';
import { Emitter } from '../../../shared/platform/emitter.ts';
import { makeFakeTown } from '../../support/fake-town.ts';

afterEach(() => vi.restoreAllMocks());

const [worker, next] = ['alpha-toast', 'alpha-next'];

/** A unit is slung, worked on, handed to another one and done; then everybody ends. What the town says of all that. */
async function day(): Promise<unknown> {
  const town = await makeFakeTown({ hung_after_minutes: 1 });
  const firstTurn = async (id: string): Promise<void> => {
    const { runId } = town.registry.get(id);
    town.manager.delivered(runId, town.driver.started.find((spec) => spec.runId === runId)!.firstPrompt!.id);
    town.busy(id);
    await town.settled();
  };
  await town.request('sling', { work: 'issue-1', rig: 'alpha', name: 'toast', message: 'Do it' });
  await firstTurn(worker);
  await town.request('message.send', { to: worker, body: 'hello', type: 'nudge' });
  await town.pass(120_000);
  await town.request('work.handoff', { from: worker, to: 'next', context: 'Go on' });
  await firstTurn(next);
  await town.request('work.done', { id: 'issue-1' }, next);
  town.manager.turnEnded(town.registry.get(next).runId);
  town.idle(next);
  await town.settled();
  town.die(next);
  await vi.waitFor(() => expect(town.registry.get(next).state).toBe('failed'));
  await town.settled();
  const said = {
    sessions: town.registry.list().map(({ id, state, cause, endedUnseen }) => ({ id, state, cause, endedUnseen })),
    work: town.store.work.all().map(({ id, state, owner, note, attempts }) => ({ id, state, owner, note, attempts })),
    messages: town.store.messages
      .latest(50)
      .map(({ to, kind, state, attempts, reason }) => JSON.stringify({ to, kind, state, attempts, reason }))
      .sort(),
    escalations: town.store.escalations
      .latest(50)
      .map(({ severity, by, closedAt }) => [severity, by, closedAt === undefined]),
    deeds: town.deeds().sort(),
  };
  town.close();
  return said;
}

test('listeners that hear of everything the other way round come to the same [holds 9]', async () => {
  const asEver = await day();
  vi.spyOn(Emitter.prototype, 'fire').mockImplementation(function (this: Emitter<unknown>, value) {
    const { listeners } = this as unknown as { listeners: Set<(value: unknown) => void> };
    for (const listener of [...listeners].reverse()) listener(value);
  });
  expect(await day()).toEqual(asEver);
});
