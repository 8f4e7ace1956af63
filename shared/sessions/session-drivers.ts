import type { BackendDriver, DeliveryOutcome, ReporterEvent, ReporterReply } from '../backends/driver.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { BackendName, SessionId } from '../domain/orchestrator.ts';
import type { Logger } from '../platform/logger.ts';
import type { LiveRuns } from './live-runs.ts';
import type { PendingAdoptions } from './pending-adoptions.ts';
import type { Registry } from './registry.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { AskAnswer, AttachTarget, TurnFailure } from '../domain/run.ts';
import type { Delivery } from '../domain/delivery.ts';

export interface SessionDriversOptions {
  registry: Registry;
  log: Logger;
  pending: PendingAdoptions;
  runs: LiveRuns;
}

/** The drivers of this host, and what is asked of a session's own: of its present run, whatever its backend. */
export class SessionDrivers {
  private readonly options: SessionDriversOptions;
  private readonly byBackend = new Map<BackendName, BackendDriver>();
  /** Whose server it is that has shown its token. */
  private readonly byServer = new Map<string, BackendDriver>();

  constructor(options: SessionDriversOptions) {
    this.options = options;
  }

  add(driver: BackendDriver): void {
    this.byBackend.set(driver.backend, driver);
  }

  /** Throws `unknown-backend`. */
  of(backend: BackendName): BackendDriver {
    const driver = this.byBackend.get(backend);
    if (!driver) throw new GasTownError('unknown-backend', `There is no backend "${backend}" in this window.`);
    return driver;
  }

  deliver(id: SessionId, delivery: Delivery, signal: AbortSignal): Promise<DeliveryOutcome> {
    const info = this.options.registry.get(id);
    return this.of(info.backend).deliver(info.runId, delivery, signal);
  }

  recall(id: SessionId, messageIds: readonly string[]): Promise<readonly string[]> {
    const info = this.options.registry.get(id);
    return this.of(info.backend).recall(info.runId, messageIds);
  }

  async answer(id: SessionId, askId: string, answer: AskAnswer): Promise<void> {
    const info = this.options.registry.get(id);
    const ask = info.asks.find((open) => open.id === askId);
    if (!ask)
      throw new GasTownError(
        'refused',
        `${id} no longer waits for this: it was answered elsewhere, or the turn ended.`,
      );
    if (!ask.resolvable)
      throw new GasTownError('refused', `"${ask.title}" can only be answered in the terminal of ${id}.`);
    await this.of(info.backend).answer(info.runId, askId, answer);
  }

  async attach(id: SessionId, preserveFocus: boolean): Promise<AttachTarget> {
    await this.options.pending.settled(this.options.registry.get(id).runId);
    const info = this.options.registry.get(id);
    if (hasEnded(info)) throw new GasTownError('refused', `${id} has ended (${info.cause}). Start it again to attach.`);
    return this.of(info.backend).attach(info.runId, preserveFocus);
  }

  /** What the session's model said last, where its program can tell. */
  async lastWords(id: SessionId): Promise<string | undefined> {
    const info = this.options.registry.get(id);
    if (hasEnded(info)) return undefined;
    try {
      return await this.of(info.backend).lastWords(info.runId);
    } catch (error) {
      this.options.log.debug(`the last words of ${id} are not known: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Why the session's newest turn failed, if it did, by its program's own record. */
  async lastFailure(id: SessionId): Promise<TurnFailure | undefined> {
    const info = this.options.registry.get(id);
    try {
      return await this.of(info.backend).lastFailure(info.runId);
    } catch (error) {
      this.options.log.warn(`how the last turn of ${id} ended is not known: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** The server, of any driver, whose reporter has this token. */
  identify(token: string): string | undefined {
    for (const driver of this.byBackend.values()) {
      const server = driver.identify(token);
      if (server === undefined) continue;
      this.byServer.set(server, driver);
      return server;
    }
    return undefined;
  }

  /** The run that a session belongs to which a server's reporter asks for: it may be the first that is heard of it since this host came. */
  async runOf(server: string, programSession: string): Promise<string | undefined> {
    const driver = this.byServer.get(server);
    if (!driver) return undefined;
    await this.options.pending.allSettled(driver.backend);
    return driver.runOf(server, programSession);
  }

  /** What waits for the user waits also until its run has been adopted; the rest tells its driver at once, or nobody. */
  async onReporterEvent(event: ReporterEvent, signal: AbortSignal): Promise<ReporterReply> {
    if ('server' in event.by) return (await this.byServer.get(event.by.server)?.onReporterEvent(event, signal)) ?? {};
    const { runId } = event.by;
    const id = this.options.runs.sessionOf(runId);
    if (id === undefined) return {};
    if (event.ask !== undefined) await this.options.pending.settled(runId);
    return this.of(this.options.registry.get(id).backend).onReporterEvent(event, signal);
  }
}
