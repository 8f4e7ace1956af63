/** A rule of an agent program: of those whose permission and pattern fit, the last one decides. Both may have "*" and "?". */
export interface PermissionRule {
  permission: string;
  pattern: string;
  action: 'allow' | 'ask' | 'deny';
}

/**
 * Pure: what is to stand behind the rules of our profile (each for the pattern "*") so that whatever `own`, the user's
 * rules, denies stays denied, and everything else is as the profile has it. Empty where they deny nothing.
 */
export function denialsOf(own: readonly PermissionRule[], profile: readonly PermissionRule[]): PermissionRule[] {
  const first = own.findIndex(({ action }) => action === 'deny');
  if (first < 0) return [];
  // What comes behind a denial may take some of it back (`git *` of `*`): there the profile decides again.
  return own.slice(first).flatMap((rule) => (rule.action === 'deny' ? [rule] : profileWithin(rule, profile)));
}

/** The profile's rules for what a rule covers. */
function profileWithin({ permission, pattern }: PermissionRule, profile: readonly PermissionRule[]): PermissionRule[] {
  return profile.flatMap((rule) => {
    if (fits(permission, rule.permission)) return [{ permission, pattern, action: rule.action }];
    return fits(rule.permission, permission) ? [{ permission: rule.permission, pattern, action: rule.action }] : [];
  });
}

/** Whether all that the text stands for fits the wildcard. */
function fits(text: string, wildcard: string): boolean {
  const expression = wildcard
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 's').test(text);
}
