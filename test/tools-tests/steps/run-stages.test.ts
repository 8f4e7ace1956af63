/** The order in which `npm test` runs its steps, and what it prints of them. */
import { setImmediate as aMoment } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { check } from '../../support/steps/programs.ts';
import { runStages } from '../../support/steps/run-stages.ts';
import type { Outcome, Step } from '../../support/steps/step.ts';

const good: Outcome = { passed: 2, failures: [] };
const bad: Outcome = { passed: 1, failures: ['a.test.ts: it broke'] };

/** A step that ends when it is told to. */
function held(
  name: string,
  outcome = good,
  needs: readonly string[] = [],
): { step: Step; begun: () => boolean; end: () => void } {
  let end = (): void => undefined;
  const ended = new Promise<Outcome>((resolve) => {
    end = () => resolve(outcome);
  });
  let hasBegun = false;
  const run = (): Promise<Outcome> => {
    hasBegun = true;
    return ended;
  };
  return { step: { name, needs, run }, begun: () => hasBegun, end };
}

test('steps of a stage run side by side, the next stage when all of them have ended', async () => {
  const [one, two, next] = [held('one'), held('two'), held('next')];
  const verdict = runStages([[one.step, two.step], [next.step]], () => undefined);
  await aMoment();
  expect([one.begun(), two.begun()]).toEqual([true, true]);
  two.end();
  await aMoment();
  expect(next.begun()).toBe(false);
  one.end();
  next.end();
  expect(await verdict).toMatchObject({ passed: 6, failed: 0 });
});

test('a step waits for what it needs, also in its stage, and is not run where that failed', async () => {
  const [build, wrap] = [held('build', bad), held('wrap', good, ['build'])];
  const verdict = runStages([[build.step, wrap.step]], () => undefined);
  await aMoment();
  expect(wrap.begun()).toBe(false);
  build.end();
  const { passed, failed, summary } = await verdict;
  expect([passed, failed, wrap.begun()]).toEqual([1, 2, false]);
  expect(summary.map((line) => line.replace(/ +/g, ' '))).toEqual([
    expect.stringMatching(/^✗ build .* 1 passed, 1 failed$/),
    ' a.test.ts: it broke',
    expect.stringMatching(/^✗ wrap .* 0 passed, 1 failed$/),
    ' not run, because it needs: build',
  ]);
});

test('what cannot run on this machine is named, and no failure', async () => {
  const step: Step = { name: 'unit', run: async () => ({ ...good, skipped: ['b.test.ts: with a real forge'] }) };
  const { passed, failed, summary } = await runStages([[step]], () => undefined);
  expect([passed, failed]).toEqual([2, 0]);
  expect(summary).toEqual([expect.stringMatching(/^✓ unit /), '    skipped: b.test.ts: with a real forge']);
});

test('a step that throws has failed, and the others go on', async () => {
  const broken: Step = { name: 'broken', run: () => Promise.reject(new Error('no disk')) };
  const { failed, summary } = await runStages([[broken], [{ name: 'next', run: async () => good }]], () => undefined);
  expect(failed).toBe(1);
  expect(summary[1]).toBe('    no disk');
});

test('what steps and their programs print side by side is kept together, and shown when each ends', async () => {
  const printed: string[] = [];
  const prints = (name: string): Step => ({
    name,
    run: async (voice) => {
      voice.say(`${name} begins`);
      await aMoment();
      return check(voice, 'node', ['-e', `console.log('${name} out'); console.error('${name} err')`]);
    },
  });
  const { passed } = await runStages([[prints('one'), prints('two')]], (text) => void printed.push(text));
  expect(passed).toBe(2);
  expect(printed[0]).toBe('\n━━ one, two: side by side\n');
  for (const name of ['one', 'two']) {
    const [block, ...others] = printed.filter((text) => text.includes(`✓ ${name}`));
    expect(others).toEqual([]);
    expect(block?.trimEnd().split('\n').slice(2).sort()).toEqual([`${name} begins`, `${name} err`, `${name} out`]);
  }
});
