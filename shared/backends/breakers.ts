import type { BackendName } from '../domain/orchestrator.ts';
import type { LastFailure } from '../domain/run.ts';
import { DisposableStore } from '../platform/disposable-store.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Event } from '../platform/emitter.ts';
import type { Logger } from '../platform/logger.ts';
import type { Store } from '../store/store.ts';
import { closedBreaker, defaultBreakerPolicy, reduceBreaker, stateAt } from '../domain/circuit-breaker.ts';
import type { Breaker, BreakerEvent, BreakerPolicy, OpenBreaker } from '../domain/circuit-breaker.ts';
import { Timer } from '../platform/timer.ts';

/** Whose breaker: a backend's (its program and server), or, with one of the others, that of a part that may fail by itself. */
export interface BreakerOf {
  backend: BackendName;
  /** The configured agent's name, for its account at its provider: rate limits. */
  agent?: string;
  /** The configured agent's name, for a program or an environment of its own. */
  program?: string;
  /** For what the backend finds in the rig (empty: in the town's folder): a configuration that it cannot read. */
  rig?: string;
}

/** What a start depends on. */
export interface StartOf {
  backend: BackendName;
  /** The configured agent's name. */
  agent: string;
  /** Empty for town roles. */
  rig: string;
}

/**
 * The breakers of a town, kept in the store. A backend's opens when starts, health checks or its server fail in a row, an
 * agent's own program's and a rig's when starts fail for that; an agent's opens at a rate limit with a known end. One timer, to the next moment at which one becomes half-open.
 */
export class Breakers {
  private readonly store: Store;
  private readonly now: () => number;
  private readonly log: Logger;
  private readonly policy: BreakerPolicy;
  private readonly backends: readonly BackendName[];
  private readonly known: Map<string, Breaker>;
  /** Half-open breakers whose one trial is under way. A host that dies in it leaves it to be tried again. */
  private readonly trials = new Set<string>();
  /** What made the last turn on a backend fail; none where it went well. In memory only. */
  readonly lastFailures = new Map<BackendName, LastFailure>();
  private readonly emitter: Emitter<string>;
  private readonly disposables = new DisposableStore();
  private readonly timer = this.disposables.add(new Timer(() => this.due()));
  /** Fires with the key of the breaker after each change of what is shown. */
  readonly onDidChange: Event<string>;

  constructor(options: {
    store: Store;
    now: () => number;
    log: Logger;
    backends: readonly BackendName[];
    policy?: BreakerPolicy;
  }) {
    this.backends = options.backends;
    this.store = options.store;
    this.now = options.now;
    this.log = options.log;
    this.policy = options.policy ?? defaultBreakerPolicy;
    this.known = this.store.breakers.all();
    this.emitter = new Emitter((error) => this.log.error(`a listener failed: ${String(error)}`));
    this.onDidChange = this.emitter.event;
    this.arm();
  }

  take(of: BreakerOf, event: BreakerEvent): void {
    this.change(keyOf(of), event);
  }

  private change(key: string, event: BreakerEvent): void {
    const now = this.now();
    const before = this.known.get(key) ?? closedBreaker(now);
    const after = reduceBreaker(before, event, now, this.policy);
    if (event.kind !== 'limited') this.trials.delete(key);
    if (after === before) return;
    this.known.set(key, after);
    this.store.backlog.keep(() => this.store.breakers.save(key, this.known.get(key) ?? after));
    this.tell(key, before, after);
    this.arm();
    this.emitter.fire(key);
  }

  /** Why nothing is started with this agent in this rig now; undefined where something may be. */
  against(start: StartOf): OpenBreaker | undefined {
    for (const key of keysFor(start)) {
      const shown = this.shown(key);
      if (shown?.state === 'open' || (shown && this.trials.has(key))) return shown;
    }
    return undefined;
  }

  /** Takes the one trial of what is half-open for this start. Call what it returns when the start is over. */
  beginTrial(start: StartOf): () => void {
    const keys = keysFor(start).filter((key) => this.shown(key)?.state === 'half-open');
    for (const key of keys) this.trials.add(key);
    return () => {
      for (const key of keys) this.trials.delete(key);
    };
  }

  /** What is wrong with a backend: its own breaker, else that of the agent of it that is limited longest. */
  ofBackend(backend: BackendName): OpenBreaker | undefined {
    const own = this.shown(backend);
    if (own) return own;
    return this.agentsOf(backend)
      .flatMap((key) => this.shown(key) ?? [])
      .sort((a, b) => (b.until ?? 0) - (a.until ?? 0))[0];
  }

  /** All that are not closed, and whose. */
  open(): { of: BreakerOf; breaker: OpenBreaker }[] {
    return [...this.known.keys()].flatMap((key) => {
      const of = ofKey(key, this.backends);
      const breaker = this.shown(key);
      return of && breaker ? [{ of, breaker }] : [];
    });
  }

  /** When the first of all that are open becomes half-open, in epoch milliseconds. */
  nextTrial(): number | undefined {
    const ends = [...this.known.keys()].flatMap((key) => this.shown(key)?.until ?? []);
    return ends.length === 0 ? undefined : Math.min(...ends);
  }

  /** The user wants it tried: whatever of the backend is open, but for itself, becomes half-open. */
  tryNow(backend: BackendName): void {
    for (const key of this.known.keys()) if (isPartOf(key, backend)) this.change(key, { kind: 'try-now' });
  }

  dispose(): void {
    void this.disposables.dispose();
  }

  private shown(key: string): OpenBreaker | undefined {
    const breaker = this.known.get(key);
    if (!breaker) return undefined;
    const state = stateAt(breaker, this.now());
    if (state === 'closed') return undefined;
    const { until, reason } = breaker;
    return {
      state,
      reason,
      ...(breaker.state === 'limited' ? { limited: true } : {}),
      ...(state === 'half-open' || until === undefined ? {} : { until }),
    };
  }

  private agentsOf(backend: BackendName): string[] {
    return [...this.known.keys()].filter((key) => key.startsWith(`${backend}/`));
  }

  private tell(key: string, before: Breaker, after: Breaker): void {
    if (after.state === 'closed') {
      if (before.state !== 'closed') this.log.info(`[orchestration] ${key} works again`);
      return;
    }
    const until = after.until === undefined ? '' : ` until ${new Date(after.until).toISOString()}`;
    this.log.warn(`[orchestration] nothing is started on ${key}${until}: ${after.reason}`);
  }

  private arm(): void {
    const now = this.now();
    const next = [...this.known].flatMap(([, { state, until }]) =>
      state !== 'closed' && until !== undefined && until > now ? [until] : [],
    );
    this.timer.set(next.length === 0 ? undefined : Math.min(...next) - now);
  }

  /** Tells what may be tried by now, and waits for the next; also when the clock has jumped. */
  due(): void {
    for (const [key, breaker] of this.known) if (stateAt(breaker, this.now()) === 'half-open') this.emitter.fire(key);
    this.arm();
  }
}

function keyOf({ backend, agent, program, rig }: BreakerOf): string {
  if (agent !== undefined) return `${backend}/${agent}`;
  if (program !== undefined) return `${backend}:${program}`;
  return rig === undefined ? backend : `${backend}@${rig}`;
}

/** Whose it is by a key that `keyOf` has made; undefined where the store has one of a backend that there is not. */
function ofKey(key: string, backends: readonly BackendName[]): BreakerOf | undefined {
  const backend = backends.find((name) => key === name || isPartOf(key, name));
  if (backend === undefined) return undefined;
  const part = key.slice(backend.length + 1);
  switch (key.charAt(backend.length)) {
    case '/':
      return { backend, agent: part };
    case ':':
      return { backend, program: part };
    case '@':
      return { backend, rig: part };
    default:
      return { backend };
  }
}

const keysFor = ({ backend, agent, rig }: StartOf): string[] => [
  keyOf({ backend }),
  keyOf({ backend, agent }),
  keyOf({ backend, program: agent }),
  keyOf({ backend, rig }),
];

const isPartOf = (key: string, backend: BackendName): boolean =>
  ['/', ':', '@'].some((mark) => key.startsWith(`${backend}${mark}`));
