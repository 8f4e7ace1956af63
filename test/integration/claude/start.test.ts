import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ClaudeTown, directive, roleContext } from './town.ts';

let town: ClaudeTown;
beforeAll(async () => {
  town = await ClaudeTown.create();
});
afterEach(() => town.model.reset());
afterAll(() => town.close());

test('a session starts with its first prompt, and the receipt comes', async () => {
  const firstPrompt = { id: 'msg_first', text: 'Begin with\nissue-1 – "now".' };
  const spec = town.spec({ firstPrompt });
  await town.driver.start(spec, AbortSignal.timeout(60_000));
  await town.host.until('receipt', () => town.host.deliveries.find(({ deliveryId }) => deliveryId === 'msg_first'));
  const request = await town.model.waitFor((entry) => entry.kind === 'turn');
  expect(request.text).toBe(firstPrompt.text);
  await town.untilIdle(spec.runId);
  expect(town.model.seen(roleContext)).toHaveLength(1);
  expect(town.host.turns).toEqual([spec.runId]);
  await town.driver.stop(spec.runId);
  expect(await town.processes(spec)).toEqual([]);
  expect(town.host.status(spec.runId).state).toBe('stopped');
});
