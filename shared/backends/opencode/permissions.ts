import type { PermissionRuleset } from '@opencode-ai/sdk/v2/types';
import { denialsOf } from '../../channel/permission-rules.ts';
import type { PermissionRule } from '../../channel/permission-rules.ts';
import type { PermissionProfile } from '../../domain/run.ts';
import { answerOf } from './client.ts';
import type { OpencodeServer } from './server.ts';

/**
 * Our own permission rules for a session; in Opencode the last rule that fits decides. An autonomous session has nobody to
 * ask, so it may do everything and has no question tool; an interactive one reads freely and asks for the rest.
 */
export function profileRules(profile: PermissionProfile): PermissionRule[] {
  if (profile === 'autonomous') return [rule('*', 'allow'), rule('question', 'deny')];
  return [
    rule('*', 'allow'),
    ...['edit', 'bash', 'webfetch', 'external_directory', 'doom_loop'].map((permission) => rule(permission, 'ask')),
    rule('question', 'allow'),
  ];
}

/**
 * The rules of a session in a directory: our profile, which may loosen what asks, and behind it what the user denies,
 * which it may not. Opencode itself says what that is, so whatever it reads counts: the user's configuration, the
 * project's, the agent's own rules, and what it forbids an agent from the start.
 */
export async function sessionRules(
  { client }: OpencodeServer,
  { directory, agent, profile }: { directory: string; agent: string | undefined; profile: PermissionProfile },
  options: { signal: AbortSignal },
): Promise<PermissionRuleset> {
  const agents = await answerOf(`read the permission rules in ${directory}`, client.app.agents({ directory }, options));
  // The first one is the default.
  const used = agents.find(({ name }) => name === agent) ?? agents[0];
  const ours = profileRules(profile);
  return [...ours, ...denialsOf(used?.permission ?? [], ours)];
}

function rule(permission: string, action: PermissionRule['action']): PermissionRule {
  return { permission, pattern: '*', action };
}
