import type { Logger } from '../platform/logger.ts';
import { familiesWith, killAll } from '../platform/process-table.ts';
import type { ProcessIdentity } from '../platform/process-table.ts';
import type { RunSpec } from './driver.ts';
import { leftIn } from './left-in-worktree.ts';

/**
 * What was started for the run has its id in the environment, also what has left the group of its parent; with it, what hangs
 * below that or is in a group that it leads, whatever its environment.
 */
export function processesOf(runId: string): Promise<ProcessIdentity[]> {
  return familiesWith('GT_RUN', runId);
}

/** More often is not looked: something comes back that cannot be ended. */
const mostLooks = 5;

/**
 * Ends what is left of the run, wherever it hangs now; also what the session has left in its worktree and nothing but its
 * descent tells of. What may be somebody else's there is only named.
 */
export async function killProcessesOf(
  { runId, worktree }: Pick<RunSpec, 'runId' | 'worktree'>,
  log: Logger,
): Promise<void> {
  // What was just being started when the others were listed is there a moment later.
  for (let look = 0; look < mostLooks; look += 1) {
    const found = await processesOf(runId);
    if (found.length === 0) break;
    await killAll(found);
  }
  if (worktree === undefined) return;
  // After the others: until they end, this hangs below them.
  const { agents, doubtful } = await leftIn(worktree);
  if (agents.length > 0) {
    log.info(`[backends] ends what was left in ${worktree}: ${agents.map(({ pid }) => pid).join(', ')}`);
    await killAll(agents);
  }
  for (const { pid } of doubtful)
    log.warn(
      `[backends] pid ${pid} in ${worktree} may be left of a session; nothing proves it. If so, end it by hand.`,
    );
}
