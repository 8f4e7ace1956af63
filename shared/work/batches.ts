import type { BatchOutcome } from '../domain/batch.ts';
import { unknownName } from '../platform/did-you-mean.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Event } from '../platform/emitter.ts';
import { GasTownError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { StoredBatch } from '../store/batches.ts';
import type { Store } from '../store/store.ts';
import type { StoredWork } from '../store/work.ts';
import { titled } from './title.ts';
import type { WorkService } from './service.ts';

/** The one store of batches: which there are, and which units are in them. */
export class Batches {
  private readonly store: Store;
  private readonly work: WorkService;
  private readonly now: () => number;
  private readonly emitter: Emitter<string>;
  /** Fires with the id of one that has changed, also when a unit comes or goes. */
  readonly onDidChange: Event<string>;

  constructor(store: Store, work: WorkService, now: () => number, log: Logger) {
    this.store = store;
    this.work = work;
    this.now = now;
    this.emitter = new Emitter((error) => log.error(`a listener failed: ${String(error)}`));
    this.onDidChange = this.emitter.event;
  }

  /** By id or title. Rejects with `unknown-batch`, naming the nearest. */
  get(name: string): StoredBatch {
    const batch = this.store.batches.named(name.trim());
    if (batch) return batch;
    const known = this.store.batches.all();
    throw unknownName(
      'batch',
      name,
      known.flatMap(({ id, title }) => [id, title]),
    );
  }

  /** The one of this id or title; a new one of that title where there is none. Within the caller's transaction. */
  named(name: string, by: string): StoredBatch {
    return this.store.batches.named(name.trim()) ?? this.make(name, by);
  }

  /** Rejects with `bad-input` for a batch without units, with `name-taken` where there is one of that title, and with `unknown-work`. */
  create(title: string, units: readonly string[], by: string): StoredBatch {
    if (units.length === 0)
      throw new GasTownError('bad-input', 'A batch needs units: gt batch create "<title>" <work> <work>.');
    const taken = this.store.batches.named(title.trim());
    if (taken)
      throw new GasTownError(
        'name-taken',
        `There is a batch ${taken.id} "${taken.title}" already. Add to it: gt batch add ${taken.id} <work>.`,
      );
    return this.store.transaction(() => this.add(this.make(title, by), units, by));
  }

  /** Units of other batches leave those. Rejects with `unknown-work`; then nothing is changed. */
  add(batch: StoredBatch, units: readonly string[], by: string): StoredBatch {
    this.store.transaction(() => {
      for (const id of new Set(units)) this.put(this.work.get(id), batch.id, by);
    });
    return batch;
  }

  /** Within the caller's transaction. A batch that is left without units goes. */
  put(unit: StoredWork, batch: string | null, by: string): StoredWork {
    if ((unit.batch ?? null) === batch) return unit;
    const note = batch === null ? `left ${unit.batch ?? 'its batch'}` : `belongs to ${batch}`;
    const next = this.work.belong(unit, batch, { by, note });
    if (unit.batch !== undefined) this.store.batches.removeEmpty(unit.batch);
    for (const changed of [unit.batch, batch ?? undefined]) this.tell(changed);
    return next;
  }

  /** Records what became of it. False where that is known already. */
  setOutcome(batch: StoredBatch, outcome: BatchOutcome | undefined): boolean {
    if (batch.outcome === outcome || !this.store.batches.setOutcome(batch, outcome, this.now())) return false;
    this.tell(batch.id);
    return true;
  }

  private make(given: string, startedBy: string): StoredBatch {
    const { title } = titled({ title: given.trim(), description: '' });
    if (title === '') throw new GasTownError('bad-input', 'A batch needs a title.');
    const batch = { id: this.nextId(), title, startedBy, createdAt: this.now() };
    this.store.batches.insert(batch);
    return batch;
  }

  private nextId(): string {
    const { batches } = this.store;
    for (let n = batches.all().length + 1; ; n += 1) if (batches.named(`batch-${n}`) === undefined) return `batch-${n}`;
  }

  private tell(id: string | undefined): void {
    if (id !== undefined) this.store.afterCommit(() => this.emitter.fire(id));
  }
}
