/** One look at the town. */
export interface Look {
  sessions: readonly { id: string; runId: string; state: string }[];
  work: readonly { id: string; state: string; owner?: string; changedAt: number }[];
}

/** A unit that was seen with one session, then with another while the first still ran. */
export interface Passing {
  unit: string;
  from: string;
  runId: string;
  to: string;
  /** When the unit came to be as it was seen before, and after (epoch ms). */
  before: number;
  after: number;
}

/** A state that a unit was in, from when. */
export interface Past {
  unit: string;
  state: string;
  at: number;
}

interface Owner {
  session: string;
  runId: string | undefined;
  changedAt: number;
}

const owned = ['assigned', 'running', 'stalled'];

/** Watches who has which unit, look after look. */
export class OwnershipWatch {
  readonly passings: Passing[] = [];
  private readonly owners = new Map<string, Owner>();

  see({ sessions, work }: Look): void {
    const runs = new Map(sessions.map((session) => [session.id, session]));
    for (const { id, state, owner, changedAt } of work) {
      const before = this.owners.get(id);
      if (owner === undefined || !owned.includes(state)) {
        // A unit that was put back, or reported, is nobody's.
        this.owners.delete(id);
        continue;
      }
      const first = before && before.session !== owner ? runs.get(before.session) : undefined;
      if (before && first?.state === 'running' && first.runId === before.runId) {
        this.passings.push({
          unit: id,
          from: before.session,
          runId: first.runId,
          to: owner,
          before: before.changedAt,
          after: changedAt,
        });
      }
      this.owners.set(id, { session: owner, runId: runs.get(owner)?.runId, changedAt });
    }
  }
}

/**
 * Pure. The passings in which the unit did not leave the first session. Looks are coalesced: that it was taken away as
 * stalled, or put back, and given to the next one may all have happened between two of them.
 */
export function doubleOwners(passings: readonly Passing[], history: readonly Past[]): string[] {
  const left = ({ unit, before, after }: Passing): boolean =>
    history.some(
      (past) =>
        past.unit === unit && past.at >= before && past.at <= after && !['assigned', 'running'].includes(past.state),
    );
  return passings
    .filter((passing) => !left(passing))
    .map(({ unit, from, runId, to }) => `unit ${unit} went to ${to} while ${from} (${runId}) still had it`);
}
