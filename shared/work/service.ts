import { isDeepStrictEqual } from 'node:util';
import { unknownName } from '../config/nearest.ts';
import { GasTownError, messageOf } from '../errors.ts';
import { resultText } from '../git/result.ts';
import type { WorktreeResult } from '../git/result.ts';
import type { SessionId, WorkType, WorkUnit } from '../orchestrator.ts';
import { Emitter } from '../process/emitter.ts';
import type { Logger } from '../process/logger.ts';
import type { Store } from '../store/store.ts';
import type { Dispatch, StoredWork } from '../store/work.ts';
import { canMove, ownedStates } from './state.ts';
import type { WorkState } from './state.ts';
import { checkWorkId } from './work-id.ts';

export interface NewWork {
  id?: string;
  type?: WorkType;
  title?: string;
  description: string;
  /** Kept as it is and given back, so plain JSON. */
  payload?: Record<string, unknown>;
  priority?: number;
  rig?: string;
}

export interface Change {
  by: string;
  runId?: string;
  note?: string;
}

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
}

/** As JSON, in characters. */
const maxPayload = 256 * 1024;

/** The one store of work. Every change is a compare-and-set with an entry in the unit's history. */
export class WorkService {
  private readonly store: Store;
  private readonly now: () => number;
  private readonly emitter: Emitter<StoredWork>;
  readonly onDidChange: Emitter<StoredWork>['event'];

  constructor(store: Store, now: () => number, log: Logger) {
    this.store = store;
    this.now = now;
    this.emitter = new Emitter((error) => log.error(`a listener failed: ${String(error)}`));
    this.onDidChange = this.emitter.event;
  }

  /** Rejects with `unknown-work`, naming the nearest ids. */
  get(id: string): StoredWork {
    const work = this.store.work.get(id);
    if (!work)
      throw unknownName(
        'work',
        id,
        this.store.work.all().map((known) => known.id),
      );
    return work;
  }

  find(id: string): StoredWork | undefined {
    return this.store.work.get(id);
  }

  add(work: NewWork, by: string): StoredWork {
    const description = work.description.trim();
    const title = work.title?.trim() || firstLine(description);
    if (title === '') throw new GasTownError('bad-input', 'A work unit needs a description: what is to be done?');
    const id = work.id ?? this.nextId(work.type ?? 'task');
    checkWorkId(id);
    const taken = this.store.work.idLike(id);
    if (taken !== undefined)
      throw new GasTownError(
        'name-taken',
        `There is a work unit ${taken} already${taken === id ? '' : ' (case does not count)'}. Choose another id, or sling that one.`,
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
    return this.move(work, 'assigned', { ...change, note: `${note}${before}` }, { ...patch, owner, result: null });
  }

  /** Moves a unit to another state. Rejects with `work-conflict` where that cannot be, or somebody was quicker. */
  move(work: StoredWork, state: WorkState, change: Change, patch: MovePatch = {}): StoredWork {
    if (!canMove(work.state, state)) {
      throw new GasTownError('work-conflict', `${work.id} is ${work.state}; it cannot become ${state}.`);
    }
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
    if (!this.store.work.replace(work, next, entry)) {
      throw new GasTownError(
        'work-conflict',
        `${work.id} was changed by somebody else in this moment. Look at it again.`,
      );
    }
    this.store.afterCommit(() => this.emitter.fire(next));
    return next;
  }

  /** What a session has, oldest assignment first. */
  ownedBy(owner: SessionId): StoredWork[] {
    return this.store.work.ownedBy(owner);
  }

  /** Records what was done for a unit by now. No change of its state. */
  setResult(id: string, result: WorktreeResult): void {
    const before = this.get(id);
    this.store.work.setResult(id, result);
    this.emitter.fire({ ...before, result });
  }

  /** `gt done`. Rejects with `work-conflict` for a unit that has been reported already, saying when and how. */
  finish(id: string, status: 'completed' | 'failed' | 'escalated', change: Change): StoredWork {
    const work = this.get(id);
    const state: WorkState = status === 'completed' ? 'done' : status;
    if (!ownedStates.includes(work.state)) {
      const last = this.store.work.history(id).at(-1);
      const when = last
        ? ` (by ${last.by} at ${new Date(last.at).toISOString()}${last.note ? `: ${last.note}` : ''})`
        : '';
      throw new GasTownError('work-conflict', `${id} is ${work.state} already${when}. Nothing was changed.`);
    }
    return this.move(work, state, change);
  }

  private nextId(type: WorkType): string {
    const taken = new Set(this.store.work.all().map((work) => work.id.toLowerCase()));
    for (let n = taken.size + 1; ; n += 1) if (!taken.has(`${type}-${n}`)) return `${type}-${n}`;
  }
}

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
  const line = text.split('\n', 1)[0]?.trim() ?? '';
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
