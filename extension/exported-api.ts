import * as vscode from 'vscode';
import type { LifecycleCallbacks } from '../shared/host/lifecycle-callbacks.ts';
import type { BackendName, Orchestrator, SessionInfo, WorkUnit } from '../shared/domain/orchestrator.ts';
import { toWorkUnit } from '../shared/work/service.ts';
import { DisposableStore } from '../shared/platform/disposable-store.ts';
import type { CurrentTown } from './town/current-town.ts';

/** What the extension exports to other extensions; see docs/developer/orchestrator.md. */
export interface GasTownApi {
  /** Goes up when something here changes so that callers have to. */
  readonly version: 1;
  /**
   * The orchestrators of this window's town, by backend. Empty while this window is not the town's host: another window
   * is, or there is no town. Ask anew for each use: a window may become the host, or cease to be it, at any time.
   */
  orchestrators(): ReadonlyMap<BackendName, Orchestrator>;
  /** Each fires once for each occurrence, in the window that hosts the town; what an earlier host has told is not told again. */
  readonly onDidStartSession: vscode.Event<SessionInfo>;
  readonly onDidBecomeIdle: vscode.Event<SessionInfo>;
  readonly onDidEndSession: vscode.Event<SessionInfo>;
  readonly onDidCompleteWork: vscode.Event<WorkUnit>;
}

/** Tells other extensions of the life of sessions and work. */
export class ExportedApi {
  private readonly disposables = new DisposableStore();
  private readonly started = this.disposables.add(new vscode.EventEmitter<SessionInfo>());
  private readonly idle = this.disposables.add(new vscode.EventEmitter<SessionInfo>());
  private readonly ended = this.disposables.add(new vscode.EventEmitter<SessionInfo>());
  private readonly completed = this.disposables.add(new vscode.EventEmitter<WorkUnit>());
  /** For the host of the town. */
  readonly callbacks: LifecycleCallbacks = {
    onSessionStarted: (session) => this.started.fire(session),
    onSessionIdle: (session) => this.idle.fire(session),
    onSessionEnded: (session) => this.ended.fire(session),
    onWorkCompleted: (work) => this.completed.fire(toWorkUnit(work)),
  };

  of(town: Pick<CurrentTown, 'connection'>): GasTownApi {
    return {
      version: 1,
      orchestrators: () => town.connection?.orchestrators ?? new Map(),
      onDidStartSession: this.started.event,
      onDidBecomeIdle: this.idle.event,
      onDidEndSession: this.ended.event,
      onDidCompleteWork: this.completed.event,
    };
  }

  dispose(): Promise<void> {
    return this.disposables.dispose();
  }
}
