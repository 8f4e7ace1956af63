import { describe, expect, test } from 'vitest';
import { configFolder, globalConfigFile, terminalEnvironment } from '../../../../shared/backends/claude/environment.ts';
import { describeExit } from '../../../../shared/backends/claude/exit.ts';
import {
  checkAgentArguments,
  launchArguments,
  permissionPlan,
} from '../../../../shared/backends/claude/launch-arguments.ts';
import { launchSettings } from '../../../../shared/backends/claude/settings.ts';
import type { SettingsOptions } from '../../../../shared/backends/claude/settings.ts';
import { compareVersions } from '../../../../shared/backends/claude/version.ts';

describe('arguments', () => {
  const base = {
    sessionId: 'u',
    resumes: false,
    settingsFile: '/s.json',
    title: 'Dagny (sample)',
    permissions: 'ask',
    agentArgs: [],
  } as const;

  test('ours come after the agent\'s own, the prompt after "--"', () => {
    expect(launchArguments({ ...base, agentArgs: ['--model', 'opus'], firstPrompt: '-v' })).toEqual([
      ...['--model', 'opus', '--session-id', 'u', '--settings', '/s.json', '--permission-mode', 'default'],
      ...['--name', 'Dagny (sample)', '--', '-v'],
    ]);
  });

  test("a permission mode of the agent's own is respected", () => {
    expect(launchArguments({ ...base, agentArgs: ['--permission-mode=plan'] })).not.toContain('--permission-mode');
    expect(launchArguments({ ...base, agentArgs: ['--dangerously-skip-permissions'] })).not.toContain(
      '--permission-mode',
    );
  });

  test.each(['--bare', '--settings=x.json', '-p', '--resume', '-c', '--', '--safe-mode'])('%s is refused', (flag) => {
    expect(() => checkAgentArguments('mine', ['--model', 'opus', flag], 'claude')).toThrow(
      `Agent "mine": the argument ${flag}`,
    );
  });

  test('other flags are not', () => {
    expect(() => checkAgentArguments('mine', ['--model', 'opus', '--add-dir', '/x'], 'claude')).not.toThrow();
  });

  test.each([
    [['-c', 'exec claude "$@"', 'claude', '--model', 'opus']],
    [['-p', '2', '--', 'claude', '--model', 'opus']],
  ])("a wrapper's own short ones are its own: %j", (args) => {
    expect(() => checkAgentArguments('mine', args, 'wrapper')).not.toThrow();
  });

  test.each([
    [['-c', 'exec claude "$@"', 'claude', '--resume'], '--resume'],
    [['FOO=1', 'claude', '--settings=x.json'], '--settings=x.json'],
    [['claude', '--'], '--'],
  ])('what a wrapper hands to Claude Code is looked at: %j', (args, bad) => {
    expect(() => checkAgentArguments('mine', args, 'wrapper')).toThrow(`Agent "mine": the argument ${bad} cannot`);
  });

  test.each([
    ['interactive', {}, true, 'ask'],
    ['autonomous', {}, false, 'bypass'],
    ['autonomous', {}, true, 'allow-rules'],
    ['autonomous', { IS_SANDBOX: '1' }, true, 'bypass'],
    ['autonomous', { IS_SANDBOX: '0' }, true, 'allow-rules'],
  ] as const)('%s with %j, root %s: %s', (profile, environment, isRoot, plan) => {
    expect(permissionPlan(profile, environment, isRoot)).toBe(plan);
  });
});

describe('environment', () => {
  test("is the person's own without what is the host's", () => {
    const host = {
      HOME: '/home/me',
      PATH: '/usr/bin:/bin',
      HTTPS_PROXY: 'http://proxy',
      ANTHROPIC_MODEL: 'opus',
      CLAUDE_CODE_USE_BEDROCK: '1',
      CLAUDECODE: '1',
      CLAUDE_CODE_CHILD_SESSION: '1',
      CLAUDE_CODE_SSE_PORT: '4711',
      NODE_OPTIONS: '--inspect',
      VSCODE_PID: '1',
      ELECTRON_RUN_AS_NODE: '1',
      GT_TOKEN: 'of another session',
      UNSET: undefined,
    };
    expect(
      terminalEnvironment(host, { EXTRA: 'agent' }, { GT_TOKEN: 'mine', PATH: '/town/bin:/usr/bin:/bin' }),
    ).toEqual({
      TERM: 'xterm-256color',
      COLORTERM: 'truecolor',
      HOME: '/home/me',
      PATH: '/town/bin:/usr/bin:/bin',
      HTTPS_PROXY: 'http://proxy',
      ANTHROPIC_MODEL: 'opus',
      CLAUDE_CODE_USE_BEDROCK: '1',
      NO_PROXY: 'localhost,127.0.0.1,::1',
      no_proxy: 'localhost,127.0.0.1,::1',
      EXTRA: 'agent',
      GT_TOKEN: 'mine',
      CLAUDE_CODE_DISABLE_AGENT_VIEW: '1',
      CLAUDE_CODE_AUTO_CONNECT_IDE: 'false',
      CLAUDE_CODE_IDE_SKIP_AUTO_INSTALL: '1',
    });
  });

  test('Claude keeps its files in the home folder, or where it was told', () => {
    expect(configFolder({ HOME: '/home/me' })).toBe('/home/me/.claude');
    expect(globalConfigFile({ HOME: '/home/me' })).toBe('/home/me/.claude.json');
    expect(configFolder({ HOME: '/home/me', CLAUDE_CONFIG_DIR: '/c' })).toBe('/c');
    expect(globalConfigFile({ HOME: '/home/me', CLAUDE_CONFIG_DIR: '/c' })).toBe('/c/.claude.json');
  });
});

describe('settings', () => {
  const options: SettingsOptions = {
    hookProgram: { command: '/opt/an editor/node', args: ['/ext/hook.js'], env: { ELECTRON_RUN_AS_NODE: '1' } },
    permissions: 'ask',
    messagesDir: '/town/.runtime/r/messages',
    brakeFile: '/town/.runtime/r/break-off.json',
    platform: 'linux',
  };

  test('every hook is reported by our program without a shell, with its environment: no answer comes from anywhere else', () => {
    const { hooks } = launchSettings(options) as { hooks: Record<string, unknown> };
    const all = Object.values(hooks).flatMap((of) =>
      (of as { hooks: { type: string; command: string }[] }[]).flatMap((each) => each.hooks),
    );
    const brake = {
      type: 'command',
      command: '/bin/sh',
      args: ['-c', expect.any(String), options.brakeFile],
      timeout: 5,
    };
    const reporters = all.filter(({ command }) => command !== '/bin/sh');
    expect(all.filter((each) => !reporters.includes(each))).toEqual([brake]);
    expect(reporters.map(({ type, command }) => `${type} ${command}`)).toEqual(
      reporters.map(() => 'command /usr/bin/env'),
    );
    const args = ['ELECTRON_RUN_AS_NODE=1', '/opt/an editor/node', '/ext/hook.js'];
    expect(hooks['SessionStart']).toEqual([
      { hooks: [{ type: 'command', command: '/usr/bin/env', args, timeout: 5 }] },
    ]);
  });

  test('a permission request may take as long as the user needs; nothing else keeps Claude waiting for more than seconds', () => {
    const { hooks } = launchSettings(options) as {
      hooks: Record<string, { hooks: { timeout: number; async?: boolean }[] }[]>;
    };
    const timeout = (name: string) => hooks[name]?.[0]?.hooks[0]?.timeout;
    expect([timeout('PermissionRequest'), timeout('Stop')]).toEqual([86_400, 3]);
    const beside = Object.entries(hooks).filter(([, [of]]) => of?.hooks[0]?.async);
    expect(beside.map(([name]) => name)).toEqual(['PreToolUse', 'PostToolUse', 'PostToolUseFailure', 'PostCompact']);
  });

  test('what may be done without asking', () => {
    const allowed = (permissions: 'ask' | 'bypass' | 'allow-rules') =>
      (launchSettings({ ...options, permissions }) as { permissions: { allow: string[] } }).permissions.allow;
    expect(allowed('ask')).toEqual(['Read(//town/.runtime/r/messages/**)']);
    expect(allowed('allow-rules')).toContain('Bash(*)');
    expect(launchSettings({ ...options, permissions: 'bypass' })).toMatchObject({
      skipDangerousModePermissionPrompt: true,
    });
    expect(launchSettings(options)).not.toHaveProperty('skipDangerousModePermissionPrompt');
  });
});

test('versions are compared by number', () => {
  expect(compareVersions('2.1.99', '2.1.139')).toBeLessThan(0);
  expect(compareVersions('2.2.0', '2.1.330')).toBeGreaterThan(0);
  expect(compareVersions('2.1.139', '2.1.139')).toBe(0);
});

test.each([
  [0, false, true],
  [undefined, false, true],
  [129, false, true],
  [1, false, false],
  [137, true, false],
  [143, false, false],
  [0, true, false],
  [undefined, true, false],
])('exit code %s, abrupt %s: clean %s', (code, abrupt, clean) => {
  expect(describeExit({ code, closedByUser: false }, abrupt).clean).toBe(clean);
});

test('a terminal that the user closed is their stop, whatever became of the program', () => {
  for (const code of [undefined, 0, 1, 137]) {
    expect(describeExit({ code, closedByUser: true }, true)).toEqual({
      clean: true,
      words: 'the user closed its terminal',
    });
  }
  expect(describeExit(undefined, true).clean).toBe(false);
});
