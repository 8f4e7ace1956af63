import { GasTownError } from '../platform/errors.ts';
import { unknownName } from '../platform/did-you-mean.ts';
import type { SessionId, SessionInfo, SessionState } from '../domain/orchestrator.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Disposable } from '../platform/emitter.ts';
import { hasEnded } from '../domain/session-state.ts';

/** Criteria of `list`; what is absent is not asked for. */
export interface SessionFilter {
  backend?: string;
  rig?: string;
  role?: string;
  state?: SessionState;
}

export interface RegistryChange {
  kind: 'registered' | 'changed' | 'unregistered';
  session: SessionInfo;
}

const indexed = ['backend', 'rig', 'role', 'state'] as const;
type IndexKey = (typeof indexed)[number];

/**
 * All sessions of the town, in memory and indexed (DESIGN D6); rebuilt from the store at start. What it hands out are
 * values: a change is a new object, announced by `onDidChange`.
 */
export class Registry {
  private readonly sessions = new Map<SessionId, SessionInfo>();
  private readonly index: Record<IndexKey, Map<string, Set<SessionId>>> = {
    backend: new Map(),
    rig: new Map(),
    role: new Map(),
    state: new Map(),
  };
  private readonly emitter: Emitter<RegistryChange>;
  /** In the order of registration; made anew when one comes, goes, or begins anew. */
  private order: readonly SessionId[] | undefined;

  constructor(onListenerError: (error: unknown) => void) {
    this.emitter = new Emitter(onListenerError);
  }

  onDidChange(listener: (change: RegistryChange) => void): Disposable {
    return this.emitter.event(listener);
  }

  /** Rejects with `name-taken` while a session of this id is registered. */
  register(info: SessionInfo): void {
    if (this.sessions.has(info.id)) {
      throw new GasTownError(
        'name-taken',
        `There is a session named ${info.id} already. Choose another name, or stop that one first.`,
      );
    }
    this.put(info);
    this.emitter.fire({ kind: 'registered', session: info });
  }

  /** Rejects with `unknown-session`. */
  unregister(id: SessionId): void {
    const info = this.get(id);
    this.drop(info);
    this.emitter.fire({ kind: 'unregistered', session: info });
  }

  /** Rejects with `unknown-session`, naming the nearest ids. */
  get(id: SessionId): SessionInfo {
    const info = this.sessions.get(id);
    if (!info) throw unknownName('session', id, [...this.sessions.keys()]);
    return info;
  }

  find(id: SessionId): SessionInfo | undefined {
    return this.sessions.get(id);
  }

  /**
   * The session that lives under this id, or under one that differs in case only: on many systems the folders and branches
   * of both would be the same.
   */
  findLive(id: SessionId): SessionInfo | undefined {
    const folded = id.toLowerCase();
    for (const [known, info] of this.sessions) if (known.toLowerCase() === folded && !hasEnded(info)) return info;
    return undefined;
  }

  update(id: SessionId, patch: Partial<Omit<SessionInfo, 'id'>>): SessionInfo {
    return this.replace({ ...this.get(id), ...patch });
  }

  /** The same session with another run: nothing of what was known of the earlier one stays. */
  replace(info: SessionInfo): SessionInfo {
    const before = this.get(info.id);
    const { order } = this;
    this.drop(before);
    this.put(info);
    if (before.startedAt === info.startedAt) this.order = order;
    this.emitter.fire({ kind: 'changed', session: info });
    return info;
  }

  /** In the order of registration. */
  list(filter: SessionFilter = {}): SessionInfo[] {
    const sets = indexed.flatMap((key) => {
      const wanted = filter[key];
      return wanted === undefined ? [] : [this.index[key].get(wanted) ?? new Set<SessionId>()];
    });
    if (sets.length === 0) {
      this.order ??= [...this.sessions.values()].sort(byStart).map(({ id }) => id);
      return this.order.map((id) => this.sessions.get(id)!);
    }
    const [smallest, ...others] = sets.sort((a, b) => a.size - b.size);
    return [...smallest!]
      .filter((id) => others.every((set) => set.has(id)))
      .map((id) => this.sessions.get(id)!)
      .sort(byStart);
  }

  private put(info: SessionInfo): void {
    this.order = undefined;
    this.sessions.set(info.id, info);
    for (const key of indexed) {
      const ids = this.index[key].get(info[key]) ?? new Set();
      this.index[key].set(info[key], ids.add(info.id));
    }
  }

  private drop(info: SessionInfo): void {
    this.order = undefined;
    this.sessions.delete(info.id);
    for (const key of indexed) {
      const ids = this.index[key].get(info[key]);
      ids?.delete(info.id);
      if (ids?.size === 0) this.index[key].delete(info[key]);
    }
  }
}

const byStart = (a: SessionInfo, b: SessionInfo): number => a.startedAt - b.startedAt || a.id.localeCompare(b.id);
