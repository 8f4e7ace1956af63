import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { claude } from '../../../shared/backends/claude/backend.ts';
import { opencode } from '../../../shared/backends/opencode/backend.ts';
import {
  exemptLoopback,
  gitLeftovers,
  inheritedEnvironment,
  knowAgents,
} from '../../../shared/platform/inherited-environment.ts';
import { makeRepository, temporaryFolder } from '../../support/core.ts';

knowAgents([claude.variables, opencode.variables]);

const none = inheritedEnvironment({});
const kept = (environment: Record<string, string>) => inheritedEnvironment(environment);

describe('what real git hands to the programs that it starts', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let worktree: string;
  let dump: string;
  const clean = { PATH: process.env['PATH'] ?? '', HOME: '/nowhere', GIT_CONFIG_NOSYSTEM: '1' };
  const git = (...args: string[]): void =>
    void execFileSync('git', args, { cwd: worktree, env: { ...clean, GIT_EDITOR: dump }, stdio: 'pipe' });
  /** What the program had that git started last. */
  const handedOn = (): Record<string, string> =>
    JSON.parse(readFileSync(join(folder.path, 'environment.json'), 'utf8')) as Record<string, string>;

  beforeAll(() => {
    folder = temporaryFolder('leftovers');
    const repository = makeRepository(join(folder.path, 'other'));
    worktree = join(folder.path, 'linked');
    execFileSync('git', ['worktree', 'add', '-q', worktree], { cwd: repository, stdio: 'pipe' });
    const write = join(folder.path, 'write.cjs');
    writeFileSync(
      write,
      `require('fs').writeFileSync(${JSON.stringify(join(folder.path, 'environment.json'))}, JSON.stringify(process.env));`,
    );
    dump = join(folder.path, 'dump');
    writeFileSync(
      dump,
      `#!/bin/sh\n'${process.execPath}' '${write}' && if [ -n "$1" ]; then echo "A message" >"$1"; fi\n`,
    );
    chmodSync(dump, 0o755);
    const hook = join(repository, '.git/hooks/post-checkout');
    writeFileSync(hook, `#!/bin/sh\n'${dump}'\n`);
    chmodSync(hook, 0o755);
    writeFileSync(join(worktree, 'README.md'), '# Changed\n');
  });
  afterAll(() => folder.remove());

  const shell = ['PWD', 'OLDPWD', 'SHLVL', '_', 'GIT_EDITOR'];
  test.each<[string, string, () => void]>([
    ['the editor of git commit, in a linked worktree', 'GIT_INDEX_FILE', () => git('commit', '-a')],
    [
      'the editor of git commit --amend',
      'GIT_AUTHOR_NAME',
      () => git('commit', '--amend', '--author', 'Somebody Else <else@example.com>'),
    ],
    ['a hook in a linked worktree', 'GIT_DIR', () => git('checkout', '-q', '-b', 'another')],
    ['rebase --exec', 'GIT_CHERRY_PICK_HELP', () => git('rebase', '-q', '--exec', dump, 'HEAD~1')],
    [
      'an alias, with options before it',
      'GIT_LITERAL_PATHSPECS',
      () => git('--literal-pathspecs', '--no-replace-objects', '-c', `alias.z=!'${dump}'`, 'z'),
    ],
    [
      'a difftool',
      'GIT_EXTERNAL_DIFF',
      () => git('-c', `difftool.z.cmd='${dump}'`, 'difftool', '-y', '-t', 'z', 'HEAD~1'),
    ],
  ])('%s: nothing of it is left', (_where, typical, run) => {
    run();
    const environment = handedOn();
    expect(Object.keys(environment)).toContain(typical);
    const left = Object.entries(kept(environment)).filter(([name]) => !shell.includes(name));
    expect(Object.fromEntries(left)).toEqual(clean);
  });

  test('whatever this git calls local to a repository is on the list', () => {
    const local = execFileSync('git', ['rev-parse', '--local-env-vars'], { encoding: 'utf8' }).trim().split('\n');
    expect(local.length).toBeGreaterThan(10);
    expect(local.filter((name) => !gitLeftovers.includes(name))).toEqual([]);
  });
});

describe('of what a user sets for git', () => {
  const own = {
    GIT_AUTHOR_NAME: 'Me',
    GIT_AUTHOR_EMAIL: 'me@example.com',
    GIT_COMMITTER_NAME: 'Me',
    GIT_SSH_COMMAND: 'ssh -i key',
    GIT_SSH: 'ssh',
    GIT_ASKPASS: '/usr/bin/ksshaskpass',
    SSH_ASKPASS: '/usr/bin/ksshaskpass',
    GIT_EDITOR: 'vim',
    GIT_CONFIG_GLOBAL: '/home/me/gitconfig',
    GIT_EXTERNAL_DIFF: 'difft',
  };
  test('names, ssh, passwords and programs stay', () => {
    expect(kept(own)).toEqual(own);
    expect(kept({ ...own, GIT_AUTHOR_DATE: '2026-01-01', GIT_COMMITTER_DATE: '2026-01-01' })).toEqual(own);
  });

  test('settings by GIT_CONFIG_COUNT go with their keys and values', () => {
    expect(
      kept({ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.worktree', GIT_CONFIG_VALUE_0: '/elsewhere' }),
    ).toEqual(none);
  });
});

describe('what the editor puts into its terminals goes', () => {
  test.each<[string, Record<string, string>]>([
    [
      'its own password question',
      { GIT_ASKPASS: '/ed/askpass.sh', VSCODE_GIT_ASKPASS_MAIN: '/ed/askpass-main.js', VSCODE_GIT_IPC_HANDLE: '/x' },
    ],
    ['its own git editor', { GIT_EDITOR: '"/ed/git-editor.sh"', VSCODE_GIT_EDITOR_MAIN: '/ed/git-editor-main.js' }],
    ['its debugger of Node', { NODE_OPTIONS: '--require /ed/bootloader.js', VSCODE_INSPECTOR_OPTIONS: ':::{}' }],
    ['a debugger of Bun', { BUN_INSPECT: 'unix:///x', BUN_INSPECT_CONNECT_TO: 'unix:///y' }],
    ['its name', { TERM_PROGRAM: 'vscode', TERM_PROGRAM_VERSION: '1.2.3', ELECTRON_RUN_AS_NODE: '1' }],
    [
      'a session of another town around it',
      { GT_TOKEN: 't', GT_SESSION: 'hq-mayor', GT_ROOT: '/t', BD_ACTOR: 'mayor' },
    ],
    ['an agent around it', { CLAUDECODE: '1', CLAUDE_CODE_SSE_PORT: '1', CLAUDE_PROJECT_DIR: '/p' }],
  ])('%s', (_what, environment) => {
    for (const [recipient, variables] of [
      ['program', undefined],
      ['claude', claude.variables],
      ['opencode', opencode.variables],
    ] as const) {
      expect(inheritedEnvironment({ ...environment, HOME: '/home/me' }, variables), recipient).toEqual({
        HOME: '/home/me',
      });
    }
  });
});

test("each agent gets its own settings, and Opencode none of Claude's", () => {
  const environment = {
    CLAUDE_CONFIG_DIR: '/c',
    CLAUDE_CODE_USE_BEDROCK: '1',
    OPENCODE_CONFIG: '/o.json',
    OPENCODE_SERVER_PASSWORD: 'p',
  };
  expect(inheritedEnvironment(environment, claude.variables)).toMatchObject({
    CLAUDE_CONFIG_DIR: '/c',
    CLAUDE_CODE_USE_BEDROCK: '1',
  });
  expect(inheritedEnvironment(environment, opencode.variables)).toEqual({ OPENCODE_CONFIG: '/o.json' });
});

test.each<[string, Record<string, string>, string, string]>([
  ['nothing exempted', {}, 'localhost,127.0.0.1,::1', 'localhost,127.0.0.1,::1'],
  [
    'one spelling: it counts for the other too',
    { no_proxy: 'corp.example' },
    'corp.example,localhost,127.0.0.1,::1',
    'corp.example,localhost,127.0.0.1,::1',
  ],
  ['both, each its own', { NO_PROXY: 'a', no_proxy: 'b' }, 'a,localhost,127.0.0.1,::1', 'b,localhost,127.0.0.1,::1'],
  [
    'some of loopback, with blanks',
    { NO_PROXY: '127.0.0.1, a' },
    '127.0.0.1,a,localhost,::1',
    '127.0.0.1,a,localhost,::1',
  ],
  ['an empty one', { NO_PROXY: '', no_proxy: 'a' }, 'a,localhost,127.0.0.1,::1', 'a,localhost,127.0.0.1,::1'],
  ['everything', { NO_PROXY: '*' }, '*', '*'],
])('loopback goes past a proxy: %s', (_case, environment, upper, lower) => {
  const proxy = { HTTP_PROXY: 'http://proxy:1' };
  expect(exemptLoopback({ ...environment, ...proxy })).toEqual({ ...proxy, NO_PROXY: upper, no_proxy: lower });
});
