import type { SessionId } from '../domain/orchestrator.ts';
import type { StoredRun } from '../store/sessions.ts';
import { deriveStatus, newStatusModel, reduceStatus, shiftStatus } from './status.ts';
import type { Status, StatusModel } from './status.ts';
import type { StatusReport, Source } from '../domain/status-report.ts';

export interface Reported {
  runId: string;
  source: Source;
  fact: StatusReport;
  cause: string;
  /** Epoch milliseconds. */
  at: number;
  /** The reporter's own number, where it has one; else the facts of a source are numbered as they arrive. */
  seq?: number | undefined;
}

interface Entry {
  readonly sessionId: SessionId;
  model: StatusModel;
  /** The last number of each source. */
  readonly numbers: Map<Source, number>;
  progressAt?: number;
  owesTurn: boolean;
}

/** What this host knows of the runs that are the present ones of their sessions. Of any other it knows nothing. */
export class RunStatusTracker {
  private readonly entries = new Map<string, Entry>();

  open({ id, sessionId, startedAt }: StoredRun): void {
    this.entries.set(id, { sessionId, model: newStatusModel(id, startedAt), numbers: new Map(), owesTurn: false });
  }

  /** What comes of the run from now on is late, and changes nothing. */
  close(runId: string): void {
    this.entries.delete(runId);
  }

  sessionOf(runId: string): SessionId | undefined {
    return this.entries.get(runId)?.sessionId;
  }

  statusOf(runId: string): Status | undefined {
    const entry = this.entries.get(runId);
    return entry && deriveStatus(entry.model);
  }

  /** The status by now; undefined where the report changes nothing: a run that is not here, or a repetition. */
  take({ runId, seq, ...reported }: Reported): Status | undefined {
    const entry = this.entries.get(runId);
    if (!entry) return undefined;
    const { model, numbers } = entry;
    const last = numbers.get(reported.source) ?? 0;
    const number = seq ?? last + 1;
    numbers.set(reported.source, Math.max(number, last));
    const after = reduceStatus(model, { ...reported, runId, seq: number });
    if (after === model) return undefined;
    entry.model = after;
    return deriveStatus(after);
  }

  all(): [SessionId, Status][] {
    return [...this.entries.values()].map(({ sessionId, model }) => [sessionId, deriveStatus(model)]);
  }

  /** The clock was set by so many ms: what has been is as long ago as it was. */
  shift(by: number): void {
    for (const entry of this.entries.values()) {
      entry.model = shiftStatus(entry.model, by);
      if (entry.progressAt !== undefined) entry.progressAt += by;
    }
  }

  progress(runId: string, at: number): void {
    const entry = this.entries.get(runId);
    if (entry) entry.progressAt = at;
  }

  /** When a sign of progress was last heard of the run, in epoch milliseconds. */
  progressOf(runId: string): number | undefined {
    return this.entries.get(runId)?.progressAt;
  }

  /** Notes whether the run had been given something whose turn was not over when the last host went. */
  oweTurn(runId: string, owes: boolean): void {
    const entry = this.entries.get(runId);
    if (entry) entry.owesTurn = owes;
  }

  owesTurn(runId: string): boolean {
    return this.entries.get(runId)?.owesTurn ?? false;
  }
}
