import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AskLog } from '../../../shared/attention/ask-log.ts';
import { Overdue } from '../../../shared/attention/escalate-waits.ts';
import { followAllowList } from '../../../shared/attention/auto-answer.ts';
import { randomIds } from '../../../shared/platform/ids.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { TownClock } from '../../../shared/platform/town-clock.ts';
import type { AnsweredBy, AskReply } from '../../../shared/domain/status-report.ts';
import type { Ask } from '../../../shared/domain/activity.ts';
import { Escalations } from '../../../shared/work/escalations.ts';
import { fakeAgent, makeCore, rethrow, temporaryFolder } from '../../support/core.ts';
import { patience } from '../../support/patience.ts';

let folder: ReturnType<typeof temporaryFolder>;
let core: ReturnType<typeof makeCore>;
let asks: AskLog;
let run: string;
const id = 'alpha-one';

beforeEach(async () => {
  folder = temporaryFolder('asks');
  core = makeCore(join(folder.path, 'town.db'));
  asks = newLog();
  const session = {
    id,
    backend: 'opencode' as const,
    role: 'polecat' as const,
    rig: 'alpha',
    agentName: 'one',
    agent: fakeAgent,
    workDir: '/work',
  };
  ({ runId: run } = await core.manager.start(session, new AbortController().signal));
});

afterEach(() => {
  vi.useRealTimers();
  asks.dispose();
  core.store.close();
  rmSync(folder.path, { recursive: true });
});

const newLog = (): AskLog =>
  new AskLog({ store: core.store, registry: core.registry, manager: core.manager, log: silentLogger });
const since = Date.UTC(2026, 10, 22);
const asked = (changes: Partial<Ask> = {}): void => {
  const ask: Ask = {
    id: 'ask-1',
    kind: 'permission',
    title: 'bash: ls',
    detail: 'ls',
    options: [],
    resolvable: true,
    since,
    ...changes,
  };
  for (const source of ['program', 'inside'] as const)
    core.manager.report(run, source, { kind: 'asked', ask }, 'permission.asked');
};
const answered = (cause: string, askId = 'ask-1', by: AnsweredBy = 'terminal', reply?: AskReply): void => {
  const fact = { kind: 'answered', askId, by, ...(reply === undefined ? {} : { reply }) } as const;
  for (const source of ['program', 'inside'] as const) core.manager.report(run, source, fact, cause);
};
const busy = (): void => core.manager.report(run, 'program', { kind: 'busy' }, 'busy');
const events = (type: string) => core.store.events(id).filter((event) => event.type === type);
const ends = () => events('ask.answered').map(({ detail }) => [detail['by'], detail['answer']]);

describe('the log of asks', () => {
  test('has each ask once, with what it is about, from when it began', () => {
    asked({ detail: 'x'.repeat(10_000) });
    asked();
    expect(events('ask.asked')).toMatchObject([
      { at: since, runId: run, detail: { ask: 'ask-1', kind: 'permission', title: 'bash: ls' } },
    ]);
    expect(String(events('ask.asked')[0]?.detail['detail'])).toHaveLength(4_001);
  });

  test.each([
    ['permission.replied once', 'terminal', 'allowed', 'allowed'],
    ['permission.replied always', 'terminal', 'allowed, always', 'always'],
    ['permission.replied reject', 'terminal', 'denied', 'denied'],
    ['answered in the terminal', 'terminal', 'answered', undefined],
    ['the turn ended', 'nobody', 'the turn ended', undefined],
    ['it was replaced in the terminal', 'nobody', 'it was replaced in the terminal', undefined],
  ] as const)('says who answered, whatever the words: %s', (cause, by, answer, reply) => {
    asked();
    answered(cause, 'ask-1', by, reply);
    answered(cause, 'ask-1', by, reply);
    expect(ends()).toEqual([[by, answer]]);
  });

  test('says that the person answered, and what', async () => {
    asked();
    await asks.answer(id, 'ask-1', { kind: 'deny', message: 'Not now.' }, { by: 'person' });
    answered('permission.replied reject');
    expect(ends()).toEqual([['person', 'denied: Not now.']]);
  });

  test('lets nobody answer twice', async () => {
    asked();
    const first = asks.answer(id, 'ask-1', { kind: 'allow' }, { by: 'person' });
    await expect(asks.answer(id, 'ask-1', { kind: 'deny' }, { by: 'person' })).rejects.toMatchObject({
      code: 'refused',
    });
    await first;
    answered('permission.replied once');
    await expect(asks.answer(id, 'ask-1', { kind: 'deny' }, { by: 'person' })).rejects.toMatchObject({
      code: 'refused',
    });
    expect(core.driver.answers).toEqual([{ askId: 'ask-1', answer: { kind: 'allow' } }]);
  });

  test("an answer that failed is nobody's", async () => {
    asked();
    core.driver.answer = () => Promise.reject(new Error('no connection'));
    await expect(asks.answer(id, 'ask-1', { kind: 'allow' }, { by: 'person' })).rejects.toThrow('no connection');
    answered('permission.replied once', 'ask-1', 'terminal', 'allowed');
    expect(ends()).toEqual([['terminal', 'allowed']]);
  });

  test('what is open when the run ends was answered by nobody', () => {
    asked();
    core.manager.report(run, 'program', { kind: 'ended', error: 'killed' }, 'gone');
    expect(ends()).toEqual([['nobody', 'killed']]);
  });

  test('a new host goes on where the last one was', () => {
    asked();
    asks.dispose();
    asks = newLog();
    asked();
    expect(asks.open()).toMatchObject([{ session: { id }, wait: { id: 'ask-1', since } }]);
    answered('permission.replied once', 'ask-1', 'terminal', 'allowed');
    expect(events('ask.asked')).toHaveLength(1);
    expect(ends()).toEqual([['terminal', 'allowed']]);
  });

  test('a wait without an ask is one when it lasts', () => {
    vi.useFakeTimers();
    core.manager.report(run, 'program', { kind: 'waiting', ask: 'dialog' }, 'waits: dialog open');
    busy();
    vi.advanceTimersByTime(5_000);
    expect(events('ask.asked')).toEqual([]);
    core.manager.report(run, 'program', { kind: 'waiting', ask: 'dialog' }, 'waits: dialog open');
    vi.advanceTimersByTime(5_000);
    expect(events('ask.asked')).toMatchObject([
      { detail: { ask: 'dialog', kind: 'dialog', title: 'waits: dialog open' } },
    ]);
    busy();
    expect(ends()).toEqual([['terminal', 'answered']]);
  });
});

describe('the allow-list', () => {
  const calls = [{ tool: 'bash', argument: 'git status', kind: 'shell' as const }];
  const follow = (patterns: string[], platform: NodeJS.Platform = 'linux') =>
    followAllowList({ asks, log: silentLogger, platform, patterns: (role) => (role === 'polecat' ? patterns : []) });

  test('answers what it covers, and says by which rule', async () => {
    follow(['bash(git *)']);
    asked({ calls });
    await vi.waitFor(() => expect(core.driver.answers).toEqual([{ askId: 'ask-1', answer: { kind: 'allow' } }]), {
      timeout: patience(),
    });
    answered('permission.replied once');
    expect(events('ask.answered')).toMatchObject([
      { detail: { by: 'policy', answer: 'allowed', rule: 'bash(git *)' } },
    ]);
  });

  test.each([
    ['what no pattern fits', ['bash(npm *)'], { calls }],
    ['what nothing is known of', ['bash(*)'], {}],
    ['a plan', ['bash(*)'], { calls, kind: 'plan' as const }],
    ['what can be answered in the terminal only', ['bash(*)'], { calls, resolvable: false }],
  ])('leaves %s to the user', async (_what, patterns, changes) => {
    follow(patterns);
    asked(changes);
    await Promise.resolve();
    expect(core.driver.answers).toEqual([]);
    expect(core.registry.get(id).asks).toHaveLength(1);
  });

  test('leaves a shell of which it does not know the quoting to the person', async () => {
    follow(['bash(*)'], 'win32');
    asked({ calls });
    await Promise.resolve();
    expect(core.driver.answers).toEqual([]);
  });
});

describe('an unanswered wait', () => {
  let now: number;
  let minutes: number;
  let escalations: Escalations;
  let overdue: Overdue;

  beforeEach(() => {
    vi.useFakeTimers();
    now = since;
    minutes = 30;
    escalations = new Escalations(core.store, () => now, silentLogger, randomIds);
    overdue = newOverdue();
  });
  afterEach(() => overdue.dispose());

  const newOverdue = (): Overdue =>
    new Overdue({
      asks,
      escalations,
      store: core.store,
      minutes: () => minutes,
      clock: new TownClock({ wall: () => now }, rethrow),
    });
  const pass = (ms: number): void => {
    now += ms;
    vi.advanceTimersByTime(ms);
  };
  const open = () => core.store.escalations.open();
  const minute = 60_000;

  test('E10: is escalated when its time is over, once', () => {
    asked();
    pass(29 * minute);
    expect(open()).toEqual([]);
    pass(minute);
    expect(open()).toMatchObject([
      { severity: 'high', by: 'host', sessionId: id, message: expect.stringContaining('bash: ls') as string },
    ]);
    overdue.review();
    pass(300 * minute);
    expect(core.store.escalations.latest(10)).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is not escalated when it was answered in time, and the escalation is over with the wait', () => {
    asked();
    answered('permission.replied once');
    pass(60 * minute);
    expect(open()).toEqual([]);
    asked({ id: 'ask-2', since: now });
    pass(30 * minute);
    expect(open()).toHaveLength(1);
    answered('permission.replied once', 'ask-2');
    expect(core.store.escalations.latest(10)).toMatchObject([
      { closedBy: 'host', note: expect.stringContaining('terminal') as string },
    ]);
  });

  test('is escalated by the next host, when its time is over since the first one saw it', () => {
    asked();
    pass(20 * minute);
    overdue.dispose();
    asks.dispose();
    asks = newLog();
    overdue = newOverdue();
    asked({ since: now });
    pass(9 * minute);
    expect(open()).toEqual([]);
    pass(minute);
    expect(open()).toHaveLength(1);
    overdue.dispose();
    asks.dispose();
    asks = newLog();
    overdue = newOverdue();
    asked({ since: now });
    pass(100 * minute);
    expect(core.store.escalations.latest(10)).toHaveLength(1);
  });

  test('is never escalated where the settings say so, and sooner when they change', () => {
    minutes = 0;
    asked();
    pass(100 * minute);
    expect(open()).toEqual([]);
    minutes = 120;
    overdue.review();
    pass(10 * minute);
    expect(open()).toEqual([]);
    minutes = 60;
    overdue.review();
    expect(open()).toHaveLength(1);
  });
});
