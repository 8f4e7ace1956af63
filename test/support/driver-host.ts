import type { DriverHost } from '../../shared/backends/driver.ts';
import type { ChildSession } from '../../shared/domain/orchestrator.ts';
import type { Logger } from '../../shared/platform/logger.ts';
import { deriveStatus, newStatusModel, reduceStatus } from '../../shared/sessions/status.ts';
import type { Status, StatusModel } from '../../shared/sessions/status.ts';
import type { StatusReport, Source } from '../../shared/domain/status-report.ts';
import type { RunReference } from '../../shared/domain/run.ts';
import { patience } from './patience.ts';

export interface Report {
  runId: string;
  source: Source;
  fact: StatusReport;
  cause: string;
  at: number;
}

/** The core as a driver sees it: remembers what it is told, reduces it to a status, and lets a test wait for it. */
export class RecordingHost implements DriverHost {
  readonly reports: Report[] = [];
  readonly deliveries: { runId: string; deliveryId: string }[] = [];
  readonly turns: string[] = [];
  readonly references = new Map<string, RunReference>();
  readonly pids = new Map<string, number>();
  readonly serverPids = new Map<string, number>();
  readonly progressed = new Map<string, number>();
  readonly children = new Map<string, ChildSession[]>();
  readonly problems = new Map<string, string | undefined>();
  readonly held = new Map<string, 'terminal-in-use' | undefined>();
  readonly logged: string[] = [];
  readonly log: Logger;
  private readonly models = new Map<string, StatusModel>();
  private readonly sequences = new Map<string, number>();
  private readonly waiters = new Set<() => void>();

  constructor() {
    const line = (level: string) => (message: string) => void this.logged.push(`${level} ${message}`);
    this.log = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  }

  now(): number {
    return Date.now();
  }

  awake(): number {
    return Date.now();
  }

  report(runId: string, source: Source, fact: StatusReport, cause: string, seq?: number): void {
    const at = this.now();
    const key = `${runId} ${source}`;
    const number = seq ?? (this.sequences.get(key) ?? 0) + 1;
    this.sequences.set(key, Math.max(number, this.sequences.get(key) ?? 0));
    const model = this.models.get(runId) ?? newStatusModel(runId, at);
    this.models.set(runId, reduceStatus(model, { runId, source, seq: number, at, fact, cause }));
    this.reports.push({ runId, source, fact, cause, at });
    this.changed();
  }

  saveReference(runId: string, reference: RunReference): void {
    this.references.set(runId, reference);
    this.changed();
  }

  setPid(runId: string, pid: number): void {
    this.pids.set(runId, pid);
    this.changed();
  }

  setServerPid(runId: string, pid: number): void {
    this.serverPids.set(runId, pid);
    this.changed();
  }

  setChildren(runId: string, children: ChildSession[]): void {
    this.children.set(runId, children);
    this.changed();
  }

  setProblem(runId: string, problem: string | undefined): void {
    this.problems.set(runId, problem);
    this.changed();
  }

  setHeld(runId: string, held: 'terminal-in-use' | undefined): void {
    this.held.set(runId, held);
    this.changed();
  }

  progress(runId: string): void {
    this.progressed.set(runId, this.now());
  }

  delivered(runId: string, deliveryId: string): void {
    this.deliveries.push({ runId, deliveryId });
    this.changed();
  }

  turnEnded(runId: string): void {
    this.turns.push(runId);
    this.changed();
  }

  /** As a new host, which knows of the run only that it has been adopted. */
  begin(runId: string): void {
    this.models.delete(runId);
    this.report(runId, 'host', { kind: 'ready' }, 'adopted');
  }

  status(runId: string): Status {
    return deriveStatus(this.models.get(runId) ?? newStatusModel(runId, 0));
  }

  facts(runId: string): StatusReport[] {
    return this.reports.filter((report) => report.runId === runId).map((report) => report.fact);
  }

  /** Resolves as soon as `look` finds something; it is asked again after everything that the driver tells. The limit is as in `patience`. */
  until<T>(what: string, look: () => T | undefined | false, limitMs?: number): Promise<T> {
    const boundMs = patience(limitMs);
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = look();
        if (found === undefined || found === false) return;
        done();
        resolve(found);
      };
      const done = (): void => {
        clearTimeout(bound);
        this.waiters.delete(check);
      };
      const bound = setTimeout(() => {
        done();
        const told = this.reports.map(({ source, fact, cause }) => `  ${source}: ${JSON.stringify(fact)} (${cause})`);
        reject(
          new Error(
            `Not within ${boundMs} ms: ${what}. The driver told:\n${told.join('\n')}\n${this.logged.join('\n')}`,
          ),
        );
      }, boundMs);
      this.waiters.add(check);
      check();
    });
  }

  /** Something that a waiting test may look at is new. */
  changed(): void {
    for (const check of [...this.waiters]) check();
  }
}
