import type { SettingsFile } from '../config/settings-file.ts';
import type { HostPaths } from '../config/town-paths.ts';
import type { TownSettings } from '../config/town-settings.ts';
import type { BackendName } from '../domain/orchestrator.ts';
import type { Logger } from '../platform/logger.ts';
import type { Batches } from '../work/batches.ts';
import type { Dependencies } from '../work/dependencies.ts';
import type { Escalations } from '../work/escalations.ts';
import type { MergeService } from '../work/merges.ts';
import type { AgentSelection } from './agent-selection.ts';
import type { OrchestratorParts, TownOrchestrator } from './backend-orchestrator.ts';
import type { Rigs } from './rigs.ts';
import type { Worktrees } from './worktrees.ts';

/**
 * A town's state and the means to change it, for flows over several rooms. What one room or the callers need besides, they
 * are given themselves: see `api/context.ts`.
 */
export interface Town extends OrchestratorParts {
  paths: HostPaths;
  settings: SettingsFile<TownSettings>;
  rigs: Rigs;
  worktrees: Worktrees;
  escalations: Escalations;
  merges: MergeService;
  dependencies: Dependencies;
  batches: Batches;
  agents: AgentSelection;
  orchestrators: ReadonlyMap<BackendName, TownOrchestrator>;
  log: Logger;
}
