import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import { parseReference } from '../../../shared/backends/claude/reference.ts';
import { hasTranscript } from '../../../shared/backends/claude/transcript.ts';
import { eventually } from '../../support/editor/eventually.ts';
import { killAll } from '../../../shared/platform/process-table.ts';
import { ClaudeTown, directive } from './town.ts';
import { patience } from '../../support/patience.ts';

let town: ClaudeTown;
beforeAll(async () => {
  town = await ClaudeTown.create();
});
afterAll(() => town.close());

const referenceOf = (spec: RunSpec) => town.host.references.get(spec.runId)!;
const reference = (spec: RunSpec) => parseReference(referenceOf(spec))!;
const conversation = (spec: RunSpec) => referenceOf(spec)['claudeSession'];
const die = async (spec: RunSpec): Promise<void> => {
  await killAll(await town.processes(spec), 0);
  await town.host.until('its end', () => town.host.status(spec.runId).state === 'failed');
};

test('a killed session goes on in another run: the same conversation, with a first prompt of its own', async () => {
  const first = await town.idle();
  await town.say(first, 'The door is blue.');
  await town.untilIdle(first.runId);
  // Claude Code writes its record a moment later.
  await eventually(
    'the record',
    () => hasTranscript(reference(first)),
    (has) => has,
  );
  const [delivery] = town.host.deliveries.filter(({ runId }) => runId === first.runId);
  await die(first);

  const prompt = directive('Which colour is the door?', [{ text: 'Blue.' }]);
  const second = town.spec({
    firstPrompt: { id: 'msg_again', text: prompt },
    resume: { reference: referenceOf(first), unconfirmed: [delivery!.deliveryId, 'msg_never'] },
  });
  await town.driver.start(second, AbortSignal.timeout(patience(60_000)));
  const asked = await town.model.waitFor((entry) => entry.kind === 'turn' && entry.text.includes('Which colour'));
  expect(JSON.stringify(asked)).toContain('The door is blue.');
  expect(conversation(second)).toBe(conversation(first));
  await town.host.until('the receipt', () =>
    town.host.deliveries.some(({ runId, deliveryId }) => runId === second.runId && deliveryId === 'msg_again'),
  );
  await town.host.until('the end of the turn', () => town.host.turns.includes(second.runId));
  // Hooks of the new run are its own.
  expect(town.host.reports.filter(({ runId, source }) => runId === second.runId && source === 'inside')).not.toEqual(
    [],
  );
  await town.driver.stop(second.runId);
});

test('what its program died with before the model had answered is not taken for delivered in the next run', async () => {
  const cut = await town.idle();
  const text = `[gt msg_cut] ${directive('Think about it.', [{ hold: 'never' }, { text: 'Never.' }])}`;
  const outcome = town.driver.deliver(cut.runId, { id: 'msg_cut', text }, AbortSignal.timeout(patience()));
  const receipts = (spec: RunSpec) =>
    town.host.deliveries.filter(({ runId, deliveryId }) => runId === spec.runId && deliveryId === 'msg_cut');
  // Claude Code has written down that it asks.
  await town.host.until('the receipt', () => receipts(cut).length > 0);
  expect(await outcome).toEqual({ kind: 'accepted' });
  await die(cut);

  const next = await town.idle({ resume: { reference: referenceOf(cut), unconfirmed: ['msg_cut'] } });
  expect(conversation(next)).toBe(conversation(cut));
  expect([receipts(next), await town.driver.recall(next.runId, ['msg_cut'])]).toEqual([[], []]);
  await town.say(next, 'Are you there?');
  await town.untilIdle(next.runId);
  // With the later message the model has had the earlier one, too.
  await eventually(
    'the answer in the record',
    () => town.driver.recall(next.runId, ['msg_cut']),
    (known) => known.length > 0,
  );
  await town.driver.stop(next.runId);
});

test('a record that Claude Code does not take for a conversation: a new one is begun, in one terminal', async () => {
  const first = await town.idle();
  await die(first);
  const folder = join(reference(first).configDir, 'projects', 'cut-short');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${reference(first).claudeSession}.jsonl`), '{"type":"user"');
  const second = await town.idle({
    title: 'Dagny again (sample)',
    resume: { reference: referenceOf(first), unconfirmed: [] },
  });
  expect(conversation(second)).not.toBe(conversation(first));
  expect(town.host.status(second.runId).state).toBe('running');
  expect(town.host.logged.filter((line) => line.includes('begins a new conversation'))).toHaveLength(1);
  expect(await town.processes(second)).not.toEqual([]);
  await town.driver.stop(second.runId);
});

test('a conversation that was never begun, or is not known any more, is begun afresh', async () => {
  const first = await town.idle();
  await die(first);
  const second = await town.idle({ resume: { reference: referenceOf(first), unconfirmed: [] } });
  expect(conversation(second)).not.toBe(conversation(first));
  await town.driver.stop(second.runId);
  const third = await town.idle({ resume: { reference: { session: 'ses_of_another_backend' }, unconfirmed: [] } });
  expect(town.host.status(third.runId).state).toBe('running');
  await town.driver.stop(third.runId);
});
