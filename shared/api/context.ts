import type { AskLog } from '../attention/ask-log.ts';
import type { Backends } from '../backends/backend.ts';
import type { Breakers } from '../backends/breakers.ts';
import type { ShowRequest, TownRemoval } from '../channel/protocol.ts';
import type { TownSnapshot } from '../channel/views.ts';
import type { ForecastBoard } from '../merge/forecast-board.ts';
import type { PullRequests } from '../merge/pull-requests.ts';
import type { SessionEndings } from '../orchestration/cleanup.ts';
import type { RigConsents } from '../orchestration/rig-consents.ts';
import type { Town } from '../orchestration/town.ts';
import type { CommitFiles } from '../platform/git/commit-files.ts';
import type { SessionContexts } from '../sessions/role-context.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import type { SnapshotBuilder } from './snapshot-builder.ts';
import type { TownViews } from './town-views.ts';

/** What the operations that a caller may ask for need besides the town itself, and its host. */
export interface ApiParts extends Town {
  name: string;
  backends: Backends;
  breakers: Breakers;
  consents: RigConsents;
  endings: SessionEndings;
  asks: AskLog;
  contexts: SessionContexts;
  /** What callers see of single things. */
  views: TownViews;
  builder: SnapshotBuilder;
  pullRequests: Pick<PullRequests, 'refresh'>;
  forecasts: Pick<ForecastBoard, 'filesIn'>;
  /** What is reviewed. */
  files: CommitFiles;
  /** Identity and token of a run, for its agent's shell. */
  identityOf: (session: StoredSession, run: StoredRun) => Record<string, string>;
  /** Something that callers see has changed. */
  changed: () => void;
}

/** All of it, with what the host around the town says. */
export interface ApiContext extends ApiParts {
  /** The end of the town: what that would do, and doing it. */
  removal: { look(): Promise<TownRemoval>; remove(): Promise<TownRemoval> };
  /** Lets a window of the editor show it. */
  show: (what: ShowRequest) => void;
  /** The newest snapshot. */
  snapshot: () => TownSnapshot;
}
