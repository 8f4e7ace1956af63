import { setTimeout as delay } from 'node:timers/promises';
import type { SessionView } from '../../shared/channel/views.ts';
import type { Journal } from './journal.ts';
import type { Random } from './random.ts';
import type { SoakTown } from './town.ts';
import { gtTurn, smallTurn, unitTurn } from './turns.ts';

/** On average; in ms. */
const betweenMessages = 600;

/** Codes with which the town refuses what it cannot do in this moment. */
const expected = [
  'refused',
  'unknown-session',
  'work-conflict',
  'name-taken',
  'isolation-failed',
  'spawn-failed',
  'backend-unavailable',
  'cancelled',
];

/** What has been confirmed to those who asked. */
export interface Confirmed {
  messages: Set<string>;
  units: Set<string>;
  /** Sends that were refused at once. */
  refused: number;
}

/** The user, and through them the sessions: everybody who sends messages and gives out work. */
export class People {
  readonly confirmed: Confirmed = { messages: new Set(), units: new Set(), refused: 0 };
  private readonly town: SoakTown;
  private readonly journal: Journal;
  private readonly random: Random;
  private count = 0;
  private units = 0;

  constructor(town: SoakTown, journal: Journal, random: Random) {
    this.town = town;
    this.journal = journal;
    this.random = random;
  }

  /** Sends and gives out work until the signal; resolves when the last of it has been answered. */
  async act(signal: AbortSignal): Promise<void> {
    const open = new Set<Promise<void>>();
    while (!signal.aborted) {
      const acting = this.one().finally(() => open.delete(acting));
      open.add(acting);
      await delay(this.random.gap(betweenMessages), undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(open);
  }

  /** Some messages to one session, one after another as fast as it goes: around a fault that is to meet it. */
  async press(session: string, times: number): Promise<void> {
    for (let n = 0; n < times; n += 1) await this.nudge(session);
  }

  /** A new unit for a session that lives. */
  newUnit(): { id: string; description: string } {
    this.units += 1;
    const id = `unit-${this.units}`;
    return { id, description: unitTurn(this.random, id) };
  }

  /** Runs what may be refused. False: it was, or nobody knows. */
  async attempt(what: string, act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      this.journal.note(what);
      return true;
    } catch (error) {
      const code = codeOf(error);
      const words = `${what}: ${code} ${error instanceof Error ? error.message : String(error)}`;
      if (expected.includes(code) || code === 'no-host') this.journal.note(words);
      else this.journal.problem(words);
      return false;
    }
  }

  private async one(): Promise<void> {
    // Also those that are starting, or have ended: whoever sends does not know.
    const target = this.random.pick(this.town.snapshot.sessions);
    const live = this.random.pick(this.town.live);
    const kind = this.random.weighted({ nudge: 55, mail: 9, broadcast: 5, between: 18, work: 8, burst: 5 });
    if (!target) return;
    switch (kind) {
      case 'nudge':
        return this.nudge(target.id);
      case 'burst':
        await Promise.all([1, 2, 3, 4].map(() => this.nudge(target.id)));
        return;
      case 'mail':
        return this.mail(target.id);
      case 'broadcast':
        return this.broadcast();
      case 'between':
        if (live) await this.between(live);
        return;
      case 'work':
        if (live) await this.assign(live.id);
        return;
    }
  }

  private async nudge(to: string): Promise<void> {
    const body = smallTurn(this.random, this.words());
    const priority = this.random.chance(0.15) ? 'urgent' : 'normal';
    await this.send(`${priority} nudge to ${to}`, () =>
      this.town.request('message.send', { to, type: 'nudge', body, priority }),
    );
  }

  private async mail(to: string): Promise<void> {
    const words = this.words();
    const subject = this.random.chance(0.3) ? `${words}, no hurry` : words;
    await this.send(`mail to ${to}`, () =>
      this.town.request('message.send', { to, type: 'mail', subject, body: `${words}, at length.` }),
    );
  }

  private async broadcast(): Promise<void> {
    const body = this.words();
    await this.attempt('broadcast', async () => {
      const { results } = await this.town.request('message.broadcast', { body });
      for (const { messageId } of results) if (messageId !== undefined) this.confirmed.messages.add(messageId);
      this.confirmed.refused += results.filter(({ error }) => error !== undefined).length;
    });
  }

  /** A session writes to another one, to itself, or to all: its model is told to run `gt`. */
  private async between(from: SessionView): Promise<void> {
    const to = this.random.pick(this.town.snapshot.sessions)?.id ?? from.id;
    const words = this.words();
    const way = this.random.weighted({ nudge: 70, mail: 15, broadcast: 15 });
    const command = {
      nudge: `nudge ${to} '${words}'`,
      mail: `mail send ${to} -s '${words}' -m '${words}, at length.'`,
      broadcast: `broadcast '${words}'`,
    }[way];
    const body = gtTurn(this.words(), command);
    await this.send(`${from.id} is to ${command}`, () =>
      this.town.request('message.send', { to: from.id, type: 'nudge', body }),
    );
  }

  private async assign(session: string): Promise<void> {
    const { id, description } = this.newUnit();
    await this.attempt(`unit ${id} for ${session}`, async () => {
      await this.town.request('work.add', { id, description, rig: this.town.rig });
      this.confirmed.units.add(id);
      await this.town.request('work.assign', { id, session });
    });
  }

  private async send(what: string, act: () => Promise<{ id: string }>): Promise<void> {
    await this.attempt(what, async () => {
      try {
        this.confirmed.messages.add((await act()).id);
      } catch (error) {
        if (expected.includes(codeOf(error))) this.confirmed.refused += 1;
        throw error;
      }
    });
  }

  private words(): string {
    this.count += 1;
    return `soak ${this.count}`;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
