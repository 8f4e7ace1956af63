import { delimiter } from 'node:path';
import { channelEnv } from '../channel/protocol.ts';
import type { Role } from '../domain/orchestrator.ts';
import { compoundRole } from '../domain/names.ts';

export interface Identity {
  sessionId: string;
  runId: string;
  token: string;
  role: Role;
  rig: string;
  agentName: string;
  agent: string;
  branch?: string;
  /** The first of the ten that are its worktree's. */
  port?: number;
}

/**
 * The environment by which a session's shell knows who it is (formats: Gas Town's internal/config/env.go), and by which
 * `gt` in it finds the host. It has this run's own token and no other.
 */
export function sessionEnvironment(
  identity: Identity,
  town: { root: string; socket: string; binDir: string; contextFile: string; path: string },
): Record<string, string> {
  const { role, rig, agentName } = identity;
  const names: Record<string, string> = {};
  if (role === 'polecat') names['GT_POLECAT'] = agentName;
  if (role === 'crew') names['GT_CREW'] = agentName;
  if (identity.branch !== undefined) names['GT_BRANCH'] = identity.branch;
  if (identity.port !== undefined) names['GT_PORT'] = String(identity.port);
  return {
    GT_ROLE: compoundRole(role, rig, agentName),
    GT_RIG: rig,
    GT_SESSION: identity.sessionId,
    GT_RUN: identity.runId,
    GT_AGENT: identity.agent,
    GT_ROOT: town.root,
    GT_TOWN_ROOT: town.root,
    ...names,
    BD_ACTOR: compoundRole(role, rig, agentName),
    GT_CONTEXT_FILE: town.contextFile,
    [channelEnv.socket]: town.socket,
    [channelEnv.token]: identity.token,
    PATH: `${town.binDir}${delimiter}${town.path}`,
  };
}
