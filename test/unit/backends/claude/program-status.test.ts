import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ProgramStatusTracker } from '../../../../shared/backends/claude/program-status.ts';
import type { ProgramStatus } from '../../../../shared/backends/claude/sessions-folder.ts';
import type { StatusReport } from '../../../../shared/domain/status-report.ts';

let told: (StatusReport | 'turn over' | `left at ${number}`)[];
let tracker: ProgramStatusTracker;
beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  told = [];
  tracker = new ProgramStatusTracker(
    {
      report: (fact) => void told.push(fact),
      idle: () => void told.push('turn over'),
      noLongerWaiting: (leftAt) => void told.push(`left at ${leftAt}`),
    },
    Date.now,
  );
});
afterEach(() => {
  tracker.dispose();
  vi.useRealTimers();
});

const says = (status: ProgramStatus, waitingFor?: string): void =>
  tracker.update({ pid: 1, sessionId: 's', status, waitingFor });
const pass = (ms: number) => vi.advanceTimersByTime(ms);
const idle: StatusReport = { kind: 'idle' };
const busy: StatusReport = { kind: 'busy' };

describe('idle', () => {
  test('counts when it has lasted', () => {
    says('idle');
    pass(149);
    expect(told).toEqual([]);
    pass(1);
    expect(told).toEqual([idle, 'turn over']);
  });

  test('does not count between two queued turns', () => {
    says('busy');
    says('idle');
    pass(15);
    says('busy');
    pass(1000);
    expect(told).toEqual([busy, busy]);
  });

  test('can be waited for', async () => {
    says('busy');
    expect(await tracker.stableIdle(0)).toBe(false);
    const later = tracker.stableIdle(500);
    says('idle');
    pass(150);
    expect(await later).toBe(true);
    expect(await tracker.stableIdle(0)).toBe(true);
  });

  test('is not waited for longer than one is patient', async () => {
    says('busy');
    const later = tracker.stableIdle(500);
    pass(700);
    expect(await later).toBe(false);
  });
});

describe('an idle from before a turn began', () => {
  const at = (status: ProgramStatus, statusUpdatedAt: number): void =>
    tracker.update({ pid: 1, sessionId: 's', status, statusUpdatedAt });

  test('is no word about that turn, however long the file takes', async () => {
    at('idle', 1000);
    pass(150);
    tracker.begun(2000);
    told = [];
    expect(tracker.current).toBe('busy');
    tracker.insist('busy');
    expect(await tracker.stableIdle(0)).toBe(false);
    at('busy', 1990);
    at('idle', 3000);
    pass(150);
    expect(told).toEqual([busy, idle, 'turn over']);
  });

  test('counts anew where the busy between was not seen', () => {
    at('idle', 1000);
    pass(150);
    tracker.begun(2000);
    told = [];
    at('idle', 2100);
    pass(150);
    expect(told).toEqual([idle, 'turn over']);
  });

  test('is outdated also where it is read late', async () => {
    at('busy', 1000);
    tracker.begun(2000);
    at('idle', 1900);
    pass(1000);
    expect(told).toEqual([busy]);
    expect(await tracker.stableIdle(0)).toBe(false);
  });

  test('is one of that turn where the clock was set back since', () => {
    vi.setSystemTime(3_600_000);
    at('busy', 3_600_000);
    tracker.begun(3_600_000);
    vi.setSystemTime(1000);
    at('idle', 1000);
    pass(150);
    expect(told).toEqual([busy, idle, 'turn over']);
  });

  test('is believed after all where nothing else comes: the hook was heard too late', () => {
    at('idle', 1000);
    pass(150);
    tracker.begun(2000);
    told = [];
    pass(10_000);
    expect(told).toEqual([idle, 'turn over']);
  });
});

describe('waiting', () => {
  test.each([
    ['permission prompt', 'permission'],
    ['input needed', 'question'],
    ['dialog open', 'dialog'],
    ['something new', 'dialog'],
  ])('for "%s" is %s', (waitingFor, ask) => {
    says('waiting', waitingFor);
    expect(told).toEqual([{ kind: 'waiting', ask }]);
  });

  test('is over when it does not come back at once', () => {
    says('waiting', 'permission prompt');
    pass(40);
    says('busy');
    pass(150);
    expect(told.at(-1)).toBe('left at 40');
  });

  test('is not over when the next dialog follows', () => {
    says('waiting', 'permission prompt');
    says('busy');
    pass(100);
    says('waiting', 'permission prompt');
    pass(1000);
    expect(told.filter((entry) => typeof entry === 'string')).toEqual([]);
  });
});

test('a background command is work', () => {
  says('shell');
  expect(told).toEqual([busy]);
});

test('the file has the last word after a hook that says otherwise', () => {
  says('idle');
  pass(150);
  tracker.insist('busy');
  expect(told.at(-1)).toEqual(idle);
  const count = told.length;
  tracker.insist('idle');
  expect(told).toHaveLength(count);
});
