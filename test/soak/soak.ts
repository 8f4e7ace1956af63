import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mustRun } from '../support/setup/run-program.ts';
import { readBooks } from './books.ts';
import type { Books } from './books.ts';
import { Faults } from './faults.ts';
import type { SoakReport } from './figures.ts';
import { groupBy } from './group-by.ts';
import { Journal } from './journal.ts';
import { Keeper, placesFor } from './keeper.ts';
import type { SoakOptions } from './options.ts';
import { OwnershipWatch } from './ownership.ts';
import { People } from './people.ts';
import { Random } from './random.ts';
import { comeToRest } from './rest.ts';
import { SoakTown } from './town.ts';
import { judge } from './verdict.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** How long nothing may move while there is something left to do, in ms. */
const restMs = 60_000;
/** How often progress is printed, in ms. */
const sayEvery = 10_000;

export interface SoakResult {
  report: SoakReport;
  /** What is not as it has to be, a line each. */
  problems: string[];
  /** Folder with the town, the logs and the books; removed again where there are no problems. */
  kept: string;
}

/** Runs a soak. An interruption ends it early, in order. */
export async function soak(options: SoakOptions, interrupted: AbortSignal): Promise<SoakResult> {
  await mustRun(process.execPath, ['esbuild.config.mjs'], {
    cwd: root,
  });
  let journal!: Journal;
  const town = await SoakTown.open((folder) => (journal = new Journal(path.join(folder, 'soak.log'))));
  const { folder } = town.folder;
  const random = new Random(options.seed);
  const ownership = new OwnershipWatch();
  town.onDidChange((snapshot) => ownership.see(snapshot));
  const people = new People(town, journal, random.split());
  const keeper = new Keeper(town, people, random.split());
  const faults = new Faults(town, people, journal, random.split());
  try {
    const over = new AbortController();
    const keeping = keeper.keep(placesFor(options.sessions), over.signal);
    const seconds = await storm(options, interrupted, town, people, faults);
    console.log('coming to rest');
    const restless = await comeToRest(town, restMs);
    over.abort();
    await keeping;
    for (const line of restless) journal.problem(`not at rest: ${line}`);
    const books = readBooks(town, people.confirmed, ownership.passings);
    const { figures, problems } = judge(books);
    const left = await town.stop();
    for (const { pid, command } of left) journal.problem(`left over: ${pid} ${command}`);
    const { messages, work, latencyMs } = figures;
    const report = {
      sessions: options.sessions,
      seconds,
      messages,
      work,
      orphans: left.length,
      latencyMs,
      faults: faults.counts,
    };
    const all = [...problems, ...journal.problems];
    if (all.length === 0 && !options.keep) town.folder.remove();
    else await keep(folder, books, town);
    return { report, problems: all, kept: folder };
  } catch (error) {
    console.error(`The soak broke off; what there is is in ${folder}`);
    await town.stop().catch((failure: unknown) => console.error(failure));
    throw error;
  }
}

/** Messages, work and faults for the time that was asked for. Returns the seconds that they went on. */
async function storm(
  options: SoakOptions,
  interrupted: AbortSignal,
  town: SoakTown,
  people: People,
  faults: Faults,
): Promise<number> {
  const started = performance.now();
  const elapsed = (): number => Math.round((performance.now() - started) / 1000);
  const over = AbortSignal.any([interrupted, AbortSignal.timeout(options.seconds * 1000)]);
  const saying = setInterval(
    () => console.log(`${String(elapsed()).padStart(5)} s  ${progress(town, people, faults)}`),
    sayEvery,
  );
  try {
    await Promise.all([
      people.act(over),
      faults.strike(over),
      delay(options.seconds * 1000, undefined, { signal: over }).catch(() => undefined),
    ]);
  } finally {
    clearInterval(saying);
  }
  return elapsed();
}

function progress(town: SoakTown, people: People, faults: Faults): string {
  const { sessions, work } = town.snapshot;
  const states = groupBy(sessions, ({ state, activity }) => (state === 'running' ? activity.kind : state));
  const now = [...states].map(([state, list]) => `${list.length} ${state}`).join(', ');
  const count = Object.values(faults.counts).reduce((sum, each) => sum + each, 0);
  return `${people.confirmed.messages.size} messages, ${work.length} units, ${count} faults; sessions: ${now || 'none'}`;
}

/** For looking afterwards: what was compared, and what the model was asked. */
async function keep(folder: string, books: Books, town: SoakTown): Promise<void> {
  const plain = (_key: string, value: unknown): unknown =>
    value instanceof Map ? Object.fromEntries(value) : value instanceof Set ? [...value] : value;
  await writeFile(path.join(folder, 'books.json'), JSON.stringify(books, plain, 1));
  const asked = town.folder.model.requests.map(({ index, time, kind, conversation, text, turn, step, outcome }) => ({
    index,
    time,
    kind,
    conversation,
    text,
    turn,
    step,
    outcome,
  }));
  await writeFile(
    path.join(folder, 'model.json'),
    JSON.stringify({ asked, messages: town.folder.model.messages() }, undefined, 1),
  );
}
