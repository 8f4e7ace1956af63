import { calledRoles, rolePolicy } from '../config/role-settings.ts';
import type { CalledRole } from '../config/role-settings.ts';
import { identityOfId } from '../domain/names.ts';
import type { SessionId } from '../domain/orchestrator.ts';
import { hasEnded } from '../domain/session-state.ts';
import type { Town } from '../orchestration/town.ts';

/** A role that is started when it is called. */
export interface Asleep {
  role: CalledRole;
  /** Empty for the deacon. */
  rig: string;
}

/**
 * What to start for a session that does not run but is to when it is called (`roles.on_demand`); undefined where it runs, is
 * nobody who is started so, or is quarantined until somebody resets it.
 */
export function asleep(
  town: Pick<Town, 'settings' | 'registry' | 'store' | 'rigs'>,
  id: SessionId,
): Asleep | undefined {
  const identity = identityOfId(id);
  const role = calledRoles.find((each) => each === identity?.role);
  if (identity === undefined || role === undefined) return undefined;
  if (!rolePolicy(town.settings.value.roles).onDemand.includes(role)) return undefined;
  if (identity.rig !== '' && !town.rigs.names().includes(identity.rig)) return undefined;
  const session = town.registry.find(id);
  if (session && !hasEnded(session)) return undefined;
  return town.store.sessions.session(id)?.quarantined === undefined ? { role, rig: identity.rig } : undefined;
}
