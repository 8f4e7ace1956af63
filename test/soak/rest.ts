import { setTimeout as delay } from 'node:timers/promises';
import type { TownSnapshot } from '../../shared/channel/views.ts';
import type { SoakTown } from './town.ts';
import { patience } from '../support/patience.ts';
import { openMessages } from '../support/questions.ts';

export interface OpenEntry {
  id: string;
  to: string;
  kind: string;
  state: string;
  runId?: string;
}

/** How often it is looked; how long nothing may move until it counts as rest. In ms. */
const lookEvery = 200;
const stillFor = 1500;
/** Who goes on for so long, goes in circles. In ms. */
const mostMs = 600_000;

/** Pure. What has not come to its end yet; `entries` are the accepted and the delivered ones, without mail. */
export function unrest(
  { sessions, work }: Pick<TownSnapshot, 'sessions' | 'work'>,
  entries: readonly OpenEntry[],
): string[] {
  const live = new Map(sessions.filter(({ state }) => state === 'running').map((session) => [session.id, session]));
  const restless = sessions.flatMap(({ id, state, activity, queued }) => {
    if (state === 'starting') return [`${id} is starting`];
    if (state !== 'running') return [];
    return activity.kind === 'idle' && queued === 0 ? [] : [`${id} is ${activity.kind}, with ${queued} queued`];
  });
  const waiting = entries.flatMap(({ id, to, kind, state, runId }) => {
    const session = live.get(to);
    if (state === 'accepted') return session ? [`${kind} ${id} waits for ${to}`] : [];
    return session && session.runId === runId ? [`the turn with ${kind} ${id} is open`] : [];
  });
  const units = work.flatMap(({ id, state, owner }) => {
    if (state === 'assigned' || state === 'running' || state === 'queued') return [`unit ${id} is ${state}`];
    return state === 'stalled' && (owner === undefined || !live.has(owner))
      ? [`unit ${id} is stalled, and ${owner ?? 'nobody'} does not run`]
      : [];
  });
  return [...restless, ...waiting, ...units];
}

/**
 * Resolves when everything has come to rest, or with what has not when nothing has moved for `limitMs` (see `patience`): how
 * long it takes in all is a matter of the machine.
 */
export async function comeToRest(town: SoakTown, limitMs: number): Promise<string[]> {
  const latest = performance.now() + patience(mostMs);
  let still = 0;
  let end = 0;
  let [last, lastOpen] = ['', ''];
  for (;;) {
    const open = unrest(town.snapshot, openEntries(town));
    const now = performance.now();
    const look = JSON.stringify([open, town.snapshot.revision]);
    if (open.length > 0 || look !== last) still = now;
    last = look;
    if (open.length === 0 && now - still >= stillFor) return [];
    if (open.join() !== lastOpen) end = now + patience(limitMs);
    lastOpen = open.join();
    if (now > Math.min(end, latest)) return open;
    await delay(lookEvery);
  }
}

function openEntries(town: SoakTown): OpenEntry[] {
  return openMessages(town).map((row) => ({
    id: String(row['id']),
    to: String(row['recipient']),
    kind: String(row['kind']),
    state: String(row['state']),
    ...(row['run_id'] === null ? {} : { runId: String(row['run_id']) }),
  }));
}
