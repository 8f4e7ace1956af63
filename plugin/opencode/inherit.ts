import type { PluginInput } from '@opencode-ai/plugin';
import { isObject } from './payload.ts';

type Client = PluginInput['client'];

const requestMs = 5_000;

/**
 * Opencode starts a sub-agent's session without the permission rules of the session it works for: one that must ask would
 * not, one that has nobody to ask would. So the rules are handed down before the sub-agent's first message is stored.
 * Rejects when that fails: Opencode then reports the sub-agent as failed, which is better than one that may do anything.
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
    // The last rule that fits decides: what Opencode forbids its sub-agents (to start more of them) stays forbidden.
    const permission = [...rules(parent), ...rules(own)];
    // The server takes `permission` here; the types of this client are older than that.
    const body = { permission } as unknown as { title?: string };
    await this.client.session.update({
      path: { id: session },
      body,
      throwOnError: true,
      signal: AbortSignal.timeout(requestMs),
    });
  }

  private async get(session: string): Promise<Record<string, unknown>> {
    const options = { path: { id: session }, throwOnError: true, signal: AbortSignal.timeout(requestMs) } as const;
    const { data } = await this.client.session.get(options);
    return isObject(data) ? data : {};
  }
}

function rules(session: Record<string, unknown>): unknown[] {
  return Array.isArray(session['permission']) ? session['permission'] : [];
}
