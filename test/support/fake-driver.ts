import type { ResolvedAgent } from '../../shared/domain/agent.ts';
import type {
  BackendDriver,
  DeliveryOutcome,
  DriverHost,
  ReporterReply,
  RunRecord,
  RunSpec,
} from '../../shared/backends/driver.ts';
import type { BackendName } from '../../shared/domain/orchestrator.ts';
import type { AskAnswer, AttachTarget, TurnFailure } from '../../shared/domain/run.ts';
import type { Delivery } from '../../shared/domain/delivery.ts';

/** A driver without an agent behind it, for what the core does around drivers: the test says what happens. */
export class FakeDriver implements BackendDriver {
  backend: BackendName = 'opencode';
  readonly started: RunSpec[] = [];
  readonly stopped: string[] = [];
  readonly deliveries: { runId: string; delivery: Delivery }[] = [];
  readonly answers: { askId: string; answer: AskAnswer }[] = [];
  /** What the next start does besides succeeding: throw, or wait. */
  onStart: (spec: RunSpec, signal: AbortSignal) => Promise<void> = async () => undefined;
  /** What it finds of an agent besides that it is well: throw. */
  onHealth: (agent: ResolvedAgent) => void = () => undefined;
  onStop: (runId: string) => Promise<void> = async () => undefined;
  outcome: DeliveryOutcome | 'throws' = { kind: 'accepted' };
  adoptable = true;
  /** What comes before the answer to `adopt`. */
  onAdopt: () => Promise<void> = async () => undefined;
  /** What the program has recorded, or why that cannot be read. */
  recorded: readonly string[] | Error = [];
  /** How the newest turn failed, by the program's record. */
  failure: TurnFailure | undefined;
  private readonly host: DriverHost;

  constructor(host: DriverHost) {
    this.host = host;
  }

  /** What is wrong between it and the program. */
  tellProblem(runId: string, problem: string | undefined): void {
    this.host.setProblem(runId, problem);
  }

  async start(spec: RunSpec, signal: AbortSignal): Promise<void> {
    this.started.push(spec);
    await this.onStart(spec, signal);
  }

  async adopt(_record: RunRecord): Promise<boolean> {
    await this.onAdopt();
    return this.adoptable;
  }

  async stop(runId: string): Promise<void> {
    this.stopped.push(runId);
    await this.onStop(runId);
  }

  async deliver(runId: string, delivery: Delivery): Promise<DeliveryOutcome> {
    this.deliveries.push({ runId, delivery });
    if (this.outcome === 'throws') throw new Error('the transport is broken');
    if (this.outcome.kind === 'accepted' || this.outcome.kind === 'delivered') {
      this.host.report(runId, 'program', { kind: 'busy' }, 'prompted');
    }
    return this.outcome;
  }

  async recall(_runId: string, messageIds: readonly string[]): Promise<readonly string[]> {
    const { recorded } = this;
    if (recorded instanceof Error) throw recorded;
    return messageIds.filter((id) => recorded.includes(id));
  }

  async answer(_runId: string, askId: string, answer: AskAnswer): Promise<void> {
    this.answers.push({ askId, answer });
  }

  async attach(): Promise<AttachTarget> {
    return { kind: 'shown' };
  }

  async lastWords(): Promise<string | undefined> {
    return undefined;
  }

  async lastFailure(): Promise<TurnFailure | undefined> {
    return this.failure;
  }

  async health(agent: ResolvedAgent): Promise<void> {
    this.onHealth(agent);
  }

  identify(): undefined {
    return undefined;
  }

  runOf(): undefined {
    return undefined;
  }

  async onReporterEvent(): Promise<ReporterReply> {
    return {};
  }

  async dispose(): Promise<void> {}
}
