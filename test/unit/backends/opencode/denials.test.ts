import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { profileRules } from '../../../../shared/backends/opencode/permissions.ts';
import { denialsOf } from '../../../../shared/channel/permission-rules.ts';
import type { PermissionRule } from '../../../../shared/channel/permission-rules.ts';

type Action = PermissionRule['action'];
const rule = (permission: string, pattern: string, action: Action): PermissionRule => ({ permission, pattern, action });

/** Opencode's own way: of the rules that fit, the last one decides. */
function decide(rules: readonly PermissionRule[], permission: string, pattern: string): Action | undefined {
  const fits = (text: string, wildcard: string): boolean =>
    new RegExp(`^${wildcard.replaceAll('*', '.*')}$`).test(text);
  return rules.findLast((each) => fits(permission, each.permission) && fits(pattern, each.pattern))?.action;
}

const withProfile = (own: readonly PermissionRule[], profile: 'autonomous' | 'interactive'): PermissionRule[] => {
  const ours = profileRules(profile);
  return [...ours, ...denialsOf(own, ours)];
};

describe("a profile and the user's rules", () => {
  test('nothing is added where nothing is denied', () => {
    expect(denialsOf([rule('*', '*', 'ask'), rule('bash', 'ls', 'allow')], profileRules('autonomous'))).toEqual([]);
  });

  test.each<[string, PermissionRule[], string, string, Action, Action]>([
    ['a denied command', [rule('bash', 'git push*', 'deny')], 'bash', 'git push origin', 'deny', 'deny'],
    ['another command', [rule('bash', 'git push*', 'deny')], 'bash', 'git status', 'allow', 'ask'],
    ['what asks', [rule('bash', '*', 'ask')], 'bash', 'x', 'allow', 'ask'],
    [
      'what is taken back',
      [rule('bash', '*', 'deny'), rule('bash', 'git *', 'allow')],
      'bash',
      'git status',
      'allow',
      'ask',
    ],
    [
      'what is taken back of everything',
      [rule('*', '*', 'deny'), rule('read', '*', 'allow')],
      'read',
      'x',
      'allow',
      'allow',
    ],
    ['the rest of everything', [rule('*', '*', 'deny'), rule('read', '*', 'allow')], 'edit', 'x', 'deny', 'deny'],
    ['taken back by a wildcard', [rule('*', '*', 'deny'), rule('*', 'src/*', 'ask')], 'edit', 'src/a', 'allow', 'ask'],
    [
      'questions, which nobody answers',
      [rule('*', '*', 'deny'), rule('*', '*', 'allow')],
      'question',
      'x',
      'deny',
      'allow',
    ],
  ])('%s', (_what, own, permission, pattern, autonomous, interactive) => {
    expect(decide(withProfile(own, 'autonomous'), permission, pattern)).toBe(autonomous);
    expect(decide(withProfile(own, 'interactive'), permission, pattern)).toBe(interactive);
  });

  test('whatever the rules: what is denied stays so, and everything else is as the profile has it', () => {
    const permission = fc.constantFrom('*', 'bash', 'read', 'edit', 'question', 'mcp_*', 'mcp_x');
    const pattern = fc.constantFrom('*', 'a*', 'ab', 'a*c');
    const rules = fc.array(
      fc.record({ permission, pattern, action: fc.constantFrom<Action>('allow', 'ask', 'deny') }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(rules, fc.constantFrom('autonomous' as const, 'interactive' as const), (own, profile) => {
        const all = withProfile(own, profile);
        for (const asked of ['bash', 'read', 'edit', 'question', 'mcp_x', 'mcp_y']) {
          for (const on of ['ab', 'abc', 'x']) {
            const expected = decide(own, asked, on) === 'deny' ? 'deny' : decide(profileRules(profile), asked, on);
            expect(decide(all, asked, on), `${asked} ${on}`).toBe(expected);
          }
        }
      }),
    );
  });
});
