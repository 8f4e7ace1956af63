import { messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { killProcessesOf } from '../run-processes.ts';
import { within } from './client.ts';
import type { Run } from './run.ts';
import type { ServerConnection } from './server-connection.ts';

const politeMs = 2_000;

/** Ends the run: its turn, its sub-agents, and what its shell has started, wherever that hangs now. */
export async function endRun(link: ServerConnection, run: Run, log: Logger): Promise<void> {
  const { client } = link.server;
  run.letGo();
  const polite = async (what: string, act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      // Whatever does not end politely is killed below.
      log.debug(`opencode: ${run.spec.sessionId}: ${what}: ${messageOf(error)}`);
    }
  };
  await polite('abort', () => client.session.abort({ sessionID: run.session }, within(politeMs)));
  if (run.activity === 'busy') await run.idle(politeMs);
  link.remove(run);
  const shared = [...link.runs.values()].some((other) => other.directory === run.directory);
  if (!shared) await polite('dispose', () => client.instance.dispose({ directory: run.directory }, within(politeMs)));
  await killProcessesOf(run.spec, log);
}
