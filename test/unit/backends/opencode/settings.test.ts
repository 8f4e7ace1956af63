import { describe, expect, it } from 'vitest';
import { backends } from '../../../../shared/host/backends.ts';
import { knowAgents } from '../../../../shared/platform/inherited-environment.ts';
import { promptDefaults } from '../../../../shared/backends/opencode/arguments.ts';
import { trimCatalogue } from '../../../../shared/backends/opencode/catalogue.ts';
import { serverEnvironment } from '../../../../shared/backends/opencode/environment.ts';
import { eventIn } from '../../../../shared/backends/opencode/events.ts';
import { profileRules } from '../../../../shared/backends/opencode/permissions.ts';
import { isOlder } from '../../../../shared/backends/opencode/program.ts';
import { launchKey } from '../../../../shared/backends/opencode/server-pool.ts';

knowAgents(backends.map(({ variables }) => variables));

describe('promptDefaults', () => {
  it('reads model, agent and variant in every spelling', () => {
    expect(promptDefaults('a', ['--model', 'zai/glm-4.7', '--agent=plan'])).toEqual({
      model: { providerID: 'zai', modelID: 'glm-4.7' },
      agent: 'plan',
    });
    expect(promptDefaults('a', ['-m', 'openrouter/z-ai/glm'])).toEqual({
      model: { providerID: 'openrouter', modelID: 'z-ai/glm' },
    });
    expect(promptDefaults('a', [])).toEqual({});
  });

  it.each([[['--print-logs']], [['--model', 'glm']], [['-m', '/x']], [['serve']]])(
    'refuses %j and says what is allowed',
    (args) => {
      expect(() => promptDefaults('glm', args)).toThrow(
        expect.objectContaining({ code: 'bad-config', message: expect.stringContaining('"glm"') }),
      );
    },
  );
});

describe('serverEnvironment', () => {
  const identity = {
    id: 'i',
    password: 'p',
    token: 't',
    socket: '/s',
    hostFile: '/h',
    leaseMs: 5,
    database: '/db',
    temporary: '/tmp/x',
    pluginUrl: 'file:///gastown.js',
  };

  it('has what the person has, without what is the editor’s, another agent’s or another town’s', () => {
    const host = {
      HOME: '/h',
      ANTHROPIC_API_KEY: 'k',
      HTTPS_PROXY: 'x',
      GT_ROLE: 'mayor',
      CLAUDECODE: '1',
      NODE_OPTIONS: '--inspect',
      ELECTRON_RUN_AS_NODE: '1',
      VSCODE_PID: '1',
      OPENCODE_SERVER_PASSWORD: 'other',
      OPENCODE_PID: '7',
      OPENCODE: '1',
      OPENCODE_EXPERIMENTAL: '',
      OPENCODE_CONFIG: '/c.json',
      TMPDIR: '/var/tmp',
      UNSET: undefined,
    };
    const environment = serverEnvironment(host, { EXTRA: 'e' }, identity);
    expect(environment).toMatchObject({
      HOME: '/h',
      ANTHROPIC_API_KEY: 'k',
      HTTPS_PROXY: 'x',
      NO_PROXY: 'localhost,127.0.0.1,::1',
      no_proxy: 'localhost,127.0.0.1,::1',
      EXTRA: 'e',
      OPENCODE_CONFIG: '/c.json',
      OPENCODE_SERVER_PASSWORD: 'p',
      OPENCODE_DB: '/db',
      TMPDIR: '/tmp/x',
      GT_TMPDIR: '/var/tmp',
      GT_SOCKET: '/s',
      GT_TOKEN: 't',
      GT_SERVER: 'i',
    });
    const gone = [
      'GT_ROLE',
      'CLAUDECODE',
      'NODE_OPTIONS',
      'ELECTRON_RUN_AS_NODE',
      'VSCODE_PID',
      'OPENCODE_PID',
      'OPENCODE',
    ];
    for (const name of [...gone, 'OPENCODE_EXPERIMENTAL', 'UNSET', 'OPENCODE_MODELS_PATH'])
      expect(environment).not.toHaveProperty(name);
  });

  it('adds the plugin to the person’s own inline configuration', () => {
    const own = { OPENCODE_CONFIG_CONTENT: '{"model":"a/b", /* mine */ "plugin":["x"], "share":"auto"}' };
    expect(JSON.parse(serverEnvironment({}, own, identity)['OPENCODE_CONFIG_CONTENT']!)).toEqual({
      model: 'a/b',
      plugin: ['x', 'file:///gastown.js'],
      share: 'disabled',
      autoupdate: false,
    });
  });
});

describe('trimCatalogue', () => {
  const full = {
    opencode: { env: [] },
    anthropic: { env: ['ANTHROPIC_API_KEY'] },
    zai: { env: ['ZAI_KEY'] },
    groq: {},
    xai: {},
    meta: {},
  };
  const use = { configs: [], signedIn: [], environment: {}, more: [] };

  it('keeps what is signed in, configured, named, or has its key in the environment', () => {
    const trimmed = trimCatalogue(full, {
      configs: [{ provider: { groq: {} }, agent: { plan: { model: 'meta/llama' } } }],
      signedIn: ['zai'],
      environment: { ANTHROPIC_API_KEY: 'k' },
      more: ['xai'],
    });
    expect(Object.keys(trimmed!).sort()).toEqual(['anthropic', 'groq', 'meta', 'opencode', 'xai', 'zai']);
    expect(Object.keys(trimCatalogue(full, use)!)).toEqual(['opencode']);
  });

  it('leaves Opencode its own catalogue where nothing is known, or the person chose one', () => {
    expect(trimCatalogue(undefined, use)).toBeUndefined();
    expect(trimCatalogue(full, { ...use, environment: { OPENCODE_MODELS_PATH: '/m.json' } })).toBeUndefined();
  });

  it('needs none where the configuration spells everything out', () => {
    const provider = { local: { npm: '@ai-sdk/openai-compatible', models: { m: {} } } };
    expect(trimCatalogue(undefined, { ...use, configs: [{ provider, model: 'local/m' }] })).toEqual({});
    expect(trimCatalogue(undefined, { ...use, configs: [{ provider, model: 'anthropic/x' }] })).toBeUndefined();
    expect(trimCatalogue(undefined, { ...use, configs: [{ provider }], signedIn: ['zai'] })).toBeUndefined();
  });
});

describe('the rest', () => {
  it('gives autonomous sessions everything but questions, and asks for interactive ones', () => {
    const decide = (profile: 'autonomous' | 'interactive', name: string) =>
      profileRules(profile).findLast(({ permission }) => permission === '*' || permission === name)?.action;
    expect(['edit', 'bash', 'external_directory', 'question'].map((name) => decide('autonomous', name))).toEqual([
      'allow',
      'allow',
      'allow',
      'deny',
    ]);
    expect(
      ['read', 'edit', 'bash', 'webfetch', 'external_directory', 'question'].map((name) => decide('interactive', name)),
    ).toEqual(['allow', 'ask', 'ask', 'ask', 'ask', 'allow']);
  });

  it('compares versions by number', () => {
    expect(isOlder('1.9.0', '1.18.0')).toBe(true);
    expect(isOlder('1.18.0', '1.18.0')).toBe(false);
    expect(isOlder('2.0.0', '1.18.0')).toBe(false);
  });

  it('lets agents share a server unless program or environment differ', () => {
    const agent = {
      name: 'a',
      backend: 'opencode' as const,
      command: 'opencode',
      args: ['-m', 'x/y'],
      env: { A: '1', B: '2' },
    };
    expect(launchKey({ ...agent, name: 'b', args: [], env: { B: '2', A: '1' } }, '/p')).toBe(launchKey(agent, '/p'));
    expect(launchKey({ ...agent, env: {} }, '/p')).not.toBe(launchKey(agent, '/p'));
    expect(launchKey(agent, '/q')).not.toBe(launchKey(agent, '/p'));
  });

  it('drops heartbeats and the doubles of durable events', () => {
    expect(eventIn({ payload: { type: 'server.heartbeat', properties: {} } })).toBeUndefined();
    expect(eventIn({ payload: { type: 'sync', syncEvent: {} } })).toBeUndefined();
    expect(
      eventIn({ directory: '/x', payload: { id: 'e', type: 'session.idle', properties: { sessionID: 's' } } }),
    ).toEqual({
      type: 'session.idle',
      properties: { sessionID: 's' },
    });
    expect(eventIn('nonsense')).toBeUndefined();
  });
});
