import { setTimeout as delay } from 'node:timers/promises';
import type { BackendName } from '../../shared/orchestrator.ts';
import type { SessionView } from '../../shared/town/snapshot.ts';
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
 * Keeps every place filled with a session: a polecat that is slung a unit, or one that starts without work. What a session
 * that died leaves is slung to the next one of its name.
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
      for (const place of places) if (!this.busy.has(place.name) && this.isEmpty(place)) this.fill(place);
      await delay(lookEvery, undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(this.busy.values());
  }

  private fill(place: Place): void {
    const filling = delay(this.random.gap(emptyFor))
      .then(() => this.start(place))
      .finally(() => this.busy.delete(place.name));
    this.busy.set(place.name, filling);
  }

  private isEmpty(place: Place): boolean {
    const session = this.sessionAt(place);
    return !session || session.state === 'failed' || session.state === 'stopped';
  }

  private sessionAt({ name }: Place): SessionView | undefined {
    return this.town.snapshot.sessions.find(({ id }) => id === this.idOf(name));
  }

  private idOf(name: string): string {
    return `${this.town.rig}-${name}`;
  }

  private async start({ name, backend }: Place): Promise<void> {
    const id = this.idOf(name);
    const { rig } = this.town;
    const [left] = this.town.snapshot.work.filter(({ owner, state }) => owner === id && state === 'stalled');
    if (left) {
      await this.people.attempt(`sling ${left.id} again, to ${id}`, () => this.town.request('sling', { work: left.id, rig, backend, name }));
    } else if (this.random.chance(0.6)) {
      const unit = this.people.newUnit();
      await this.people.attempt(`sling ${unit.id} to ${id}`, async () => {
        await this.town.request('sling', { work: unit.id, rig, backend, name, message: unit.description });
        this.people.confirmed.units.add(unit.id);
      });
    } else {
      await this.people.attempt(`start ${id}`, () => this.town.request('session.spawn', { role: 'polecat', rig, backend, name }));
    }
  }
}
