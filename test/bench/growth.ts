import { loadavg } from 'node:os';
import { deltaOf } from '../../shared/channel/snapshot-delta.ts';
import { Registry } from '../../shared/sessions/registry.ts';
import { Store } from '../../shared/store/store.ts';
import { fakeAgent } from '../support/core.ts';
import { makeFakeTown } from '../support/fake-town.ts';
import type { FakeTown } from '../support/fake-town.ts';
import { cpu, cpuOf, ms, percentile, printTable } from './figures.ts';

/** What a town has behind it. */
interface History {
  sessions: number;
  openUnits: number;
  queued: number;
  messages: number;
  eventsPerSession: number;
}

const young: History = { sessions: 20, openUnits: 20, queued: 0, messages: 100, eventsPerSession: 10 };
const old: History = { sessions: 1_000, openUnits: 5_000, queued: 10_000, messages: 100_000, eventsPerSession: 1_000 };

const nameOf = (index: number): string => `worker-${index}`;
const idOf = (index: number): string => `alpha-${nameOf(index)}`;

/** How a change costs a host with little behind it, and one with much; both measured in this run. */
export async function growth(): Promise<void> {
  console.log(
    `Growth: a town with little behind it beside one with much (load ${loadavg()[0]?.toFixed(1)} on two cores)`,
  );
  const small = await measure(young);
  const large = await measure(old);
  printTable('', [
    ['', 'young', 'old', 'ratio'],
    ...Object.entries(small).map(([what, value]) => {
      const other = large[what] ?? Number.NaN;
      return [what, ms(value), ms(other), `${(other / value).toFixed(1)}×`];
    }),
  ]);
  printTable('Registry', await registryFigures());
}

async function measure(history: History): Promise<Record<string, number>> {
  let [ready, readyCpu] = [0, 0];
  const town = await makeFakeTown({}, (database) => {
    const store = new Store(database);
    seed(store, history);
    store.close();
    ready = performance.now();
    readyCpu = cpu();
  });
  try {
    await town.manager.adoptAll();
    town.builder.build();
    await town.settled();
    const start = performance.now() - ready;
    const startCpu = cpu() - readyCpu;
    const adding = await cpuOf(() => addUnits(town, history.openUnits));
    await town.settled();
    town.builder.build();
    const figures: Record<string, number> = {
      'host start, by the clock': start,
      'host start': startCpu,
      'adding as many units again': adding,
      'one of them': adding / history.openUnits,
    };
    for (const [what, change] of Object.entries(changesOf(town, history))) {
      const costs = await costOf(town, change);
      figures[`${what}, p50`] = percentile(costs, 0.5);
      figures[`${what}, p95`] = percentile(costs, 0.95);
    }
    figures['list of 100 messages'] = await cpuOf(() => town.request('message.list', { limit: 100 }));
    return figures;
  } finally {
    town.close();
  }
}

/** What happens in a town, the n-th time. */
function changesOf(town: FakeTown, { sessions }: History): Record<string, (n: number) => Promise<unknown> | void> {
  const some = (n: number): string => idOf((n * 7919) % sessions);
  return {
    'a session works or rests': (n) => (n % 2 === 0 ? town.busy(some(n >> 1)) : town.idle(some(n >> 1))),
    'a unit is edited': (n) => town.request('work.edit', { id: `unit-${n % 20}`, title: `Another title ${n}` }),
    'a message is sent': (n) =>
      town.request('message.send', { to: some(n), type: 'nudge', body: `Message ${n} ${'.'.repeat(200)}` }),
  };
}

/** From the change to all that follows from it: rules, snapshot, what goes to a window. */
async function costOf(town: FakeTown, change: (n: number) => Promise<unknown> | void): Promise<number[]> {
  const costs: number[] = [];
  for (let n = 0; n < 200; n += 1) {
    const before = town.builder.build();
    costs.push(
      await cpuOf(async () => {
        await change(n);
        await town.settled();
        JSON.stringify(deltaOf(before, town.builder.build()));
      }),
    );
  }
  return costs;
}

async function addUnits(town: FakeTown, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await town.request('work.add', { rig: 'alpha', description: `Do it\n\n${'More of it. '.repeat(20)}` });
    if (index % 100 === 0) town.builder.build();
  }
}

function seed(store: Store, { sessions, openUnits, queued, messages, eventsPerSession }: History): void {
  store.transaction(() => {
    for (let index = 0; index < sessions; index += 1) {
      const [id, runId] = [idOf(index), `run-${index}`];
      store.sessions.begin(
        {
          ...{ id, backend: 'opencode', role: 'crew', agentName: nameOf(index), rig: 'alpha', agent: fakeAgent },
          ...{ workDir: `/work/${id}`, runId, createdAt: index },
        },
        { id: runId, sessionId: id, token: `token-${index}`, state: 'running', reference: {}, startedAt: index },
      );
      for (let n = 0; n < eventsPerSession; n += 1)
        store.addEvent({ at: n, sessionId: id, runId, type: 'session.state', detail: { cause: 'it worked on' } });
    }
    for (let index = 0; index < openUnits; index += 1) {
      store.work.insert(
        {
          ...{ id: `unit-${index}`, type: 'issue', title: `Unit ${index}`, description: 'Do it. '.repeat(20) },
          ...{ payload: {}, priority: 2, rig: 'alpha', state: 'open', createdAt: index, changedAt: index, attempts: 0 },
        },
        'overseer',
      );
    }
    for (let index = 0; index < messages + queued; index += 1) {
      const isQueued = index >= messages;
      store.messages.insert({
        ...{ id: `msg_${index}`, from: idOf((index + 1) % sessions), to: idOf(index % sessions) },
        ...{ kind: 'nudge', priority: 'normal', subject: '', body: 'A message. '.repeat(20) },
        ...{ state: isQueued ? 'accepted' : 'acted', attempts: 0, repeated: false, sentAt: index },
      });
    }
  });
}

async function registryFigures(): Promise<string[][]> {
  const town = await makeFakeTown();
  const registry = new Registry((error) => {
    throw error;
  });
  try {
    const session = await town.request('session.spawn', { role: 'crew', rig: 'alpha', name: 'one' });
    const info = town.registry.get(session.id);
    for (let index = 0; index < 10_000; index += 1)
      registry.register({ ...info, id: `s-${index}`, rig: `rig-${index % 100}`, startedAt: index });
    const { backend, role, state } = info;
    const times: number[] = [];
    for (let n = 0; n < 200; n += 1)
      times.push(await cpuOf(() => registry.list({ backend, role, state, rig: `rig-${n % 100}` })));
    return [['a list with four filters of 10,000 sessions', ms(percentile(times, 0.5)), ms(percentile(times, 0.95))]];
  } finally {
    town.close();
  }
}
