import path from 'node:path';
import { GasTownError, messageOf, throwIfCancelled } from '../../platform/errors.ts';
import type { ResolvedAgent } from '../../domain/agent.ts';
import { inheritedEnvironment } from '../../platform/inherited-environment.ts';
import type { Environment } from '../../platform/inherited-environment.ts';
import { findOpencode, readVersion, requireVersion } from './program.ts';
import { launchKey } from './server-pool.ts';
import { serverFiles } from './server.ts';
import type { ServerConnection } from './server-connection.ts';
import { variables } from './variables.ts';

/**
 * Throws what is wrong with an agent on Opencode here, and what to do: the servers where there are some, and the agent's
 * program where none of them runs it.
 */
export async function checkHealth(
  links: readonly ServerConnection[],
  agent: ResolvedAgent,
  environment: Environment,
  signal: AbortSignal,
): Promise<void> {
  for (const link of links) await checkServer(link, signal);
  const program = await findOpencode(agent.command, { ...environment, ...agent.env });
  const launch = launchKey(agent, program);
  if (links.some(({ server }) => server.record.launch === launch)) return;
  const version = await readVersion(program, { ...inheritedEnvironment(environment, variables), ...agent.env }, signal);
  throwIfCancelled(signal, 'The check of Opencode');
  if (version === undefined) {
    throw new GasTownError(
      'backend-unavailable',
      `${program} does not tell its version. Try \`${program} --version\` in a terminal.`,
    );
  }
  requireVersion(program, version);
}

/** Throws what is wrong with a server, or with one of the directories that it works in, and what to do about it. */
async function checkServer({ server, runs }: ServerConnection, signal: AbortSignal): Promise<void> {
  try {
    await server.check(new Set([...runs.values()].map((run) => run.directory)), signal);
  } catch (error) {
    throwIfCancelled(signal, 'The check of Opencode');
    const { identity, folder } = server;
    throw new GasTownError(
      'backend-unavailable',
      `${messageOf(error)}. Stop the sessions that work there; if that does not help, end its process ${identity.pid}: ` +
        `sessions with work are started again. Its log is ${path.join(folder, serverFiles.log)}.`,
      { cause: error },
    );
  }
}
