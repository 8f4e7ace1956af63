import type { BackendName } from '../domain/orchestrator.ts';

/** The runs of an earlier host of which it is not known yet whether they still run. */
export class PendingAdoptions {
  private readonly pending = new Map<string, { backend: BackendName; settled: Promise<void> }>();

  /** Returns what resolves when it is known. */
  add(runId: string, backend: BackendName, adopting: Promise<void>): Promise<void> {
    const settled = adopting.finally(() => this.pending.delete(runId));
    this.pending.set(runId, { backend, settled });
    return settled;
  }

  /** Resolves when it is known whether the run still runs. */
  async settled(runId: string): Promise<void> {
    await this.pending.get(runId)?.settled;
  }

  /** Resolves when that is known of every run of this backend. */
  async allSettled(backend: BackendName): Promise<void> {
    const adoptions = [...this.pending.values()].filter((each) => each.backend === backend);
    await Promise.all(adoptions.map(({ settled }) => settled));
  }
}
