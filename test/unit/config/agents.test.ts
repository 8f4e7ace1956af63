import { describe, expect, it } from 'vitest';
import { configuredAgents, resolveAgent as resolve } from '../../../shared/config/agents.ts';
import type { AgentQuery } from '../../../shared/config/agents.ts';
import type { RigSettings } from '../../../shared/config/rig-settings.ts';
import type { TownSettings } from '../../../shared/config/town-settings.ts';
import type { ResolvedAgent } from '../../../shared/domain/agent.ts';
import { backends } from '../../../shared/host/backends.ts';

const resolveAgent = (query: AgentQuery): ResolvedAgent => resolve(query, backends);

const agents = Object.fromEntries(
  ['by-worker', 'by-crew', 'by-rig-role', 'by-town-role', 'by-rig', 'by-town'].map((name) => [
    name,
    { provider: 'opencode' },
  ]),
);
const town = (settings: Partial<TownSettings> = {}): TownSettings => ({ type: 'town-settings', agents, ...settings });
const rig = (settings: Partial<RigSettings> = {}): RigSettings => ({ type: 'rig-settings', ...settings });

describe('the order in which an agent is chosen', () => {
  // Every row takes away the place that decided the row before.
  const configured: AgentQuery = {
    role: 'crew',
    workerName: 'max',
    rigSettings: rig({
      worker_agents: { max: 'by-worker' },
      role_agents: { crew: 'by-rig-role' },
      agent: 'by-rig',
      runtime: {},
    }),
    town: town({ crew_agents: { max: 'by-crew' }, role_agents: { crew: 'by-town-role' }, default_agent: 'by-town' }),
  };
  const withoutRole = { ...configured, town: town({ default_agent: 'by-town' }) };
  it.each<[string, AgentQuery, string]>([
    ['--agent', { ...configured, explicitAgent: 'opencode' }, 'opencode'],
    ['rig worker_agents', configured, 'by-worker'],
    ['town crew_agents', { ...configured, rigSettings: rig({ role_agents: { crew: 'by-rig-role' } }) }, 'by-crew'],
    ['rig role_agents', { ...configured, workerName: 'other' }, 'by-rig-role'],
    ['town role_agents', { ...configured, workerName: 'other', rigSettings: rig({ agent: 'by-rig' }) }, 'by-town-role'],
    ['rig agent', { ...withoutRole, rigSettings: rig({ agent: 'by-rig', runtime: { provider: 'claude' } }) }, 'by-rig'],
    ['rig runtime', { ...withoutRole, rigSettings: rig({ runtime: { provider: 'opencode' } }) }, 'opencode'],
    ['town default_agent', { ...withoutRole, rigSettings: rig() }, 'by-town'],
    ['the built-in default', { role: 'mayor', town: town() }, 'claude'],
  ])('%s', (_place, query, expected) => {
    expect(resolveAgent(query).name).toBe(expected);
  });

  it('passes crew_agents over for other roles', () => {
    const query: AgentQuery = { role: 'polecat', workerName: 'max', town: town({ crew_agents: { max: 'by-crew' } }) };
    expect(resolveAgent(query).name).toBe('claude');
  });

  it('does not take a worker name for a property of every object', () => {
    const query: AgentQuery = {
      role: 'polecat',
      workerName: 'constructor',
      town: town(),
      rigSettings: rig({ worker_agents: {} }),
    };
    expect(resolveAgent(query).name).toBe('claude');
  });
});

describe('what an agent is made of', () => {
  it('takes the built-in ones as they are', () => {
    expect(resolveAgent({ role: 'mayor', explicitAgent: 'opencode', town: town() })).toEqual({
      name: 'opencode',
      backend: 'opencode',
      command: 'opencode',
      args: [],
      env: {},
    });
  });

  it("prefers the rig's definition to the town's", () => {
    const query: AgentQuery = {
      role: 'polecat',
      explicitAgent: 'glm',
      town: town({ agents: { glm: { provider: 'claude' } } }),
      rigSettings: rig({
        agents: { glm: { provider: 'opencode', args: ['--model', 'zai/glm-4.7'], env: { A: 'b' } } },
      }),
    };
    expect(resolveAgent(query)).toEqual({
      name: 'glm',
      backend: 'opencode',
      command: 'opencode',
      args: ['--model', 'zai/glm-4.7'],
      env: { A: 'b' },
      consent: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });

  it("reads the seed's rig: its runtime block defines the agent that it names", () => {
    const hooks = { provider: 'opencode', dir: '.opencode/plugin', settings_file: 'gastown.js' };
    const seed = rig({ agent: 'opencode', runtime: { provider: 'opencode', command: 'opencode', hooks } });
    expect(resolveAgent({ role: 'polecat', town: town(), rigSettings: seed })).toMatchObject({
      name: 'opencode',
      backend: 'opencode',
      hooks: { dir: '.opencode/plugin', settingsFile: 'gastown.js' },
    });
  });

  it.each([
    [{ command: '/opt/bin/opencode' }, 'opencode'],
    [{ command: 'claude.exe' }, 'claude'],
    [{ provider: 'opencode', command: '/opt/wrapper.sh' }, 'opencode'],
    [{ args: null }, 'claude'],
  ])('finds the backend of %j: %s', (settings, backend) => {
    expect(
      resolveAgent({ role: 'mayor', explicitAgent: 'own', town: town({ agents: { own: settings } }) }).backend,
    ).toBe(backend);
  });

  it.each([
    [{ dir: '.opencode/plugins' }, { dir: '.opencode/plugins', settingsFile: 'gastown.js' }],
    [{ dir: '.opencode/plugins', informational: true }, undefined],
    [{ dir: '.claude', provider: 'claude' }, undefined],
    [{ settings_file: 'gastown.js' }, undefined],
  ])('hooks %j are installed at %j', (hooks, expected) => {
    const agent = resolveAgent({
      role: 'mayor',
      explicitAgent: 'own',
      town: town({ agents: { own: { provider: 'opencode', hooks } } }),
    });
    expect(agent.hooks).toEqual(expected);
  });

  it.each([
    [{ provider: 'codex' }, 'Agent "own" has the provider "codex", which is no backend known here.'],
    [{ command: 'codex' }, 'Agent "own" names no provider, and its program is no backend known here.'],
  ])('refuses %j', (settings, message) => {
    expect(() =>
      resolveAgent({ role: 'mayor', explicitAgent: 'own', town: town({ agents: { own: settings } }) }),
    ).toThrow(
      expect.objectContaining({
        code: 'unknown-backend',
        message: expect.stringContaining(message) as string,
      }) as Error,
    );
  });
});

describe('--backend', () => {
  const polecat: AgentQuery = { role: 'polecat', town: town({ role_agents: { polecat: 'by-town-role' } }) };

  it('keeps a configured agent of that backend', () => {
    expect(resolveAgent({ ...polecat, explicitBackend: 'opencode' }).name).toBe('by-town-role');
  });

  it("replaces a configured agent of the other one by the backend's own", () => {
    expect(resolveAgent({ ...polecat, explicitBackend: 'claude' })).toMatchObject({
      name: 'claude',
      backend: 'claude',
    });
  });

  it("is not fooled by an agent that has a backend's name and another provider", () => {
    const query: AgentQuery = {
      role: 'mayor',
      explicitBackend: 'opencode',
      town: town({ agents: { opencode: { provider: 'claude' } } }),
    };
    expect(resolveAgent(query)).toMatchObject({ name: 'opencode', backend: 'opencode', command: 'opencode' });
  });

  it('contradicts an explicit agent of the other one', () => {
    expect(() => resolveAgent({ ...polecat, explicitAgent: 'claude', explicitBackend: 'opencode' })).toThrow(
      expect.objectContaining({
        code: 'bad-input',
        message: expect.stringContaining('"claude" runs on backend claude, not on opencode') as string,
      }) as Error,
    );
  });
});

describe('an agent that nobody defined', () => {
  it.each<[AgentQuery, string]>([
    [
      { role: 'polecat', explicitAgent: 'opncode', town: { type: 'town-settings' } },
      'There is no agent "opncode" (from --agent). Did you mean "opencode"? Known agents: claude, opencode.',
    ],
    [
      { role: 'polecat', town: { type: 'town-settings', agents: { glm: {} }, role_agents: { polecat: 'gml' } } },
      'There is no agent "gml" (from role_agents.polecat of the town\'s settings). Did you mean "glm"? Known agents: claude, opencode, glm.',
    ],
  ])('is named with its place and its neighbours (%#)', (query, message) => {
    expect(() => resolveAgent(query)).toThrow(expect.objectContaining({ code: 'unknown-agent', message }) as Error);
  });
});

describe('all that sessions may be started with', () => {
  const named = (...query: Parameters<typeof configuredAgents>): string[] =>
    configuredAgents(...query).map(({ name }) => name);

  it('are the agents that the settings define or name, and the first backend where none is the default', () => {
    expect(named({ town: { type: 'town-settings' } }, backends)).toEqual(['claude']);
    const own = town({ agents: { mine: { provider: 'claude', command: 'env', args: ['FOO=1', 'claude'] } } });
    expect(named({ town: own }, backends)).toEqual(['mine', 'claude']);
    expect(named({ town: { ...own, default_agent: 'mine', failover: { crew: ['opencode'] } } }, backends)).toEqual([
      'mine',
      'opencode',
    ]);
  });

  it('are for a rig its own, too, as it defines them', () => {
    const rigSettings = rig({
      agents: { mine: { provider: 'opencode' }, other: { provider: 'claude' } },
      role_agents: { polecat: 'mine' },
      worker_agents: { max: 'opencode' },
    });
    const mine = { provider: 'claude' };
    const query = { town: town({ agents: { mine }, default_agent: 'mine' }), rigSettings };
    expect(configuredAgents(query, backends).map(({ name, backend }) => [name, backend])).toEqual([
      ['mine', 'opencode'],
      ['opencode', 'opencode'],
      ['other', 'claude'],
    ]);
  });

  it('leave out what is not known here: its start says so', () => {
    const unknown = { gemini: { command: 'gemini' } };
    expect(
      named({ town: town({ agents: unknown, default_agent: 'gone', role_agents: { dog: 'claude' } }) }, backends),
    ).toEqual([]);
  });
});
