import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Delivery, RunSpec } from '../backends/driver.ts';
import { permissionProfile } from '../roles/permissions.ts';
import { sessionEnvironment } from '../sessions/environment.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import type { SessionContexts } from './context.ts';
import type { TownPaths } from './paths.ts';

export interface RunSpecOptions {
  root: string;
  paths: TownPaths;
  contexts: SessionContexts;
  /** The host's environment as it is at that time: `gt` is put in front of its PATH. */
  environment: Readonly<Record<string, string | undefined>>;
}

/** Makes what is stored of a session and its run into the order for a driver. */
export class RunSpecs {
  private readonly options: RunSpecOptions;

  constructor(options: RunSpecOptions) {
    this.options = options;
  }

  /** Identity and token of a run, for its agent's shell. */
  identityOf(session: StoredSession, run: StoredRun): Record<string, string> {
    const { root, paths, contexts, environment } = this.options;
    const path = environment['PATH'] ?? '';
    return sessionEnvironment(
      { ...session, sessionId: session.id, agent: session.agent.name, token: run.token },
      { root, socket: paths.socket, binDir: paths.bin, contextFile: contexts.file(session.id), path },
    );
  }

  /** The order. Renews the role context on disk, and makes the run's private folder. */
  async specOf(session: StoredSession, run: StoredRun, firstPrompt?: Delivery): Promise<RunSpec> {
    const { paths, contexts } = this.options;
    const contextFile = await contexts.write(session);
    const runDir = join(paths.runs, run.id);
    await mkdir(runDir, { recursive: true, mode: 0o700 });
    return {
      sessionId: session.id,
      runId: run.id,
      role: session.role,
      rig: session.rig,
      title: session.agentName === '' ? session.id : `${session.agentName} (${session.rig})`,
      agent: session.agent,
      cwd: session.workDir,
      env: this.identityOf(session, run),
      permissions: permissionProfile(session.role),
      contextFile,
      runDir,
      ...(firstPrompt === undefined ? {} : { firstPrompt }),
    };
  }
}
