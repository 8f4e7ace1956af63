import { describe, expect, it } from 'vitest';
import type { AgentQuery } from '../../../shared/config/agents.ts';
import type { AgentSettings } from '../../../shared/config/agent-settings.ts';
import { resolveAgent as resolveBy } from '../../../shared/config/agents.ts';
import { agentItem as itemOf, hashOfAll, itemsOfSettings } from '../../../shared/config/consent.ts';
import type { RigSettings } from '../../../shared/config/rig-settings.ts';
import type { TownSettings } from '../../../shared/config/town-settings.ts';
import { backends } from '../../../shared/host/backends.ts';

const agentItem = (name: string, agent: AgentSettings) => itemOf(name, agent, backends);
const resolveAgent = (query: AgentQuery) => resolveBy(query, backends);
const rig = (settings: Partial<RigSettings>): RigSettings => ({ type: 'rig-settings', ...settings });
const contentOf = (agent: AgentSettings): unknown => {
  const item = agentItem('x', agent);
  return item && JSON.parse(item.content);
};

describe("what a rig's settings say of an agent and only the user puts in force", () => {
  it.each<[string, AgentSettings, unknown]>([
    ['a program', { provider: 'claude', command: './tools/c' }, { provider: 'claude', command: './tools/c' }],
    ['another program on PATH', { command: 'env' }, { command: 'env' }],
    [
      'the program of another backend',
      { provider: 'claude', command: 'opencode' },
      { provider: 'claude', command: 'opencode' },
    ],
    [
      'arguments',
      { provider: 'claude', args: ['--mcp-config', 'x.json'] },
      { provider: 'claude', args: ['--mcp-config', 'x.json'] },
    ],
    ['an environment', { env: { LD_PRELOAD: './x.so' } }, { env: { LD_PRELOAD: './x.so' } }],
  ])('%s', (_what, agent, content) => {
    expect(contentOf(agent)).toEqual(content);
  });

  it.each<[string, AgentSettings]>([
    ['nothing', {}],
    ['a backend', { provider: 'opencode' }],
    [
      "the backend's own program by its own name, as in the usual file",
      { provider: 'opencode', command: 'opencode', args: [], env: {} },
    ],
    ['that name alone', { command: 'claude', args: null }],
    [
      'what is no program',
      {
        provider: 'claude',
        prompt_mode: 'none',
        hooks: { dir: '.opencode/plugins' },
        instructions: { file: 'AGENTS.md' },
      },
    ],
  ])('but not %s', (_what, agent) => {
    expect(contentOf(agent)).toBeUndefined();
  });

  it('is the same, however the file orders it, and another one with any other word', () => {
    const hashOf = (agent: AgentSettings): string => agentItem('x', agent)!.hash;
    const one = hashOf({ command: 'a', env: { A: '1', B: '2' }, args: ['x', 'y'] });
    expect(hashOf({ args: ['x', 'y'], env: { B: '2', A: '1' }, command: 'a', prompt_mode: 'arg' })).toBe(one);
    expect(hashOf({ command: 'a', env: { A: '1', B: '2' }, args: ['y', 'x'] })).not.toBe(one);
    expect(hashOf({ command: 'a', env: { A: '1', B: '3' }, args: ['x', 'y'] })).not.toBe(one);
  });

  it('has one hash for all of it, by which neither text nor place can be exchanged', () => {
    const all = itemsOfSettings(
      rig({ runtime: { command: 'r' }, agents: { a: { command: 'a' }, b: { provider: 'claude' } } }),
      backends,
    );
    expect(all.map(({ subject }) => subject)).toEqual(['agents.claude', 'agents.a']);
    const [first, second] = all.map(({ hash }) => hash);
    const hash = hashOfAll(all);
    expect(hashOfAll([...all].reverse())).toBe(hash);
    expect(
      hashOfAll([
        { subject: 'agents.claude', hash: second! },
        { subject: 'agents.a', hash: first! },
      ]),
    ).not.toBe(hash);
  });
});

describe('an agent that the settings name', () => {
  const town: TownSettings = { type: 'town-settings', agents: { mine: { provider: 'claude', command: './mine' } } };
  const agents = {
    x: { provider: 'claude', command: './tools/c' },
    opencode: { env: { A: '1' } },
    plain: { provider: 'opencode' },
  };
  const resolve = (settings: Partial<RigSettings>, explicitAgent?: string) =>
    resolveAgent({
      role: 'polecat',
      town,
      rigSettings: rig(settings),
      ...(explicitAgent === undefined ? {} : { explicitAgent }),
    });

  it("says what it needs the user's word for: defined by the rig, a built-in one that the rig changes, the rig's runtime block", () => {
    expect(resolve({ agents, role_agents: { polecat: 'x' } }).consent).toBe(agentItem('x', agents.x)?.hash);
    expect(resolve({ agents }, 'opencode').consent).toBe(agentItem('opencode', agents.opencode)?.hash);
    expect(resolve({ runtime: { provider: 'opencode', args: ['x'] } }).consent).toBeDefined();
    expect(
      resolveAgent({ role: 'polecat', town, rigSettings: rig({ agents }), explicitBackend: 'opencode' }).consent,
    ).toBe(agentItem('opencode', agents.opencode)?.hash);
  });

  it("needs no word where it is the town's, built in, or has no program of its own", () => {
    expect(resolve({ agents, role_agents: { polecat: 'mine' } })).not.toHaveProperty('consent');
    expect(resolve({ agents }, 'claude')).not.toHaveProperty('consent');
    expect(resolve({ agents }, 'plain')).not.toHaveProperty('consent');
  });
});
