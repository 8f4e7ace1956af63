import { afterEach, expect, test, vi } from 'vitest';
import { hookPayload } from '../../../../shared/backends/claude/hook-payloads.ts';
import { HookReports } from '../../../../shared/backends/claude/hook-reports.ts';
import type { HookReportsParts } from '../../../../shared/backends/claude/hook-reports.ts';
import { RecordingHost } from '../../../support/driver-host.ts';

let reports: HookReports | undefined;
afterEach(() => reports?.dispose());

function scene() {
  const host = new RecordingHost();
  const alive: (string | undefined)[] = [];
  const turn = { submitted: () => true, alive: (promptId?: string) => void alive.push(promptId), end: () => undefined };
  const parts = {
    runId: 'run_1',
    host,
    startup: undefined,
    asks: { settleTool: () => undefined },
    turn,
    circles: { take: () => undefined },
    insist: () => undefined,
    begun: () => undefined,
  };
  reports = new HookReports(parts as unknown as HookReportsParts);
  const hear = (hook_event_name: string, at: number, more: Record<string, unknown> = {}) =>
    reports!.take(hookPayload.parse({ session_id: 's', hook_event_name, ...more }), {
      at,
      signal: new AbortController().signal,
    });
  const setClock = (now: number): void => void vi.spyOn(host, 'now').mockReturnValue(now);
  const causes = () => host.reports.map(({ cause }) => cause);
  return { hear, causes, alive, setClock };
}
const tool = { tool_name: 'Bash', tool_input: {} };

test('what ran beside the session and is heard after the end of the turn does not make it busy again', async () => {
  const { hear, causes } = scene();
  await hear('UserPromptSubmit', 10, { prompt: 'x' });
  await hear('PreToolUse', 20, tool);
  await hear('Stop', 40, { background_tasks: [], session_crons: [] });
  await hear('PostToolUse', 30, tool);
  expect(causes()).toEqual(['prompt submitted', 'uses Bash', 'turn ended']);
});

test('what was told of the turn before, and is heard after the next prompt, is no sign that the model has that', async () => {
  const { hear, alive } = scene();
  await hear('UserPromptSubmit', 20, { prompt: 'x' });
  await hear('PostToolUse', 10, tool);
  expect(alive).toEqual([]);
  await hear('PreToolUse', 30, tool);
  expect(alive).toHaveLength(1);
});

test('hooks are heard when the clock was set back', async () => {
  const { hear, causes, alive, setClock } = scene();
  setClock(5_000);
  await hear('UserPromptSubmit', 5_000, { prompt: 'x' });
  setClock(100);
  await hear('PreToolUse', 90, tool);
  await hear('Stop', 100, { background_tasks: [], session_crons: [] });
  expect(causes()).toEqual(['prompt submitted', 'uses Bash', 'turn ended']);
  expect(alive).toHaveLength(2);
});
