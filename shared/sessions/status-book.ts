import { deriveStatus, newStatusModel, reduceStatus } from './status.ts';
import type { Fact, Source, Status, StatusModel } from './status.ts';

export interface Reported {
  runId: string;
  source: Source;
  fact: Fact;
  cause: string;
  /** Epoch milliseconds. */
  at: number;
  /** The reporter's own number, where it has one; else the facts of a source are numbered as they arrive. */
  seq?: number | undefined;
}

/** The status of every run, from what is reported of it. */
export class StatusBook {
  private readonly models = new Map<string, StatusModel>();
  private readonly numbers = new Map<string, Map<Source, number>>();

  open(runId: string, at: number): void {
    this.models.set(runId, newStatusModel(runId, at));
    this.numbers.set(runId, new Map());
  }

  close(runId: string): void {
    this.models.delete(runId);
    this.numbers.delete(runId);
  }

  of(runId: string): Status | undefined {
    const model = this.models.get(runId);
    return model && deriveStatus(model);
  }

  /** The status by now; undefined where the report changes nothing: a run that is not here, or a repetition. */
  take({ runId, seq, ...reported }: Reported): Status | undefined {
    const model = this.models.get(runId);
    const numbers = this.numbers.get(runId);
    if (!model || !numbers) return undefined;
    const last = numbers.get(reported.source) ?? 0;
    const number = seq ?? last + 1;
    numbers.set(reported.source, Math.max(number, last));
    const after = reduceStatus(model, { ...reported, runId, seq: number });
    if (after === model) return undefined;
    this.models.set(runId, after);
    return deriveStatus(after);
  }
}
