import { isDeepStrictEqual } from 'node:util';
import { unknownName } from '../platform/did-you-mean.ts';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { resultText } from '../platform/git/result.ts';
import type { WorktreeResult } from '../platform/git/result.ts';
import type { SessionId, WorkType, WorkUnit } from '../domain/orchestrator.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Event } from '../platform/emitter.ts';
import type { Logger } from '../platform/logger.ts';
import type { Store } from '../store/store.ts';
import type { Dispatch, StoredWork } from '../store/work.ts';
import { canMove, ownedStates } from '../domain/work-state.ts';
import type { WorkState } from '../domain/work-state.ts';
import { titled } from './title.ts';
import { checkWorkId } from './work-id.ts';
import { cutText } from '../platform/cut-text.ts';

export interface NewWork {
  id?: string;
  type?: WorkType;
  title?: string;
  description: string;
  /** Kept as it is and given back, so plain JSON. */
  payload?: Record<string, unknown>;
  priority?: number;
  rig?: string;
  /** The id of its batch. */
  batch?: string;
}

/** What is changed of a unit. */
export interface WorkEdit {
  type?: WorkType;
  title?: string;
  description?: string;
  payload?: Record<string, unknown>;
  priority?: number;
  rig?: string;
}

export interface Change {
  by: string;
  runId?: string;
  note?: string;
}

/** Who edits, and what of it. */
export type Edit = Pick<Change, 'by'> & { note: string };

/** Fields that a move may set along; `null` clears. */
export interface MovePatch {
  owner?: SessionId | null;
  branch?: string;
  base?: string;
  rig?: string;
  attempts?: number;
  notBefore?: number | null;
  dispatch?: Dispatch | null;
  result?: WorktreeResult | null;
  slungBy?: string;
}

/** A unit goes from one state to another. */
export interface WorkMove {
  before: StoredWork;
  now: StoredWork;
  by: string;
}

/** As JSON, in characters. */
const maxPayload = 256 * 1024;

/** The one store of work. Every change is a compare-and-set with an entry in the unit's history. */
export class WorkService {
  private readonly store: Store;
  private readonly now: () => number;
  private readonly log: Logger;
  private readonly emitter: Emitter<StoredWork>;
  readonly onDidChange: Event<StoredWork>;
  private readonly moving: Emitter<WorkMove>;
  /** Fires within the transaction of a move: what a listener writes is there exactly where the move is. */
  readonly onWillMove: Event<WorkMove>;

  constructor(store: Store, now: () => number, log: Logger) {
    this.log = log;
    this.store = store;
    this.now = now;
    const failed = (error: unknown): void => log.error(`a listener failed: ${String(error)}`);
    this.emitter = new Emitter(failed);
    this.onDidChange = this.emitter.event;
    this.moving = new Emitter(failed);
    this.onWillMove = this.moving.event;
  }

  /** Rejects with `unknown-work`, naming the nearest ids. */
  get(id: string): StoredWork {
    const work = this.store.work.get(id);
    if (work) return work;
    const file = this.store.work.archivedIn(id);
    if (file !== undefined)
      throw new GasTownError(
        'unknown-work',
        `${id} is over, and archived: it is in the town's .runtime/archive/${file}.`,
      );
    throw unknownName(
      'work',
      id,
      this.store.work.all().map((known) => known.id),
    );
  }

  find(id: string): StoredWork | undefined {
    return this.store.work.get(id);
  }

  add(work: NewWork, by: string): StoredWork {
    const given = work.description.trim();
    const { title, description } = titled({ title: work.title?.trim() || firstLine(given), description: given });
    if (title === '') throw new GasTownError('bad-input', 'A work unit needs a description: what is to be done?');
    const id = work.id ?? this.nextId(work.type ?? 'task');
    checkWorkId(id);
    const taken = this.store.work.idLike(id);
    if (taken !== undefined)
      throw new GasTownError(
        'name-taken',
        `There is a work unit ${taken} already${taken === id ? '' : ' (case does not count)'}. Choose another id, or sling that one.`,
      );
    if (this.store.work.archivedIn(id) !== undefined)
      throw new GasTownError(
        'name-taken',
        `There was a work unit ${id}, which is archived (case does not count). Choose another id.`,
      );
    const at = this.now();
    const stored: StoredWork = {
      id,
      type: work.type ?? 'task',
      title,
      description,
      payload: checkPayload(id, work.payload ?? {}),
      priority: work.priority ?? 2,
      rig: work.rig ?? '',
      ...(work.batch === undefined ? {} : { batch: work.batch }),
      state: 'open',
      createdAt: at,
      changedAt: at,
      attempts: 0,
    };
    this.store.work.insert(stored, by);
    this.store.afterCommit(() => this.emitter.fire(stored));
    return stored;
  }

  /** Gives the unit to a session. Rejects with `work-conflict` when somebody else has it. */
  assign(id: string, owner: SessionId, change: Change, patch: Omit<MovePatch, 'owner'> = {}): StoredWork {
    const work = this.get(id);
    if (work.owner === owner && ownedStates.includes(work.state)) return work;
    if (ownedStates.includes(work.state)) {
      throw new GasTownError(
        'work-conflict',
        `${id} is ${work.state} already: ${work.owner ?? 'another session'} has it.`,
      );
    }
    const note = change.note ?? `assigned to ${owner}`;
    // Another attempt, with a result of its own; the history keeps where that of the last one is.
    const before = work.result === undefined ? '' : `; what was done before is on ${resultText(work.result)}`;
    const assigned = this.move(
      work,
      'assigned',
      { ...change, note: `${note}${before}` },
      { ...patch, owner, result: null },
    );
    this.store.afterCommit(() => this.log.info(`[orchestration] assigned work ${id} to session ${owner}`));
    return assigned;
  }

  /** Moves a unit to another state. Rejects with `work-conflict` where that cannot be, or somebody was quicker. */
  move(work: StoredWork, state: WorkState, change: Change, patch: MovePatch = {}): StoredWork {
    if (!canMove(work.state, state)) {
      throw new GasTownError('work-conflict', `${work.id} is ${work.state}; it cannot become ${state}.`);
    }
    return this.apply(work, state, change, patch);
  }

  /** What is done was reviewed, and is not: somebody goes on with it. Rejects with `work-conflict` as `move` does. */
  reopen(work: StoredWork, state: 'assigned' | 'queued', change: Change, patch: MovePatch = {}): StoredWork {
    if (work.state === 'done') return this.apply(work, state, change, patch);
    throw new GasTownError('work-conflict', `${work.id} is ${work.state}, so it cannot be sent back.`);
  }

  private apply(work: StoredWork, state: WorkState, change: Change, patch: MovePatch): StoredWork {
    const at = this.now();
    const { owner, notBefore, dispatch, result, ...others } = patch;
    const next: StoredWork = { ...work, ...others, state, changedAt: at };
    if (notBefore === null) delete next.notBefore;
    else if (notBefore !== undefined) next.notBefore = notBefore;
    if (dispatch === null) delete next.dispatch;
    else if (dispatch !== undefined) next.dispatch = dispatch;
    if (result === null) delete next.result;
    else if (result !== undefined) next.result = result;
    if (owner === null) {
      delete next.owner;
      delete next.assignedAt;
    } else if (owner !== undefined) {
      next.owner = owner;
      next.assignedAt = at;
    }
    if (change.runId !== undefined) next.runId = change.runId;
    if (change.note !== undefined) next.note = change.note;
    const entry = {
      at,
      state,
      by: change.by,
      ...(change.runId ? { runId: change.runId } : {}),
      ...(change.note ? { note: change.note } : {}),
    };
    this.store.transaction(() => {
      if (!this.store.work.replace(work, next, entry)) throw quicker(work.id);
      this.moving.fire({ before: work, now: next, by: change.by });
      this.store.afterCommit(() => this.emitter.fire(next));
    });
    return next;
  }

  /**
   * Changes what a unit says, or where it belongs; its state stays. The history has who, and what of it. Rejects with
   * `refused` for one that is done or cancelled, and with `work-conflict` where somebody was quicker.
   */
  edit(work: StoredWork, edit: WorkEdit, change: Edit): StoredWork {
    if (work.state === 'done' || work.state === 'cancelled') {
      throw new GasTownError(
        'refused',
        `${work.id} is ${work.state}, so it is not changed any more. Add another unit: gt work add.`,
      );
    }
    const next: StoredWork = { ...work, ...edit };
    Object.assign(next, titled({ title: next.title.trim(), description: next.description.trim() }));
    if (next.title === '') throw new GasTownError('bad-input', `${work.id} needs a title: what is to be done?`);
    if (edit.payload !== undefined) checkPayload(work.id, edit.payload);
    return this.write(work, next, change);
  }

  /** Puts a unit into a batch, or into none. One that is done belongs somewhere, too. */
  belong({ batch: _before, ...work }: StoredWork, batch: string | null, change: Edit): StoredWork {
    return this.write(work, { ...work, ...(batch === null ? {} : { batch }) }, change);
  }

  /** What a session has, oldest assignment first. */
  ownedBy(owner: SessionId): StoredWork[] {
    return this.store.work.ownedBy(owner);
  }

  /** Records what was done for a unit by now. No change of its state. */
  setResult(id: string, result: WorktreeResult): void {
    const before = this.get(id);
    this.store.work.setResult(id, result);
    this.store.afterCommit(() => this.emitter.fire({ ...before, result }));
  }

  /** `gt done`. Rejects with `work-conflict` for a unit that has been reported already, saying when and how. */
  finish(
    id: string,
    status: 'completed' | 'failed' | 'escalated',
    change: Change,
    patch: Pick<MovePatch, 'owner'> = {},
  ): StoredWork {
    this.requireUnreported(id);
    return this.move(this.get(id), status === 'completed' ? 'done' : status, change, patch);
  }

  /** Throws `work-conflict` for a unit that has been reported already, saying when and how. */
  requireUnreported(id: string): void {
    const { state } = this.get(id);
    if (ownedStates.includes(state)) return;
    const last = this.store.work.lastMove(id);
    const when = last
      ? ` (by ${last.by} at ${new Date(last.at).toISOString()}${last.note ? `: ${last.note}` : ''})`
      : '';
    throw new GasTownError('work-conflict', `${id} is ${state} already${when}. Nothing was changed.`);
  }

  /** The history says something about a unit that stays as it is. */
  note(work: StoredWork, change: Edit): StoredWork {
    return this.write(work, work, change);
  }

  private write(work: StoredWork, next: StoredWork, { by, note }: Edit): StoredWork {
    if (!this.store.work.edit(work, next, { at: this.now(), state: 'edited', by, note })) throw quicker(work.id);
    this.store.afterCommit(() => this.emitter.fire(next));
    return next;
  }

  private nextId(type: WorkType): string {
    const { work } = this.store;
    for (let n = work.countAdded() + 1; ; n += 1) {
      const id = `${type}-${n}`;
      if (work.idLike(id) === undefined && work.archivedIn(id) === undefined) return id;
    }
  }
}

const quicker = (id: string): GasTownError =>
  new GasTownError('work-conflict', `${id} was changed by somebody else in this moment. Look at it again.`);

export function toWorkUnit(work: StoredWork): WorkUnit {
  return {
    id: work.id,
    type: work.type,
    description: work.description,
    payload: work.payload,
    priority: work.priority,
    ...(work.assignedAt === undefined ? {} : { assignedAt: work.assignedAt }),
  };
}

/** A payload that is kept: JSON has it back exactly as it was given. */
function checkPayload(id: string, payload: Record<string, unknown>): Record<string, unknown> {
  let json: string;
  try {
    json = JSON.stringify(payload);
  } catch (error) {
    throw new GasTownError('bad-input', `The payload of ${id} cannot be stored: ${messageOf(error)}`, { cause: error });
  }
  if (json.length > maxPayload) {
    throw new GasTownError(
      'bad-input',
      `The payload of ${id} has ${json.length} characters; ${maxPayload} are kept. Name a file in it instead.`,
    );
  }
  if (isDeepStrictEqual(JSON.parse(json), payload)) return payload;
  throw new GasTownError(
    'bad-input',
    `The payload of ${id} is not plain JSON (a date, a function, undefined?), so it would not come back as it is.`,
  );
}

function firstLine(text: string): string {
  return cutText(text.split('\n', 1)[0]?.trim() ?? '', 120);
}
