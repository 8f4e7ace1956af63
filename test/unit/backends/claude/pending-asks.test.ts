import { expect, test } from 'vitest';
import type { PermissionRequest } from '../../../../shared/backends/claude/hook-payloads.ts';
import { PendingAsks } from '../../../../shared/backends/claude/pending-asks.ts';

function scene(now = (): number => 1_000) {
  const open: string[] = [];
  const closed: [string, string, string][] = [];
  const asks = new PendingAsks(
    { asked: ({ id }) => void open.push(id), answered: (id, by, cause) => void closed.push([id, by, cause]) },
    now,
  );
  const hold = (command: string, at = 0, signal = new AbortController().signal, ask?: string) =>
    asks.hold(request(command), { at, signal, ask });
  return { asks, open, closed, hold };
}

function request(command: string): PermissionRequest {
  const call = { tool_name: 'Bash', tool_input: { command } };
  return { session_id: 's', hook_event_name: 'PermissionRequest', permission_suggestions: [], ...call };
}

test('an answer from here goes to the hook; a second one is refused', async () => {
  const { asks, open, closed, hold } = scene();
  const held = hold('ls');
  const [id = ''] = open;
  asks.answer(id, { kind: 'allow' });
  expect(await held).toMatchObject({ hookSpecificOutput: { decision: { behavior: 'allow' } } });
  expect(closed).toEqual([[id, 'here', 'answered here']]);
  expect(() => asks.answer(id, { kind: 'deny' })).toThrow('answered in the terminal');
});

test('an answer that does not fit leaves the ask open', () => {
  const { asks, open, closed, hold } = scene();
  void hold('ls');
  expect(() => asks.answer(open[0] ?? '', { kind: 'answers', answers: [] })).toThrow('allow or deny');
  expect(closed).toEqual([]);
});

test('a tool that has run was allowed in the terminal: exactly that call, once', async () => {
  const { asks, open, closed, hold } = scene();
  const held = [hold('ls'), hold('pwd'), hold('pwd')];
  asks.settleTool({ tool_name: 'Bash', tool_input: { command: 'pwd' } }, 5);
  asks.settleTool({ tool_name: 'Bash', tool_input: { command: 'whoami' } }, 5);
  asks.settleTool({ tool_name: 'Bash', tool_input: { command: 'ls' }, agent_id: 'another' }, 5);
  expect(await held[1]).toBeUndefined();
  expect(closed).toEqual([[open[1], 'terminal', 'answered in the terminal']]);
});

test('what was asked before Claude stopped waiting is over, what came after is not', () => {
  const { asks, open, closed, hold } = scene();
  void hold('first', 10);
  void hold('second', 30);
  asks.settleUntil(20, 'nobody', 'over');
  expect(closed).toEqual([[open[0], 'nobody', 'over']]);
});

test('what was asked before the clock was set back is over like anything else', async () => {
  let now = 5_000;
  const { asks, open, closed, hold } = scene(() => now);
  const held = [hold('ls', 5_000), hold('pwd', 5_000)];
  now = 100;
  asks.settleTool({ tool_name: 'Bash', tool_input: { command: 'ls' } }, 90);
  expect(closed).toEqual([[open[0], 'terminal', 'answered in the terminal']]);
  asks.settleUntil(100, 'nobody', 'over');
  expect(closed.at(-1)).toEqual([open[1], 'nobody', 'over']);
  expect(await Promise.all(held)).toEqual([undefined, undefined]);
});

test('a hook that Claude had given up before it was looked at is never asked', async () => {
  const { open, closed, hold } = scene();
  expect(await hold('ls', 0, AbortSignal.abort(), 'ask-1')).toBeUndefined();
  expect([open, closed]).toEqual([[], []]);
  // The next host hears of it under the same name.
  void hold('ls', 0, new AbortController().signal, 'ask-1');
  expect(open).toEqual(['ask-1']);
});

test('a hook that Claude gives up is no longer asked', () => {
  const { open, closed, hold } = scene();
  const controller = new AbortController();
  void hold('ls', 0, controller.signal);
  controller.abort();
  expect(closed).toEqual([[open[0], 'nobody', 'Claude withdrew it']]);
});

test('letting go decides nothing, and says nothing', async () => {
  const { asks, closed, hold } = scene();
  const held = hold('ls');
  asks.release();
  expect(await held).toBeUndefined();
  expect(closed).toEqual([]);
});

test('a tool that ran before the same was asked again does not answer it', () => {
  const { asks, closed, hold } = scene();
  void hold('ls', 20);
  asks.settleTool({ tool_name: 'Bash', tool_input: { command: 'ls' } }, 10);
  expect(closed).toEqual([]);
});

test('an ask has the name that its reporter gave it, so that it is the same for the next host; but once closed it is another', () => {
  const { open, hold } = scene();
  const controller = new AbortController();
  void hold('ls', 0, controller.signal, 'ask-1');
  controller.abort();
  void hold('ls', 0, undefined, 'ask-1');
  expect(open[0]).toBe('ask-1');
  expect(open[1]).not.toBe('ask-1');
});
