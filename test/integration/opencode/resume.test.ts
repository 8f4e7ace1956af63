import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import { readServerRecord } from '../../../shared/backends/opencode/server-record.ts';
import { makeOpencodeTown, scripted, shellOf } from '../../support/opencode/town.ts';
import type { Host, OpencodeTown } from '../../support/opencode/town.ts';

const never = new AbortController().signal;
let town: OpencodeTown;
let own: Host;
let first: RunSpec;

beforeAll(async () => {
  town = await makeOpencodeTown();
  own = await town.makeHost();
  first = await town.makeSpec({
    firstPrompt: {
      id: 'msg_first',
      text: `The door is blue. ${scripted({ tool: 'bash', args: { command: 'env > first.txt' } }, { text: 'So be it.' })}`,
    },
  });
  await own.driver.start(first, never);
  await own.host.until('the turn', () => own.host.turns.includes(first.runId));
});
afterAll(() => town.close());

const referenceOf = (spec: RunSpec) => own.host.references.get(spec.runId)!;
/** A later run of the first one's session: another identity in the same place. */
const later = (more: Partial<RunSpec>): Promise<RunSpec> =>
  town.makeSpec({ cwd: first.cwd, sessionId: first.sessionId, ...more });
const environmentIn = (file: string): Record<string, string> =>
  Object.fromEntries(
    readFileSync(path.join(first.cwd, file), 'utf8')
      .split('\n')
      .map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]),
  );

/** Puts a question before the run that the earlier conversation answers, and lets its shell tell whose it is. */
async function goesOn(spec: RunSpec, file: string): Promise<void> {
  const asked = await town.model.waitFor(({ text }) => text.includes(`Into ${file}`));
  expect(JSON.stringify(asked)).toContain('The door is blue.');
  await own.host.until('the end of the turn', () => own.host.turns.includes(spec.runId));
  expect(environmentIn(file)).toMatchObject(spec.env);
  expect(referenceOf(spec)['session']).toBe(referenceOf(first)['session']);
}
const question = (file: string): string =>
  `Into ${file}: ${scripted({ tool: 'bash', args: { command: `env > ${file}` } }, { text: 'Done.' })}`;

it("goes on in another run on the same server, with that run's identity", async () => {
  expect(environmentIn('first.txt')).toMatchObject(first.env);
  // Somebody else keeps the server up.
  const keeper = await town.makeSpec();
  await own.driver.start(keeper, never);
  await own.driver.stop(first.runId);
  const second = await later({
    firstPrompt: { id: 'msg_second', text: question('second.txt') },
    resume: { reference: referenceOf(first), unconfirmed: ['msg_never'] },
  });
  await own.driver.start(second, never);
  await goesOn(second, 'second.txt');
  expect(
    own.host.deliveries.filter(({ runId }) => runId === second.runId).map(({ deliveryId }) => deliveryId),
  ).toContain('msg_second');
  expect(own.host.deliveries.map(({ deliveryId }) => deliveryId)).not.toContain('msg_never');
  await own.driver.stop(second.runId);
  await own.driver.stop(keeper.runId);
});

it('goes on after the server was killed in the middle of a turn', async () => {
  const busy = await later({ resume: { reference: referenceOf(first), unconfirmed: [] } });
  await own.driver.start(busy, never);
  await own.driver.deliver(
    busy.runId,
    { id: 'msg_busy', text: scripted({ tool: 'bash', args: { command: 'sleep 600' } }, { text: 'Never.' }) },
    never,
  );
  // Its model has answered: what is unanswered, the next run's model would do, too.
  await shellOf(busy, 1);
  const folder = path.join(town.root, '.runtime', 'opencode');
  process.kill(readServerRecord(path.join(folder, readdirSync(folder)[0]!))!.pid!, 'SIGKILL');
  await own.host.until('its end', () => own.host.status(busy.runId).state === 'failed');

  const third = await later({
    firstPrompt: { id: 'msg_third', text: question('third.txt') },
    resume: { reference: referenceOf(busy), unconfirmed: ['msg_busy', 'msg_other'] },
  });
  await own.driver.start(third, never);
  await goesOn(third, 'third.txt');
  await own.driver.stop(third.runId);
});

it('puts before the next run what its server died with before the model had answered', async () => {
  const silent = await later({ resume: { reference: referenceOf(first), unconfirmed: [] } });
  await own.driver.start(silent, never);
  const delivery = { id: 'msg_silent', text: `[gt msg_silent] Nobody answers. ${scripted({ hang: true })}` };
  await own.driver.deliver(silent.runId, delivery, never);
  await town.model.waitFor(({ text }) => text.includes('Nobody answers.'));
  const folder = path.join(town.root, '.runtime', 'opencode');
  process.kill(readServerRecord(path.join(folder, readdirSync(folder)[0]!))!.pid!, 'SIGKILL');
  await own.host.until('its end', () => own.host.status(silent.runId).state === 'failed');
  await town.model.waitFor(({ text, outcome }) => text.includes('Nobody answers.') && outcome === 'aborted');

  const next = await later({ resume: { reference: referenceOf(silent), unconfirmed: ['msg_silent'] } });
  await own.driver.start(next, never);
  const receipts = () => own.host.deliveries.filter(({ deliveryId }) => deliveryId === 'msg_silent');
  expect([receipts(), await own.driver.recall(next.runId, ['msg_silent'])]).toEqual([[], []]);
  await own.driver.deliver(next.runId, { id: 'msg_more', text: 'Are you there?' }, never);
  await own.host.until('the turn', () => own.host.turns.includes(next.runId));
  // With the later message the model has had the earlier one, too.
  expect(await own.driver.recall(next.runId, ['msg_silent'])).toEqual(['msg_silent']);
  await own.driver.stop(next.runId);
});

it('begins a session of its own where the earlier one is not known', async () => {
  const other = await later({
    resume: { reference: { ...referenceOf(first), session: 'ses_00000000000000000000000000' }, unconfirmed: [] },
  });
  await own.driver.start(other, never);
  expect(referenceOf(other)['session']).not.toBe(referenceOf(first)['session']);
  await own.driver.stop(other.runId);
});
