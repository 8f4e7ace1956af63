import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dialogCause, startDialogs } from '../../../../shared/backends/claude/start-dialogs.ts';
import type { DialogQuery, StartDialog } from '../../../../shared/backends/claude/start-dialogs.ts';

const skips = ['--dangerously-skip-permissions'];
const key = `sk-${'x'.repeat(40)}-the-end-of-a-key-1`;

let home: string;
let rig: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'gt-dialogs-')));
  rig = join(home, 'rig');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function put(file: string, content: unknown): void {
  const path = join(home, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
}

/** A user who has been here before. */
function answered(more: object = {}): void {
  put('.claude.json', { hasCompletedOnboarding: true, projects: { [rig]: { hasTrustDialogAccepted: true } }, ...more });
}

function ask(more: Partial<DialogQuery> = {}): Promise<StartDialog[]> {
  return startDialogs({
    ...{ environment: { HOME: home }, cwd: rig, trustFolder: rig, agentArgs: [], warningSkipped: false },
    platform: 'linux',
    ...more,
  });
}

test('whoever has answered all of them is asked nothing', async () => {
  answered();
  expect(await ask()).toEqual([]);
  expect(await ask({ agentArgs: ['--permission-mode', 'plan'] })).toEqual([]);
});

test('nobody has answered anything: all come, in their order', async () => {
  const environment = { HOME: home, ANTHROPIC_API_KEY: key };
  expect(await ask({ environment, agentArgs: skips })).toEqual(['first-run', 'trust', 'api-key', 'bypass']);
  put('.claude.json', '{ half written');
  expect(await ask()).toEqual(['first-run', 'trust']);
});

test.each(['approved', 'rejected'])('a key that the user has %s is not asked about again', async (list) => {
  answered({ customApiKeyResponses: { [list]: [key.slice(-20)] } });
  expect(await ask({ environment: { HOME: home, ANTHROPIC_API_KEY: key } })).toEqual([]);
  expect(await ask({ environment: { HOME: home, ANTHROPIC_API_KEY: `${key}2` } })).toEqual(['api-key']);
});

test.each([
  [skips],
  [['--model', 'opus', ...skips]],
  [['--allow-dangerously-skip-permissions']],
  [['--permission-mode', 'bypassPermissions']],
  [['--permission-mode=bypassPermissions']],
  [['-c', 'exec claude "$@"', 'claude', ...skips]],
])('an agent that bypasses permissions by itself is warned of: %j', async (agentArgs) => {
  answered();
  expect(await ask({ agentArgs })).toEqual(['bypass']);
});

test.each<[string, () => void]>([
  ["the user's settings, where Claude keeps the answer", () => put('.claude/settings.json', accepted)],
  ["the repository's own local settings", () => put('rig/.claude/settings.local.json', accepted)],
  ['an older version', () => answered({ bypassPermissionsModeAccepted: true })],
])('the warning is decided once: in %s', async (_where, accept) => {
  answered();
  accept();
  expect(await ask({ agentArgs: skips })).toEqual([]);
});
const accepted = { skipDangerousModePermissionPrompt: true };

test("what the repository's shared settings say does not count, as for Claude", async () => {
  answered();
  put('rig/.claude/settings.json', accepted);
  put('.claude/settings.json', { skipDangerousModePermissionPrompt: 'yes' });
  expect(await ask({ agentArgs: skips })).toEqual(['bypass']);
});

test('a launch whose own settings skip it is not warned', async () => {
  answered();
  expect(await ask({ agentArgs: skips, warningSkipped: true })).toEqual([]);
});

test('the row names each with what its default does, and where to answer', () => {
  expect(dialogCause(['trust'], '/r')).toBe('Claude asks whether to trust /r; answer in the terminal');
  expect(dialogCause(['bypass'], '/r')).toMatch(
    /^Claude asks whether to run without asking for permissions, .*No, ends it\); answer in the terminal$/,
  );
  expect(dialogCause(['first-run', 'trust'], '/r')).toBe(
    'Claude asks its first-run questions, then whether to trust /r; answer in the terminal',
  );
  expect(dialogCause([], '/r')).toBe('Claude asks something before it starts; answer in the terminal');
});
