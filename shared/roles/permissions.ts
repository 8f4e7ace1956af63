import type { PermissionProfile } from '../domain/run.ts';
import type { Role } from '../domain/orchestrator.ts';

/** Roles that talk with the user ask before they edit or run; the others have nobody to ask. */
export function permissionProfile(role: Role): PermissionProfile {
  return role === 'mayor' || role === 'crew' ? 'interactive' : 'autonomous';
}

/** Roles that start, stop and assign others; workers do not (Gas Town's guard: polecats may not sling). */
export const dispatchingRoles: readonly Role[] = ['mayor', 'deacon', 'witness', 'crew'];
