import type { PluginInput } from '@opencode-ai/plugin';
import { describe, expect, test } from 'vitest';
import { Inheritance } from '../../../../plugin/opencode/inherit.ts';
import { profileRules } from '../../../../shared/backends/opencode/permissions.ts';
import type { PermissionRule } from '../../../../shared/channel/permission-rules.ts';

const rule = (permission: string, pattern: string, action: PermissionRule['action']): PermissionRule => ({
  permission,
  pattern,
  action,
});
const autonomous = profileRules('autonomous');

interface Family {
  parent: PermissionRule[];
  /** What the host has put into the parent's metadata; absent where an earlier version started it. */
  profile?: PermissionRule[];
  child: PermissionRule[];
  /** The sub-agent's rules by the configuration. */
  agent: PermissionRule[];
}

/** The rules that a sub-agent's session has in the end. */
async function handedDown({ parent, profile, child, agent }: Family): Promise<unknown> {
  const sessions: Record<string, object> = {
    parent: { permission: parent, metadata: { gastown: { ...(profile ? { profile } : {}) } } },
    child: { parentID: 'parent', agent: 'reviewer', permission: child },
  };
  const updates: unknown[] = [];
  const client = {
    session: {
      get: async ({ path }: { path: { id: string } }) => ({ data: sessions[path.id] }),
      update: async ({ body }: { body: { permission: unknown } }) => void updates.push(body.permission),
    },
    app: {
      agents: async () => ({
        data: [
          { name: 'build', permission: [] },
          { name: 'reviewer', permission: agent },
        ],
      }),
    },
  };
  const inheritance = new Inheritance(client as unknown as PluginInput['client']);
  await inheritance.settle('child');
  await inheritance.settle('child');
  await inheritance.settle('parent');
  expect(updates).toHaveLength(1);
  return updates[0];
}

describe('a sub-agent', () => {
  test("has its parent's rules, and behind them what its own deny", async () => {
    const family = {
      parent: autonomous,
      profile: autonomous,
      child: [],
      agent: [rule('bash', '*', 'deny'), rule('bash', 'git log*', 'ask')],
    };
    expect(await handedDown(family)).toEqual([
      ...autonomous,
      rule('bash', '*', 'deny'),
      rule('bash', 'git log*', 'allow'),
    ]);
  });

  test('gets back what the user takes back of a denial, though Opencode hands down the denial alone', async () => {
    const parent = [...autonomous, rule('bash', '*', 'deny'), rule('bash', 'git *', 'allow')];
    const child = [rule('bash', '*', 'deny'), rule('question', '*', 'deny'), rule('task', '*', 'deny')];
    expect(await handedDown({ parent, profile: autonomous, child, agent: [] })).toEqual([
      ...parent,
      rule('task', '*', 'deny'),
    ]);
  });

  test('of a session that an earlier version started keeps its own denials', async () => {
    const family = {
      parent: autonomous,
      child: [],
      agent: [rule('bash', '*', 'deny'), rule('bash', 'git log*', 'allow')],
    };
    expect(await handedDown(family)).toEqual([...autonomous, rule('bash', '*', 'deny')]);
  });
});
