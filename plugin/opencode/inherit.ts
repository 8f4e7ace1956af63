import type { PluginInput } from '@opencode-ai/plugin';
import { denialsOf } from '../../shared/channel/permission-rules.ts';
import type { PermissionRule } from '../../shared/channel/permission-rules.ts';
import { isObject } from '../../shared/platform/objects.ts';

type Client = PluginInput['client'];

const requestMs = 5_000;

/**
 * Opencode starts a sub-agent's session without the permission rules of the session it works for: one that must ask would
 * not, one that has nobody to ask would. So the rules are handed down before the sub-agent's first message is stored, and
 * what the sub-agent itself is denied stays so. Rejects when that fails: Opencode then reports the sub-agent as failed,
 * which is better than one that may do anything.
 */
export class Inheritance {
  private readonly client: Client;
  private readonly settled = new Map<string, Promise<void>>();

  constructor(client: Client) {
    this.client = client;
  }

  /** To be awaited before each message of a session; asks the server only once for each. */
  async settle(session: string): Promise<void> {
    const before = this.settled.get(session);
    if (before) return before;
    const settling = this.handDown(session);
    this.settled.set(session, settling);
    try {
      await settling;
    } catch (error) {
      this.settled.delete(session);
      throw error;
    }
  }

  private async handDown(session: string): Promise<void> {
    const own = await this.get(session);
    if (typeof own['parentID'] !== 'string') return;
    const parent = await this.get(own['parentID']);
    const inherited = rulesIn(parent['permission']);
    const denied = denialsOf(await this.rulesOfAgent(own['agent']), profileOf(parent));
    // Opencode has handed down the denials alone: in the parent's rules they stand with what takes some of it back. What it
    // forbids sub-agents besides (to start more of them) stays forbidden.
    const added = rulesIn(own['permission']).filter((rule) => !inherited.some((each) => isSame(each, rule)));
    // The server takes `permission` here; the types of this client are older than that.
    const body = { permission: [...inherited, ...denied, ...added] } as unknown as { title?: string };
    await this.client.session.update({
      path: { id: session },
      body,
      throwOnError: true,
      signal: AbortSignal.timeout(requestMs),
    });
  }

  /** All that the configuration says for the agent, in order. */
  private async rulesOfAgent(name: unknown): Promise<PermissionRule[]> {
    const { data } = await this.client.app.agents({ throwOnError: true, signal: AbortSignal.timeout(requestMs) });
    const agents: unknown[] = Array.isArray(data) ? data : [];
    const agent = agents.find((each) => isObject(each) && each['name'] === name);
    return isObject(agent) ? rulesIn(agent['permission']) : [];
  }

  private async get(session: string): Promise<Record<string, unknown>> {
    const options = { path: { id: session }, throwOnError: true, signal: AbortSignal.timeout(requestMs) } as const;
    const { data } = await this.client.session.get(options);
    return isObject(data) ? data : {};
  }
}

/** The profile that the host started the session with; none where an earlier version did. */
function profileOf({ metadata }: Record<string, unknown>): PermissionRule[] {
  const ours = isObject(metadata) ? metadata['gastown'] : undefined;
  return isObject(ours) ? rulesIn(ours['profile']) : [];
}

function rulesIn(value: unknown): PermissionRule[] {
  return Array.isArray(value) ? value.filter(isRule) : [];
}

function isRule(value: unknown): value is PermissionRule {
  if (!isObject(value) || typeof value['permission'] !== 'string' || typeof value['pattern'] !== 'string') return false;
  return value['action'] === 'allow' || value['action'] === 'ask' || value['action'] === 'deny';
}

const isSame = (a: PermissionRule, b: PermissionRule): boolean =>
  a.permission === b.permission && a.pattern === b.pattern && a.action === b.action;
