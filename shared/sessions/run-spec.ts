import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../platform/files.ts';
import type { RunSpec } from '../backends/driver.ts';
import type { BackendName } from '../domain/orchestrator.ts';
import { messageOf } from '../platform/errors.ts';
import { worktreeAround } from '../platform/git/worktree-places.ts';
import type { Logger } from '../platform/logger.ts';
import { permissionProfile } from '../roles/permissions.ts';
import { sessionEnvironment } from './environment.ts';
import type { StoredRun, StoredSession } from '../store/sessions.ts';
import type { SessionContexts } from './role-context.ts';
import type { HostPaths } from '../config/town-paths.ts';
import type { Delivery } from '../domain/delivery.ts';

export interface RunSpecOptions {
  root: string;
  paths: HostPaths;
  contexts: SessionContexts;
  /** The host's environment as it is at that time: `gt` is put in front of its PATH. */
  environment: Readonly<Record<string, string | undefined>>;
  /** The agent programs whose shells ask the host for their identity, by their backends. */
  asksForIdentity: (backend: BackendName) => boolean;
  /** The port base of the worktree that a folder is in. */
  portOf: (folder: string) => number | undefined;
  log: Logger;
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
    const port = this.options.portOf(session.workDir);
    return sessionEnvironment(
      {
        ...session,
        sessionId: session.id,
        agent: session.agent.name,
        token: run.token,
        ...(port === undefined ? {} : { port }),
      },
      { root, socket: paths.socket, binDir: paths.bin, contextFile: contexts.file(session.id), path },
    );
  }

  /** The order. Renews the role context on disk, and makes the run's private folder. */
  async specOf(session: StoredSession, run: StoredRun, firstPrompt?: Delivery): Promise<RunSpec> {
    const env = this.identityOf(session, run);
    return this.orderOf(session, run, env, await this.write(session, run, env), firstPrompt);
  }

  /** The order by which an earlier host has started a run. The session has what it needs: what cannot be written is only logged. */
  async specOfLeft(session: StoredSession, run: StoredRun): Promise<RunSpec> {
    const env = this.identityOf(session, run);
    try {
      return this.orderOf(session, run, env, await this.write(session, run, env));
    } catch (error) {
      this.options.log.warn(
        `[orchestration] the role context of ${session.id} could not be renewed: ${messageOf(error)}`,
      );
      return this.orderOf(session, run, env, undefined);
    }
  }

  /** Resolves with the file of its identity, for the agents that read one. */
  private async write(
    session: StoredSession,
    run: StoredRun,
    env: Record<string, string>,
  ): Promise<string | undefined> {
    const { paths, contexts } = this.options;
    await contexts.write(session);
    const runDir = join(paths.runs, run.id);
    await mkdir(runDir, { recursive: true, mode: 0o700 });
    return this.options.asksForIdentity(session.agent.backend) ? this.writeIdentity(runDir, env) : undefined;
  }

  private orderOf(
    session: StoredSession,
    run: StoredRun,
    env: Record<string, string>,
    identityFile: string | undefined,
    firstPrompt?: Delivery,
  ): RunSpec {
    const { paths, contexts } = this.options;
    const runDir = join(paths.runs, run.id);
    const worktree = worktreeAround(paths, session.workDir);
    return {
      sessionId: session.id,
      runId: run.id,
      role: session.role,
      rig: session.rig,
      title: session.agentName === '' ? session.id : `${session.agentName} (${session.rig})`,
      agent: session.agent,
      cwd: session.workDir,
      ...(worktree === undefined ? {} : { worktree }),
      env,
      permissions: permissionProfile(session.role),
      contextFile: contexts.file(session.id),
      runDir,
      ...(identityFile === undefined ? {} : { identityFile }),
      ...(firstPrompt === undefined ? {} : { firstPrompt }),
    };
  }

  /** Undefined where it cannot be written: it is for the time without a host only, and no reason not to start. */
  private async writeIdentity(runDir: string, env: Record<string, string>): Promise<string | undefined> {
    const file = join(runDir, 'identity.json');
    try {
      await writeAtomically(file, JSON.stringify(env), 0o600);
      return file;
    } catch (error) {
      this.options.log.warn(
        `[orchestration] ${file} could not be written, so while no host is there gt in this session cannot keep its report: ${messageOf(error)}`,
      );
      return undefined;
    }
  }
}
