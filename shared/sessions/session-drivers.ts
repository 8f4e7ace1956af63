import type {
  AskAnswer,
  AttachTarget,
  BackendDriver,
  Delivery,
  DeliveryOutcome,
  InsideEvent,
  TurnFailure,
} from '../backends/driver.ts';
import { GasTownError, messageOf } from '../errors.ts';
import type { BackendName, SessionId } from '../orchestrator.ts';
import type { Logger } from '../process/logger.ts';
import type { Registry } from './registry.ts';
import { hasEnded } from './session-info.ts';

export interface SessionDriversOptions {
  registry: Registry;
  log: Logger;
  /** Resolves when it is known whether the run, of an earlier host, still runs. */
  adopted: (runId: string) => Promise<void>;
  /** Whose run it is; undefined for one that is not the present one of its session. */
  sessionOf: (runId: string) => SessionId | undefined;
}

/** The drivers of this host, and what is asked of a session's own: of its present run, whatever its backend. */
export class SessionDrivers {
  private readonly options: SessionDriversOptions;
  private readonly byBackend = new Map<BackendName, BackendDriver>();

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
    await this.options.adopted(this.options.registry.get(id).runId);
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

  /** What waits for the user waits also until its run has been adopted; the rest tells its driver at once, or nobody. */
  async fromInside(
    runId: string,
    event: InsideEvent,
    signal: AbortSignal,
  ): Promise<Record<string, unknown> | undefined> {
    const id = this.options.sessionOf(runId);
    if (id === undefined) return undefined;
    if (event.ask !== undefined) await this.options.adopted(runId);
    return this.of(this.options.registry.get(id).backend).fromInside(runId, event, signal);
  }
}
