import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { lstat, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import '../platform/zod-words.ts';
import { foreignOwner, notPrivate } from '../platform/ownership.ts';
import { schemas } from '../channel/protocol.ts';
import { spoolEnding, spoolFolder } from '../channel/spool.ts';
import { readBounded } from '../platform/read-bounded.ts';
import { unlessMissing } from '../platform/files.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import type { Disposable } from '../platform/emitter.ts';
import { infoOf } from '../sessions/session-info.ts';
import type { StoredRun } from '../store/sessions.ts';
import { escalate } from '../api/escalations.ts';
import { finishWork } from '../api/work.ts';
import type { ApiParts } from '../api/context.ts';
import { noteResult } from '../orchestration/results.ts';
import { kindOfCaller, requireRight } from '../api/rights.ts';

const head = {
  version: z.literal(1),
  id: z.string().check(z.minLength(1), z.maxLength(100)),
  at: z.number(),
  run: z.string(),
  token: z.string(),
};
const report = z.discriminatedUnion('method', [
  z.strictObject({ ...head, method: z.literal('work.done'), params: schemas['work.done'] }),
  z.strictObject({ ...head, method: z.literal('work.escalate'), params: schemas['work.escalate'] }),
]);
type Report = z.output<typeof report>;

/** So many of what was not taken are told one by one. */
const toldOnes = 5;

/**
 * Takes what sessions have reported while no host was there: each once, in order, before anything is judged by what the store
 * says. What changes nothing (a run that was replaced, a unit that has gone elsewhere) and what cannot be read is set aside
 * below `refused`, and told.
 */
export class Spool implements Disposable {
  private readonly town: ApiParts;
  private readonly folder: string;
  private readonly refused: string[] = [];
  /** What is wrong with the folder itself. */
  private unusable: string | undefined;
  private taking: Promise<void> = Promise.resolve();
  private watcher: FSWatcher | undefined;
  private disposed = false;

  constructor(town: ApiParts) {
    this.town = town;
    this.folder = spoolFolder(town.paths.root);
  }

  /** What was not taken, for people. */
  get problem(): string | undefined {
    const told = [this.unusable, this.notTaken].filter((words) => words !== undefined);
    return told.length === 0 ? undefined : told.join(' ');
  }

  private get notTaken(): string | undefined {
    if (this.refused.length === 0) return undefined;
    const more = this.refused.length - toldOnes;
    const files = ` They are kept in ${join(this.folder, 'refused')}.`;
    return `Reports from while no window had the town open were not taken: ${this.refused.slice(0, toldOnes).join(' ')}${more > 0 ? ` And ${more} more.` : ''}${files}`;
  }

  /** Resolves when all that is there has been taken. Never rejects. */
  async take(): Promise<void> {
    this.taking = this.taking.then(() => this.takeAll());
    await this.taking;
  }

  /** At the start: without the folder the town opens all the same, and that is told. */
  async openIfPossible(): Promise<void> {
    try {
      await this.open();
    } catch (error) {
      const inPlace = await unlessMissing(stat(this.folder)).catch(() => undefined);
      const why =
        inPlace === undefined || inPlace.isDirectory() ? `cannot be used (${messageOf(error)})` : 'is no folder';
      this.fail(why);
    }
  }

  /** Makes the folder. From now on also that is taken which somebody keeps who has just not found this host. */
  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    if (this.disposed) return;
    this.unusable = undefined;
    this.watcher?.close();
    this.watcher = watch(this.folder, { persistent: false }, (_event, name) => {
      if (name === null || name.endsWith(spoolEnding)) void this.take();
    });
    this.watcher.on('error', (error) =>
      this.town.log.warn(`${this.folder} is not watched any more: ${messageOf(error)}`),
    );
    await this.take();
  }

  dispose(): void {
    this.disposed = true;
    this.watcher?.close();
  }

  private async takeAll(): Promise<void> {
    try {
      const names = ((await unlessMissing(readdir(this.folder))) ?? [])
        .filter((name) => name.endsWith(spoolEnding))
        .sort();
      for (const name of names) {
        if (this.disposed) return;
        await this.takeOne(name);
      }
    } catch (error) {
      this.fail(`cannot be read (${messageOf(error)})`);
    }
  }

  private fail(why: string): void {
    this.unusable = `${this.folder} ${why}, so what sessions report while no window has the town open is not kept or not taken.`;
    this.town.log.error(this.unusable);
    this.town.changed();
  }

  private async takeOne(name: string): Promise<void> {
    const file = join(this.folder, name);
    let why: string | undefined;
    try {
      const content = await this.read(file);
      why = await this.apply(content);
    } catch (error) {
      // Not now: it stays for the next time.
      if (GasTownError.is(error, 'read-only'))
        return this.town.log.warn(`${file} is not taken yet: ${messageOf(error)}`);
      why = `${name}: ${messageOf(error)}`;
    }
    if (why === undefined) return rm(file, { force: true });
    const aside = join(this.folder, 'refused');
    await mkdir(aside, { recursive: true, mode: 0o700 });
    await rename(file, join(aside, name));
    this.refuse(why);
  }

  private refuse(why: string): void {
    this.refused.push(why);
    this.town.log.warn(`[orchestration] a kept report was not taken: ${why}`);
    this.town.changed();
  }

  /** Rejects with what is wrong with it. */
  private async read(file: string): Promise<Report> {
    const facts = await lstat(file);
    const suspicion = facts.isFile()
      ? ((await foreignOwner([file])) ?? (await notPrivate(file)))
      : `${file} is no regular file`;
    if (suspicion !== undefined) throw new GasTownError('denied', `${suspicion}.`);
    let json: unknown;
    try {
      json = JSON.parse(await readBounded(file));
    } catch (error) {
      throw new GasTownError('bad-input', `it is no report (${messageOf(error)}).`, { cause: error });
    }
    const parsed = report.safeParse(json);
    if (parsed.success) return parsed.data;
    throw new GasTownError('bad-input', `it is no report (${z.prettifyError(parsed.error)}).`);
  }

  /** Why nothing was changed by it. */
  private async apply(given: Report): Promise<string | undefined> {
    const { store, manager } = this.town;
    const run = store.sessions.run(given.run);
    const what =
      given.method === 'work.done'
        ? `${given.params.status ?? 'completed'}`
        : `an escalation (${given.params.severity})`;
    const words = `reported at ${new Date(given.at).toISOString()}: ${what}${given.params.message === undefined ? '' : `, "${given.params.message}"`}.`;
    if (!run || run.token !== given.token) return `Somebody whom the town does not know ${words}`;
    const session = store.sessions.session(run.sessionId);
    if (session?.runId !== run.id) {
      store.addEvent({
        at: manager.now(),
        sessionId: run.sessionId,
        runId: run.id,
        type: 'work.late-report',
        detail: { report: words },
      });
      return `A run of ${run.sessionId} that has been replaced ${words}`;
    }
    const caller = { kind: 'session', session: run.sessionId, runId: run.id } as const;
    try {
      requireRight(caller, kindOfCaller(caller, session.role), given.method);
      if (given.method === 'work.escalate') escalate(this.town, given.params, caller, `spooled:${given.id}`);
      else {
        if (this.isKnown(given, run)) return undefined;
        await noteResult(this.town, infoOf(session, run));
        await finishWork(this.town, { ...given.params, uncommitted: true }, caller);
      }
      return undefined;
    } catch (error) {
      if (!GasTownError.is(error) || error.code === 'read-only') throw error;
      return `${run.sessionId} ${words} ${error.message}`;
    }
  }

  /** The host went after it had been told, and before it had answered, or before it had deleted the file. */
  private isKnown({ params, at }: Report & { method: 'work.done' }, run: StoredRun): boolean {
    const { work, store } = this.town;
    if (params.id === undefined && work.ownedBy(run.sessionId).length > 0) return false;
    const state = params.status === undefined || params.status === 'completed' ? 'done' : params.status;
    const units = params.id === undefined ? store.work.all() : [work.find(params.id)];
    return units.some(
      (unit) =>
        unit?.owner === run.sessionId && unit.runId === run.id && unit.state === state && unit.changedAt >= at - tellMs,
    );
  }
}

/** A host that was told and did not answer was told so long before at most, in ms. */
const tellMs = 60_000;
