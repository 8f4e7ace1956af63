import { killAll, startedWith } from '../platform/process-table.ts';
import type { ProcessIdentity } from '../platform/process-table.ts';

/** Everything that was started for the run has its id in the environment, also what has left the group of its parent. */
export function processesOf(runId: string): Promise<ProcessIdentity[]> {
  return startedWith('GT_RUN', runId);
}

/** Ends what is left of the run, wherever it hangs now. */
export async function killProcessesOf(runId: string): Promise<void> {
  await killAll(await processesOf(runId));
}
