/** One look at the town. */
export interface Look {
  sessions: readonly { id: string; runId: string; state: string }[];
  work: readonly { id: string; state: string; owner?: string }[];
}

interface Owner {
  session: string;
  runId: string | undefined;
  state: string;
}

/** Watches who has which unit, look after look: a unit that goes from one session to another leaves the first one first. */
export class OwnershipWatch {
  readonly found: string[] = [];
  private readonly owners = new Map<string, Owner>();

  see({ sessions, work }: Look): void {
    const runs = new Map(sessions.map((session) => [session.id, session]));
    for (const { id, state, owner } of work) {
      const before = this.owners.get(id);
      if (owner === undefined || !['assigned', 'running', 'stalled'].includes(state)) {
        // A unit that was put back, or reported, is nobody's.
        this.owners.delete(id);
        continue;
      }
      const first = before && before.session !== owner ? runs.get(before.session) : undefined;
      // One that is stalled may be taken away by policy; otherwise its owner must have ended.
      if (before && first?.state === 'running' && first.runId === before.runId && before.state !== 'stalled') {
        this.found.push(`unit ${id} went to ${owner} while ${before.session} (${before.runId}) still had it`);
      }
      this.owners.set(id, { session: owner, runId: runs.get(owner)?.runId, state });
    }
  }
}
