/** What a repository brings and only the user's word puts in force: each such thing as a text that they can read, by its hash. */
import { createHash } from 'node:crypto';
import { mergeQueuePolicy } from './merge-queue-settings.ts';
import type { AgentSettings } from './agent-settings.ts';
import type { RigSettings } from './rig-settings.ts';
import type { KnownBackends } from '../domain/backend.ts';
import { worktreeCommands } from './worktree-settings.ts';
import type { ConsentItem } from '../domain/consent.ts';

/** Pure. */
export function consentItem(subject: string, content: string): ConsentItem {
  return { subject, content, hash: hashOf(content) };
}

/** Pure. One hash for all of it: what was shown is what is agreed to. */
export function hashOfAll(items: readonly Pick<ConsentItem, 'subject' | 'hash'>[]): string {
  const lines = items.map(({ subject, hash }) => `${JSON.stringify(subject)} ${hash}`).sort();
  return hashOf(lines.join('\n'));
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Pure. The agents that a rig's settings define by name; the deprecated `runtime` block goes by its provider's. */
export function agentsOfRig({ runtime, agents }: RigSettings, backends: KnownBackends): Map<string, AgentSettings> {
  return new Map([
    ...(runtime ? [[runtimeName(runtime, backends), runtime] as const] : []),
    ...Object.entries(agents ?? {}),
  ]);
}

export const runtimeName = (runtime: AgentSettings, backends: KnownBackends): string =>
  runtime.provider ?? backends[0].name;

/**
 * Pure. What a rig's settings say of the program of an agent, its arguments and its environment, in one order of keys;
 * undefined where they say nothing of it. The backend's own program by its own name is nothing.
 */
export function agentItem(
  name: string,
  { provider, command, args, env }: AgentSettings,
  backends: KnownBackends,
): ConsentItem | undefined {
  const ownName =
    command !== undefined &&
    backends.some((backend) => backend.program === command && backend.name === (provider ?? backend.name));
  const said = {
    ...(command === undefined || ownName ? {} : { command }),
    ...(args?.length ? { args } : {}),
    ...(env && Object.keys(env).length > 0
      ? { env: Object.fromEntries(Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) }
      : {}),
  };
  if (Object.keys(said).length === 0) return undefined;
  const content = { ...(provider === undefined ? {} : { provider }), ...said };
  return consentItem(agentSubject(name), JSON.stringify(content, null, 2));
}

export const agentSubject = (name: string): string => `agents.${name}`;

/** Pure. Everything in a rig's settings that needs the user's word. */
export function itemsOfSettings(settings: RigSettings, backends: KnownBackends): ConsentItem[] {
  return [
    ...[...agentsOfRig(settings, backends)].flatMap(([name, agent]) => agentItem(name, agent, backends) ?? []),
    ...worktreeCommands(settings).map(({ subject, command }) => consentItem(subject, command)),
    ...mergeQueuePolicy(settings.merge_queue).gates.map(({ subject, command }) => consentItem(subject, command)),
    ...queuePolicies(settings),
  ];
}

/** Pure. What lets finished work land without the user, or leave this machine. */
function queuePolicies({ merge_queue }: RigSettings): ConsentItem[] {
  const { requireReview, autoPush, strategy } = mergeQueuePolicy(merge_queue);
  return [
    ...(requireReview ? [] : [consentItem('merge_queue.require_review', 'false')]),
    ...(autoPush ? [consentItem('merge_queue.auto_push', 'true')] : []),
    ...(strategy === 'pr' ? [consentItem('merge_queue.merge_strategy', 'pr')] : []),
  ];
}

/** Pure. What the merge queue does by the rig's word: gates, where there are any the set-up before them, and its policies. */
export function queueItems(settings: RigSettings): ConsentItem[] {
  const { gates } = mergeQueuePolicy(settings.merge_queue);
  const setUp = gates.length === 0 ? [] : worktreeCommands(settings).filter(({ kind }) => kind === 'setup');
  return [
    ...[...setUp, ...gates].map(({ subject, command }) => consentItem(subject, command)),
    ...queuePolicies(settings),
  ];
}
