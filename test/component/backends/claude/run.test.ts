import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { brakeHook } from '../../../../shared/backends/claude/brake.ts';
import { hookPayload } from '../../../../shared/backends/claude/hook-payloads.ts';
import { brakeFileOf, ClaudeRun } from '../../../../shared/backends/claude/run.ts';
import { SessionsFolder } from '../../../../shared/backends/claude/sessions-folder.ts';
import type { ManagedTerminal } from '../../../../shared/backends/terminal-host.ts';
import type { TurnFailure } from '../../../../shared/domain/run.ts';
import { silentLogger } from '../../../../shared/platform/logger.ts';
import { report } from '../../../../plugin/claude/report.ts';
import { fakeAgent, temporaryFolder } from '../../../support/core.ts';
import { RecordingHost } from '../../../support/driver-host.ts';
import { patience } from '../../../support/patience.ts';

/** No process has it: the state file is the test's. */
const pid = 2 ** 22 + 1;
let folder: ReturnType<typeof temporaryFolder>;
let sessions: SessionsFolder;
let host: Host;
let run: ClaudeRun;
let repeats: number;
let calls: number;
let file: string;

/** What the core was told, in order: how a turn ended, and that the session rests. */
class Host extends RecordingHost {
  readonly told: (TurnFailure | 'end' | 'idle')[] = [];
  override turnEnded(runId: string, failure?: TurnFailure): void {
    this.told.push(failure ?? 'end');
    super.turnEnded(runId);
  }
  override report(...[runId, source, fact, cause]: Parameters<RecordingHost['report']>): void {
    if (fact.kind === 'idle' && source === 'program') this.told.push('idle');
    super.report(runId, source, fact, cause);
  }
}
const circles = (reason: string) => ({ kind: 'circles', reason: expect.stringContaining(reason) as string });

beforeEach(async () => {
  folder = temporaryFolder('claude-run');
  repeats = 3;
  calls = 0;
  host = new Host();
  const runDir = join(folder.path, 'run');
  const configDir = join(folder.path, '.claude');
  mkdirSync(runDir);
  mkdirSync(join(configDir, 'sessions'), { recursive: true });
  const spec = {
    ...{ sessionId: 'alpha-toast', runId: 'run-1', role: 'polecat' as const, rig: 'alpha', title: 'toast', runDir },
    ...{ agent: fakeAgent, cwd: folder.path, env: {}, permissions: 'autonomous' as const, contextFile: '' },
  };
  file = brakeFileOf(spec);
  // An earlier host has died in the middle of it.
  writeFileSync(file, '{"continue":false}');
  const reference = { terminal: 'toast', claudeSession: 'session-1', configDir };
  run = new ClaudeRun(spec, reference, host, { hooked: true, maxRepeats: () => repeats });
  host.begin('run-1');
  says('idle', 1);
  sessions = new SessionsFolder(configDir, silentLogger);
  await run.begin(terminal, undefined, sessions);
  await begins('p1');
  host.told.length = 0;
});
afterEach(async () => {
  await run.release();
  sessions.dispose();
  folder.remove();
});

const terminal: ManagedTerminal = {
  ...{ name: 'toast', pid, write: () => undefined, show: () => undefined, close: () => undefined },
  ...{ personIsTyping: () => false, whenNotTyping: async () => undefined, exited: new Promise(() => undefined) },
};

/** The program's state file. */
function says(status: string, at = Date.now()): void {
  const state = { pid, sessionId: 'session-1', procStart: '1', status, statusUpdatedAt: at };
  writeFileSync(join(folder.path, '.claude/sessions', `${pid}.json`), JSON.stringify(state));
}

/** A hook as Claude's reporter tells it. */
async function hears(hook_event_name: string, more: Record<string, unknown> = {}, prompt_id = 'p1'): Promise<void> {
  const told = report({ session_id: 'session-1', prompt_id, hook_event_name, ...more });
  await run.onHook(hookPayload.parse(told), { at: Date.now(), signal: new AbortController().signal });
}
async function begins(promptId: string): Promise<void> {
  await hears('UserPromptSubmit', { prompt: 'Do it.' }, promptId);
  says('busy');
  await host.until('busy', () => host.status('run-1').activity.kind === 'busy');
}
function calling(output = 'same', agent_id?: string, promptId = 'p1'): Promise<void> {
  calls += 1;
  const call = { tool_name: 'Bash', tool_input: { command: 'ls' }, tool_use_id: `call-${calls}` };
  return hears('PostToolUse', { ...call, tool_response: { stdout: output }, ...(agent_id && { agent_id }) }, promptId);
}
const again = async (times: number, call: () => Promise<void>): Promise<void> => {
  for (let time = 0; time < times; time += 1) await call();
};

/** What Claude is told by the hook that it waits for before a tool call. */
function beforeCall(): string {
  const { command, args } = brakeHook(file, process.execPath, process.platform);
  return execFileSync(command, args, { encoding: 'utf8' });
}
/** The file for it follows a moment later. */
const isDecided = (): boolean => host.logged.some((line) => line.includes('broken off'));
const isBrokenOff = () =>
  expect
    .poll(beforeCall, { timeout: patience(10_000) })
    .toBe(
      '{"continue":false,"stopReason":"Gas Town: this turn is broken off: it called Bash 3 times in a row with the same, to the same end"}',
    );

test('a turn that calls the same to the same end again and again makes no further call, and has failed before the session rests', async () => {
  await again(2, calling);
  expect(beforeCall()).toBe('');
  expect(isDecided()).toBe(false);
  await calling();
  await isBrokenOff();
  expect(host.told).toEqual([]);
  says('idle');
  await host.until('it rests', () => host.told.includes('idle'));
  expect(host.told).toEqual([circles('3 times in a row'), 'idle']);
});

test('what is told late of a turn that was broken off changes nothing, and the next turn may call tools', async () => {
  await again(3, calling);
  await isBrokenOff();
  says('idle');
  await host.until('it rests', () => host.told.includes('idle'));
  await again(3, calling);
  await hears('Stop', { background_tasks: [], session_crons: [] });
  await begins('p2');
  await again(2, () => calling('same', undefined, 'p2'));
  await again(3, calling);
  expect(beforeCall()).toBe('');
  await hears('Stop', { background_tasks: [], session_crons: [] }, 'p2');
  expect(host.told.filter((each) => each !== 'idle')).toEqual([circles('Bash'), 'end']);
});

test('a turn that has ended by itself meanwhile has failed, too, and holds up no other', async () => {
  await again(3, calling);
  await expect.poll(() => existsSync(file), { timeout: patience(10_000) }).toBe(true);
  await hears('Stop', { background_tasks: [], session_crons: [] });
  expect(host.told).toEqual([circles('Bash')]);
  await begins('p2');
  await expect.poll(() => existsSync(file), { timeout: patience(10_000) }).toBe(false);
});

test('the same call with another result each time, and the same one told twice, is no circle', async () => {
  for (let time = 0; time < 20; time += 1) await calling(`line ${time}`);
  for (let time = 0; time < 3; time += 1) {
    calls -= 1;
    await calling('line 19');
  }
  expect(isDecided()).toBe(false);
  await hears('Stop', { background_tasks: [], session_crons: [] });
  expect(host.told).toEqual(['end']);
});

test('sub-agents count for themselves; one that goes in circles ends the turn of its session, whoever else calls first', async () => {
  for (const agent of ['a', 'b', undefined]) await again(2, () => calling('same', agent));
  expect(isDecided()).toBe(false);
  await calling('same', 'b');
  await isBrokenOff();
  // That call was another one's: this one goes on.
  await calling('same', 'b');
  await isBrokenOff();
  // Its end comes as a prompt, and the session says a word about it.
  await hears('SubagentStop', { agent_id: 'b' });
  await hears('UserPromptSubmit', { prompt: '<task-notification>' }, 'p2');
  await hears('Stop', { background_tasks: [], session_crons: [] }, 'p2');
  expect(host.told).toEqual([circles('Bash')]);
});

test('a conversation that is compacted again and again by itself is a circle, by the user it is none', async () => {
  await again(5, () => hears('PostCompact', { trigger: 'manual' }));
  expect(isDecided()).toBe(false);
  await again(3, () => hears('PostCompact', { trigger: 'auto' }));
  await expect.poll(beforeCall).toContain('compacted 3 times in a row');
  says('idle');
  await host.until('it rests', () => host.told.includes('idle'));
  expect(host.told).toEqual([circles('compacted 3 times'), 'idle']);
});

test('nothing is broken off where the settings say so', async () => {
  repeats = 0;
  await again(50, calling);
  expect(isDecided()).toBe(false);
  await hears('Stop', { background_tasks: [], session_crons: [] });
  expect(host.told).toEqual(['end']);
});
