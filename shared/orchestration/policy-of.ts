import { failurePolicy } from '../config/failure-policy.ts';
import type { FailurePolicy } from '../config/failure-policy.ts';
import type { Town } from './town.ts';

/** What is done about failures in a rig, or in the town for `''` and for a rig that is gone. */
export function policyOf({ settings, rigs }: Pick<Town, 'settings' | 'rigs'>, rig: string): FailurePolicy {
  const known = rigs.names().includes(rig);
  return failurePolicy(settings.value.failure_policy, known ? rigs.get(rig).settings.failure_policy : undefined);
}
