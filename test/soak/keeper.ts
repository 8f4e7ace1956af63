import { setTimeout as delay } from 'node:timers/promises';
import type { BackendName } from '../../shared/domain/orchestrator.ts';
import { ownedStates } from '../../shared/domain/work-state.ts';
import type { People } from './people.ts';
import type { Random } from './random.ts';
import type { SoakTown } from './town.ts';

export interface Place {
  name: string;
  backend: BackendName;
}

/** Pure. Names for that many sessions, in turn for each backend. */
export function placesFor(sessions: number): Place[] {
  const backends: readonly BackendName[] = ['claude', 'opencode'];
  return Array.from({ length: sessions }, (_, index) => {
    const backend = backends[index % backends.length]!;
    return { backend, name: `${backend}-${Math.floor(index / backends.length) + 1}` };
  });
}

/** How often the places are looked at, in ms. */
const lookEvery = 250;
/** How long a place stays empty on average, so that there are messages to sessions that have ended. In ms. */
const emptyFor = 600;

/**
 * Keeps every place filled with a session: a polecat that is slung a unit, or one that starts without work. One that died
 * with work is the town's own matter until it is quarantined; then it is reset, as a user would.
 */
export class Keeper {
  private readonly town: SoakTown;
  private readonly people: People;
  private readonly random: Random;
  private readonly busy = new Map<string, Promise<void>>();

  constructor(town: SoakTown, people: People, random: Random) {
    this.town = town;
    this.people = people;
    this.random = random;
  }

  /** Until the signal; resolves when nothing is being started any more. */
  async keep(places: readonly Place[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const place of places) if (!this.busy.has(place.name)) this.look(place);
      await delay(lookEvery, undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(this.busy.values());
  }

  private look(place: Place): void {
    const id = `${this.town.rig}-${place.name}`;
    const { sessions, work } = this.town.snapshot;
    const session = sessions.find((each) => each.id === id);
    if (session?.quarantined) return this.soon(place, () => this.reset(id));
    const isGone = !session || session.state === 'stopped' || session.state === 'failed';
    const hasWork = work.some(({ owner, state }) => owner === id && ownedStates.includes(state));
    if (isGone && !hasWork) this.soon(place, () => this.start(place, id));
  }

  private soon(place: Place, act: () => Promise<unknown>): void {
    const acting = delay(this.random.gap(emptyFor))
      .then(act)
      .then(() => undefined)
      .finally(() => this.busy.delete(place.name));
    this.busy.set(place.name, acting);
  }

  private reset(id: string): Promise<boolean> {
    return this.people.attempt(`reset ${id}`, () => this.town.request('session.reset', { session: id }));
  }

  private async start({ name, backend }: Place, id: string): Promise<void> {
    const { rig, snapshot } = this.town;
    const open = this.random.chance(0.5) ? snapshot.work.find(({ state }) => state === 'open') : undefined;
    if (open) {
      await this.people.attempt(`sling ${open.id} again, to ${id}`, () =>
        this.town.request('sling', { work: open.id, rig, backend, name }),
      );
    } else if (this.random.chance(0.6)) {
      const unit = this.people.newUnit();
      await this.people.attempt(`sling ${unit.id} to ${id}`, async () => {
        await this.town.request('sling', { work: unit.id, rig, backend, name, message: unit.description });
        this.people.confirmed.units.add(unit.id);
      });
    } else {
      await this.people.attempt(`start ${id}`, () =>
        this.town.request('session.spawn', { role: 'polecat', rig, backend, name }),
      );
    }
  }
}
