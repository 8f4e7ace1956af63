import type { Outcome, Stage, Step, Voice } from './step.ts';

/** What came of all steps. */
export interface Verdict {
  readonly passed: number;
  readonly failed: number;
  /** A line for each step, in their order, each followed by its failures and by what was skipped. */
  readonly summary: readonly string[];
}

interface Ended extends Outcome {
  readonly seconds: number;
}

/**
 * Runs the stages one after another, all of them even when a step fails. A step that runs alone prints as it goes; of those
 * side by side each says that it begins, and prints the rest together when it ends.
 */
export async function runStages(stages: readonly Stage[], print: (text: string) => void): Promise<Verdict> {
  const results = new Map<string, Promise<Ended>>();
  for (const stage of stages) {
    const isAlone = stage.length === 1;
    if (!isAlone) print(`\n━━ ${stage.map(({ name }) => name).join(', ')}: side by side\n`);
    // Each is entered before the next looks for what it needs.
    for (const step of stage)
      results.set(step.name, isAlone ? runAlone(step, results, print) : runBeside(step, results, print));
    await Promise.all(results.values());
  }
  const steps = await Promise.all([...results].map(async ([name, result]) => ({ name, ...(await result) })));
  return {
    passed: steps.reduce((sum, { passed }) => sum + passed, 0),
    failed: steps.reduce((sum, { failures }) => sum + failures.length, 0),
    summary: steps.flatMap(({ name, ...result }) => [
      line(name, result),
      ...result.failures.map((failure) => `    ${failure}`),
      ...(result.skipped ?? []).map((test) => `    skipped: ${test}`),
    ]),
  };
}

function runAlone(
  step: Step,
  results: ReadonlyMap<string, Promise<Outcome>>,
  print: (text: string) => void,
): Promise<Ended> {
  print(`\n━━ ${step.name}\n`);
  return runStep(step, results, { say: (text) => print(`${text}\n`) });
}

async function runBeside(
  step: Step,
  results: ReadonlyMap<string, Promise<Outcome>>,
  print: (text: string) => void,
): Promise<Ended> {
  const kept: string[] = [];
  const take = (text: string): void => void kept.push(text);
  const ended = await runStep(step, results, { say: (text) => take(`${text}\n`), take });
  print(`\n━━ ${line(step.name, ended)}\n${kept.join('')}`);
  return ended;
}

async function runStep(step: Step, results: ReadonlyMap<string, Promise<Outcome>>, voice: Voice): Promise<Ended> {
  const missing: string[] = [];
  for (const name of step.needs ?? []) {
    const needed = await results.get(name);
    if (needed && needed.failures.length > 0) missing.push(name);
  }
  const start = performance.now();
  const outcome = await (missing.length > 0
    ? { passed: 0, failures: [`not run, because it needs: ${missing.join(', ')}`] }
    : outcomeOf(step, voice));
  return { ...outcome, seconds: (performance.now() - start) / 1000 };
}

async function outcomeOf(step: Step, voice: Voice): Promise<Outcome> {
  try {
    return await step.run(voice);
  } catch (error) {
    return { passed: 0, failures: [error instanceof Error ? error.message : String(error)] };
  }
}

function line(name: string, { passed, failures, seconds }: Ended): string {
  const counts = failures.length > 0 ? `${passed} passed, ${failures.length} failed` : `${passed} passed`;
  return `${failures.length > 0 ? '✗' : '✓'} ${name.padEnd(12)} ${`${seconds.toFixed(1)} s`.padStart(8)}  ${counts}`;
}
