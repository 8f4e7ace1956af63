import { readdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { deltaOf } from '../../shared/channel/snapshot-delta.ts';
import { makeFakeTown } from '../support/fake-town.ts';
import type { FakeTown } from '../support/fake-town.ts';
import { printTable } from './figures.ts';

const sessions = 20;
/** How often it is looked, the first time when all has been done a while. */
const looks = 7;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

interface Look {
  seconds: number;
  changes: number;
  heap: number;
  resident: number;
  files: number;
}

/** Whether a host that goes on and on holds ever more: sessions work and rest, messages come and are acted on, units are begun and done. */
export async function steady(seconds: number): Promise<void> {
  console.log(`Steady: a host at work for ${seconds} s (load ${loadavg()[0]?.toFixed(1)} on two cores)`);
  const town = await makeFakeTown();
  try {
    for (let n = 0; n < sessions; n += 1)
      await town.request('session.spawn', { role: 'polecat', rig: 'alpha', name: `worker-${n}` });
    const seen: Look[] = [];
    const start = performance.now();
    let changes = 0;
    for (let at = 1; at <= looks; at += 1) {
      while (performance.now() - start < (seconds * 1_000 * at) / looks) {
        await change(town, changes);
        changes += 1;
        // As in a window, where others want the event loop, too.
        if (changes % 10 === 0) await delay(10);
      }
      seen.push(look(town, (performance.now() - start) / 1_000, changes));
    }
    const [first] = seen;
    printTable('', [
      ['after', 'changes', 'heap', 'since the first', 'resident', 'open files'],
      ...seen.map(({ seconds: after, changes: done, heap, resident, files }) => [
        `${after.toFixed(0)} s`,
        String(done),
        megabytes(heap),
        megabytes(heap - (first?.heap ?? 0)),
        megabytes(resident),
        String(files),
      ]),
    ]);
  } finally {
    town.close();
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

function look(town: FakeTown, seconds: number, changes: number): Look {
  // What the driver of the test remembers is not the host's.
  town.driver.deliveries.length = 0;
  town.driver.started.length = 0;
  collect();
  const { heapUsed: heap, rss: resident } = process.memoryUsage();
  const files = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : Number.NaN;
  return { seconds, changes, heap, resident, files };
}

/** The n-th: a message from its acceptance to the end of its turn, and every tenth time a unit from its beginning to its end. */
async function change(town: FakeTown, n: number): Promise<void> {
  const before = town.builder.build();
  const id = `alpha-worker-${n % sessions}`;
  town.idle(id);
  if (n % 10 === 0) {
    const unit = await town.request('work.add', { rig: 'alpha', description: `Do it, the ${n}th time` });
    await town.request('work.cancel', { id: unit.id });
  }
  await town.request('message.send', { to: id, type: 'nudge', body: `Message ${n} ${'.'.repeat(200)}` });
  await town.settled();
  const { runId } = town.registry.get(id);
  const last = town.driver.deliveries.at(-1);
  if (last?.runId === runId) town.manager.delivered(runId, last.delivery.id);
  town.manager.turnEnded(runId);
  town.idle(id);
  await town.settled();
  JSON.stringify(deltaOf(before, town.builder.build()));
}
