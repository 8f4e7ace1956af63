/** What a repository brings and only the user's word puts in force: each such thing as a text that they can read, by its hash. */
import { createHash } from 'node:crypto';
import type { AgentSettings } from './agent-settings.ts';
import type { RigSettings } from './rig-settings.ts';

export interface ConsentItem {
  /** Where in the repository it stands, e.g. `agents.x` of its settings or `.opencode/plugin/a.js`. */
  subject: string;
  /** All that is agreed to, as it is shown. */
  content: string;
  /** Of the content, in hexadecimal digits. */
  hash: string;
}

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
export function agentsOfRig({ runtime, agents }: RigSettings): Map<string, AgentSettings> {
  return new Map([...(runtime ? [[runtimeName(runtime), runtime] as const] : []), ...Object.entries(agents ?? {})]);
}

export const runtimeName = (runtime: AgentSettings): string => runtime.provider ?? 'claude';

/**
 * Pure. What a rig's settings say of the program of an agent, its arguments and its environment, in one order of keys;
 * undefined where they say nothing of it. The backend's own program by its own name is nothing.
 */
export function agentItem(name: string, { provider, command, args, env }: AgentSettings): ConsentItem | undefined {
  const ownName =
    command !== undefined && command === (provider ?? command) && ['claude', 'opencode'].includes(command);
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
export function itemsOfSettings(settings: RigSettings): ConsentItem[] {
  return [...agentsOfRig(settings)].flatMap(([name, agent]) => agentItem(name, agent) ?? []);
}
