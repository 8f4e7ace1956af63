import { setTimeout as delay } from 'node:timers/promises';
import { serverRecords } from '../support/compact.ts';
import { sendSignal } from '../support/editor/processes.ts';
import type { FaultName } from './figures.ts';
import type { Journal } from './journal.ts';
import type { People } from './people.ts';
import type { Random } from './random.ts';
import type { SoakTown } from './town.ts';

/** On average; in ms. */
const betweenFaults = 4000;
/** How long the town is without a host, on average; in ms. */
const hostlessFor = 500;

const weights: Readonly<Record<FaultName, number>> = {
  agentKilled: 30,
  serverKilled: 20,
  hostKilled: 20,
  hostReloaded: 15,
  sessionStopped: 15,
};

/** Kills agents, servers and hosts at random moments, and has messages under way to those that they meet. */
export class Faults {
  readonly counts: Record<FaultName, number> = {
    agentKilled: 0,
    serverKilled: 0,
    hostKilled: 0,
    hostReloaded: 0,
    sessionStopped: 0,
  };
  private readonly town: SoakTown;
  private readonly people: People;
  private readonly journal: Journal;
  private readonly random: Random;

  constructor(town: SoakTown, people: People, journal: Journal, random: Random) {
    this.town = town;
    this.people = people;
    this.journal = journal;
    this.random = random;
  }

  /** One fault after another until the signal, each kind once before any comes again; afterwards the town has a host. */
  async strike(signal: AbortSignal): Promise<void> {
    const first = this.random.shuffled(Object.keys(weights) as FaultName[]);
    const next = (): Promise<unknown> =>
      delay(this.random.gap(betweenFaults), undefined, { signal }).catch(() => undefined);
    for (await next(); !signal.aborted; await next()) {
      const fault = first.shift();
      const struck = await this.one(fault ?? this.random.weighted(weights));
      if (!struck && fault !== undefined) first.push(fault);
    }
  }

  /** False where there is nobody whom it could meet. */
  private one(fault: FaultName): Promise<boolean> {
    switch (fault) {
      case 'agentKilled':
        return this.killAgent();
      case 'serverKilled':
        return this.killServer();
      case 'hostKilled':
        return this.changeHost('hostKilled', () => this.town.kill());
      case 'hostReloaded':
        return this.changeHost('hostReloaded', () => this.town.letGo());
      case 'sessionStopped':
        return this.stopSession();
    }
  }

  /** Only Claude's sessions have a process of their own. */
  private async killAgent(): Promise<boolean> {
    const victim = this.random.pick(this.town.live.filter(({ pid }) => pid !== undefined));
    if (victim?.pid === undefined) return false;
    const { id, pid } = victim;
    await this.around(id, async () => this.kill('agentKilled', pid, id));
    return true;
  }

  private async killServer(): Promise<boolean> {
    const [server] = serverRecords(this.town.folder.root);
    const victim = this.random.pick(this.town.live.filter(({ backend }) => backend === 'opencode'));
    if (server?.pid === undefined || !victim) return false;
    const { pid } = server;
    await this.around(victim.id, async () => this.kill('serverKilled', pid, 'the Opencode server'));
    return true;
  }

  private kill(fault: FaultName, pid: number, what: string): void {
    this.counts[fault] += 1;
    this.journal.note(`FAULT ${fault} ${what} (pid ${pid})`);
    sendSignal(pid, 'SIGKILL');
  }

  private async changeHost(fault: FaultName, leave: () => Promise<void>): Promise<boolean> {
    const victim = this.random.pick(this.town.live)?.id;
    this.counts[fault] += 1;
    const pressing = victim === undefined ? Promise.resolve() : this.people.press(victim, this.random.between(0, 3));
    await delay(this.random.between(0, 400));
    this.journal.note(`FAULT ${fault}`);
    await leave();
    await pressing;
    // An agent may die while nobody is there to see it.
    if (this.random.chance(0.25)) await this.killAgent();
    await delay(this.random.gap(hostlessFor));
    await this.town.start();
    this.journal.note('the town has a host again');
    return true;
  }

  private async stopSession(): Promise<boolean> {
    const victim = this.random.pick(this.town.live)?.id;
    if (victim === undefined) return false;
    this.counts.sessionStopped += 1;
    await this.around(victim, async () => {
      await this.people.attempt(`FAULT stop ${victim}`, () => this.town.request('session.stop', { session: victim }));
    });
    return true;
  }

  /** The fault, with messages to the session shortly before, meanwhile and after. */
  private async around(session: string, fault: () => Promise<void>): Promise<void> {
    const pressing = this.people.press(session, this.random.between(0, 3));
    await delay(this.random.between(0, 600));
    await fault();
    await this.people.press(session, this.random.between(0, 2));
    await pressing;
  }
}
