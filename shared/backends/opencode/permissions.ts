import type { PermissionRuleset } from '@opencode-ai/sdk/v2/types';
import type { PermissionProfile } from '../driver.ts';

/**
 * The permission rules of a session; in Opencode the last rule that fits decides. An autonomous session has nobody to ask,
 * so it may do everything and has no question tool; an interactive one reads freely and asks for the rest.
 */
export function permissionRules(profile: PermissionProfile): PermissionRuleset {
  if (profile === 'autonomous') return [rule('*', 'allow'), rule('question', 'deny')];
  return [
    rule('*', 'allow'),
    ...['edit', 'bash', 'webfetch', 'external_directory', 'doom_loop'].map((permission) => rule(permission, 'ask')),
    rule('question', 'allow'),
  ];
}

function rule(permission: string, action: 'allow' | 'ask' | 'deny'): PermissionRuleset[number] {
  return { permission, pattern: '*', action };
}
