// For each kind of trouble: rows, `gt doctor` and *Check Health* name the same true cause, and one thing to do.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { healthReport } from '../../../extension/commands/health-report.ts';
import { problemWords } from '../../../extension/diagnostics/problem-words.ts';
import { rigTree } from '../../../extension/views/rig-tree.ts';
import { sessionTree } from '../../../extension/views/session-tree.ts';
import { tooltipOf } from '../../../extension/views/tooltip.ts';
import type { TreeNode } from '../../../extension/views/tree-node.ts';
import type { ViewContext } from '../../../extension/views/view-context.ts';
import { workTree } from '../../../extension/views/work-tree.ts';
import { dialogCause } from '../../../shared/backends/claude/start-dialogs.ts';
import type { StartDialog } from '../../../shared/backends/claude/start-dialogs.ts';
import { ClaudePrograms } from '../../../shared/backends/claude/version.ts';
import { findOpencode } from '../../../shared/backends/opencode/program.ts';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import type { EscalationKind } from '../../../shared/domain/escalation-key.ts';
import type { TurnFailure } from '../../../shared/domain/run.ts';
import { lookAgain } from '../../../shared/domain/pull-request.ts';
import { remedyOf } from '../../../shared/domain/trouble.ts';
import type { ProblemKind, TroubleKind } from '../../../shared/domain/trouble.ts';
import { storeProblems } from '../../../shared/host/store-problems.ts';
import { Rigs } from '../../../shared/orchestration/rigs.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { WriteFailure } from '../../../shared/store/write-failure.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import titles from '../../../package.nls.json' with { type: 'json' };
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';
import { FakeTown as GtTown } from '../plugin/gt/support.ts';
import { atWork, sling, toast, unit, until } from '../reconcile/support.ts';

/** One way in which a trouble of the kind comes about. */
interface Case {
  what: string;
  make: () => unknown;
  /** The true cause. */
  cause: RegExp;
  /** The one thing to do, where the cause ends with it: the same everywhere. */
  todo?: string;
  gt?: string;
  editor?: string;
  /** No row has it: there is none, or it is marked in the file itself. */
  noRow?: true;
}

let town: FakeTown;
let gtTown: GtTown;
beforeAll(async () => {
  gtTown = await GtTown.start();
});
afterAll(() => gtTown.stop());

const crew = 'alpha-crew-max';
const startCrew = () => town.request('session.spawn', { role: 'crew', rig: 'alpha', name: 'max' });
const git = (...args: string[]) => execFileSync('git', args, { cwd: town.rig, stdio: 'pipe' });

/** A settings file comes to say this; resolves when that has been read. */
async function write(file: string, settings: object, isRead: () => boolean): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(settings));
  await until(isRead);
}

const tell = (kind: ProblemKind, message: string) => () =>
  town.problems.add(() => storeProblems(town, [[kind, message]]));

/** Something of this kind is raised, in words that are given. */
const raise = (kind: EscalationKind, message: string) => () =>
  town.escalations.raise({ severity: 'medium', message, by: 'host', sessionId: toast, key: { kind, subject: toast } });

const raised = (kind: EscalationKind, message: string, todo: Pick<Case, 'todo' | 'gt' | 'editor'>): Case => ({
  what: 'it is escalated',
  make: raise(kind, message),
  cause: new RegExp(message.replace(/[()]/g, '.')),
  ...todo,
});

/** A session's turn fails so again and again. */
const model = (kind: TurnFailure['kind'], reason: string, todo: string): Case => ({
  what: 'a session does not get on',
  make: async () => {
    await startCrew();
    town.escalations.raise({
      ...{ severity: 'high', message: `${crew} (opencode) does not get on: ${reason}`, by: 'host', sessionId: crew },
      key: { kind: `model-${kind}`, subject: crew },
    });
  },
  cause: new RegExp(`does not get on: ${reason}`),
  ...{ gt: todo, editor: todo },
});

/** The backend's own driver finds this of an agent's program. */
const finds = (what: string, find: () => Promise<unknown>, cause: RegExp, todo: string): Case => ({
  what,
  make: async () => {
    const error: unknown = await find().catch((reason: unknown) => reason);
    town.driver.onHealth = () => {
      throw error;
    };
    town.driver.onStart = () => Promise.reject(error instanceof Error ? error : new Error('it was found'));
    await sling(town).catch(() => undefined);
  },
  ...{ cause, todo },
});

const dialogs: Readonly<Record<StartDialog, RegExp>> = {
  'first-run': /Claude asks its first-run questions/,
  trust: /Claude asks whether to trust \/repo/,
  'api-key': /Claude asks whether to use the ANTHROPIC_API_KEY/,
  bypass: /Claude asks whether to run without asking for permissions.*No, ends it/,
};

const table: Readonly<Record<TroubleKind, readonly Case[]>> = {
  settings: [
    {
      what: 'a settings file cannot be used',
      make: () =>
        write(settingsPath(town.root), { type: 'town-settings', default_agent: 7 }, () =>
          town.settings.problems.some(({ message }) => message.includes('must be a string')),
        ),
      cause: /default_agent is a number, but must be a string/,
      gt: 'Correct the file; until then the last good settings are in force.',
      noRow: true,
    },
  ],
  store: [
    {
      what: 'the disk is full',
      make: () => {
        const cause = new WriteFailure('/town/town.db', 'database or disk is full', 'full', 'written', undefined);
        vi.spyOn(town.store.backlog, 'trouble', 'get').mockReturnValue({ message: cause.message, waiting: 2 });
        town.problems.add(() => storeProblems(town, []));
      },
      cause: /town\.db cannot be written: database or disk is full/,
      todo: 'Make room on the disk that /town is on.',
    },
  ],
  means: [
    {
      what: 'the socket is deleted',
      make: tell('means', '/tmp/gastown-1/x.sock was deleted while the town was open, and is made again.'),
      cause: /x\.sock was deleted while the town was open/,
      gt: 'Find out what deletes it (git clean -fdx, a cleaner of temporary folders)',
      editor: 'Find out what deletes it (git clean -fdx, a cleaner of temporary folders)',
    },
  ],
  spool: [
    {
      what: 'a report is not taken',
      make: tell('spool', 'Reports from while no window had the town open were not taken: its run was replaced.'),
      cause: /were not taken: its run was replaced/,
      gt: 'Look at these files, and delete what is not needed any more.',
      editor: 'Look at these files, and delete what is not needed any more.',
    },
  ],
  archive: [
    {
      what: 'what is old cannot be put away',
      make: tell('archive', 'What is over and old could not be archived, and stays in the database. ENOSPC'),
      cause: /could not be archived, and stays in the database/,
      gt: 'Make the folder .runtime/archive of the town one that you can write to, with space left.',
      editor: 'Make the folder .runtime/archive of the town one that you can write to, with space left.',
    },
  ],
  'escalation-command': [
    {
      what: "the user's command fails",
      make: tell('escalation-command', 'escalation.command did not work for esc_1: page could not be started'),
      cause: /escalation\.command did not work for esc_1: page could not be started/,
      gt: 'Correct escalation.command in the settings of the town.',
      editor: 'Correct escalation.command in the settings of the town.',
    },
  ],
  worktree: [
    {
      what: 'git does not remove one',
      make: async () => {
        await sling(town);
        git('worktree', 'lock', '--reason', 'on a stick', join(town.paths.worktrees, 'alpha', 'toast'));
        await town.request('session.stop', { session: toast });
        await until(() => town.snapshot().problems.length > 0);
      },
      cause: /stays: git has it locked: on a stick/,
      gt: `gt worktree remove ${toast}`,
      editor: 'Remove Worktree…',
    },
  ],
  rig: [
    {
      what: 'its folder is gone',
      make: () => opensAgain(() => renameSync(town.rig, `${town.rig}-moved`)),
      cause: /alpha does not exist/,
      todo: 'Put it there again',
    },
    {
      what: 'git hangs in it',
      make: () =>
        opensAgain(() => {
          execFileSync('mkfifo', [join(town.rig, '.git', 'pipe')]);
          git('config', 'include.path', join(town.rig, '.git', 'pipe'));
        }),
      cause: /its folder .*alpha, or git in it, does not answer/,
      todo: 'look whether the disk is there',
    },
  ],
  consent: [
    {
      what: 'its repository brings a program',
      make: async () => {
        const x = { provider: 'opencode', command: './tools/c' };
        const settings = { type: 'rig-settings', agents: { x }, role_agents: { polecat: 'x' } };
        await write(settingsPath(town.rig), settings, () => town.rigs.get('alpha').settings.agents !== undefined);
        await town.request('rig.review', { rig: 'alpha' });
      },
      cause: /rig alpha brings programs, .* that you have not agreed to, so nothing is started with them/,
      gt: 'gt rig trust alpha',
      editor: 'Review Rig Settings…',
    },
  ],
  quarantined: [
    {
      what: 'a session ends again and again',
      make: async () => {
        const first = await atWork(town);
        town.die(toast);
        await until(() => town.registry.get(toast).runId !== first && town.registry.get(toast).state === 'running');
        town.die(toast);
        await until(() => unit(town).state === 'stalled');
      },
      cause: /it was restarted once in 300 s and ended again: it was killed/,
      gt: `gt reset ${toast}`,
      editor: 'Reset Session…',
    },
  ],
  hung: [
    {
      what: 'a session is busy without a word',
      make: async () => {
        await atWork(town);
        town.busy(toast);
        await town.pass(11 * 60_000);
      },
      cause: /busy without any progress for 11 minutes/,
      gt: `gt log ${toast}`,
      editor: 'Show Timeline…',
    },
  ],
  stalled: [
    {
      what: 'a unit goes in circles',
      make: async () => {
        await atWork(town);
        const { runId } = town.registry.get(toast);
        const note = 'its conversation was compacted 20 times in a row';
        town.work.move(unit(town), 'stalled', { by: 'host', runId, note });
      },
      cause: /its conversation was compacted 20 times in a row/,
      gt: 'gt work requeue issue-1',
      editor: 'Queue Work Again…',
    },
  ],
  failed: [
    {
      what: 'a unit whose agent was not found',
      make: async () => {
        town.driver.onStart = async () => void (await findOpencode('no-such-program', { PATH: '/nowhere' }));
        await sling(town).catch(() => undefined);
      },
      cause: /The program "no-such-program" was not found on PATH/,
      gt: 'gt work requeue issue-1',
      editor: 'Queue Work Again…',
    },
  ],
  escalated: [
    {
      what: 'a session cannot finish a unit',
      make: async () => {
        await atWork(town);
        await town.request('work.done', { status: 'escalated', message: 'there is no key' }, toast);
      },
      cause: /there is no key/,
      gt: 'gt work requeue issue-1',
      editor: 'Queue Work Again…',
    },
  ],
  blocked: [raised('blocked', 'issue-2 waits for issue-1. Begin it without that', { todo: 'Begin it without that' })],
  wait: [raised('wait', `${toast} waits for an answer`, { gt: 'gt attention list', editor: 'Next Waiting Session' })],
  merge: [
    raised('merge', 'issue-1 was not merged: conflict. Look at it (gt review issue-1)', { todo: 'gt review issue-1' }),
  ],
  target: [raised('target', 'test fails on main. To have it tried at once: gt merge x', { todo: 'gt merge x' })],
  circles: [raised('circles', 'issue-1 goes in circles. Look at it: gt work show x', { todo: 'gt work show x' })],
  calls: [raised('calls', `${toast} was called 20 times`, { gt: `gt log ${toast}`, editor: 'Show Timeline…' })],
  reported: [
    {
      what: 'a session tells of it',
      make: async () => {
        await startCrew();
        await town.request('work.escalate', { severity: 'high', message: 'The key is missing' }, crew);
      },
      cause: /The key is missing/,
      gt: 'gt escalate close esc_',
      editor: 'Close Escalation…',
    },
  ],
  'model-rate-limit': [
    model('rate-limit', 'HTTP 429', 'Wait for the end of the limit'),
    {
      what: 'an agent is at its limit',
      make: async () => {
        await startCrew();
        const until = town.manager.now() + 60_000;
        const { backend, agent } = town.registry.get(crew);
        town.breakers.take({ backend, agent }, { kind: 'limited', until, reason: 'HTTP 429' });
      },
      cause: /HTTP 429/,
      gt: 'Wait for the end of the limit',
      editor: 'Wait for the end of the limit',
    },
  ],
  'model-account': [model('account', 'HTTP 401', 'Sign in: "opencode auth login"')],
  'model-provider': [model('provider', 'HTTP 500', "Look at the provider's status page")],
  'model-refused': [model('refused', 'no such model', "Look at the agent's model and arguments")],
  'model-circles': [model('circles', 'it was compacted 20 times', 'at the context limit')],
  dialog: Object.entries(dialogs).map(([dialog, cause]) => ({
    what: `Claude asks at its start: ${dialog}`,
    make: async () => {
      const { id, runId } = await town.request('session.spawn', { role: 'mayor' });
      const words = dialogCause([dialog as StartDialog], '/repo');
      town.manager.report(runId, 'program', { kind: 'waiting', ask: 'dialog' }, words);
      expect(id).toBe('hq-mayor');
    },
    cause,
    gt: 'gt mayor attach',
    editor: 'Attach Terminal…',
  })),
  link: [
    {
      what: 'hooks are not heard',
      make: async () => {
        await startCrew();
        town.registry.update(crew, { problem: 'Its hooks are not heard any more. Restart the session.' });
      },
      cause: /Its hooks are not heard any more/,
      todo: 'Restart the session',
    },
  ],
  dead: [
    {
      what: 'a session failed, and is not to be restarted',
      make: async () => {
        await town.settings.update({ failure_policy: { restarts: { max: 0 } } });
        await startCrew();
        town.die(crew);
        await town.settled();
      },
      cause: /it was killed/,
      gt: `gt reset ${crew}`,
      editor: 'Start Session Again…',
    },
  ],
  'work-dir': [
    {
      what: 'the folder of a session is gone',
      make: async () => rmSync((await startCrew()).workDir, { recursive: true }),
      cause: /its folder .*crew-max is gone/,
      gt: `gt stop ${crew}`,
      editor: 'Terminate Session…',
      noRow: true,
    },
  ],
  ownerless: [
    {
      what: 'a session has ended, and nobody has looked yet',
      make: async () => {
        await atWork(town);
        town.reconciler.dispose();
        town.die(toast);
      },
      cause: /issue-1 is running, but alpha-toast does not run/,
      gt: 'gt sling issue-1 alpha',
      editor: 'Sling Work…',
    },
  ],
  agent: [
    finds(
      'Claude Code is not there',
      () => new ClaudePrograms().find({ name: 'mine', command: 'no-claude', args: [] }, { PATH: '/nowhere' }),
      /Claude Code \("no-claude"\) was not found on PATH/,
      'npm install -g @anthropic-ai/claude-code',
    ),
    finds(
      'a wrapper that does not start it',
      () => new ClaudePrograms().find({ name: 'mine', command: 'env', args: ['A=1'] }, { PATH: '/usr/bin:/bin' }),
      /Agent "mine": .*env is not Claude Code, and does not start it with the arguments that it is given/,
      'A wrapper has to pass all arguments on',
    ),
    finds(
      'Opencode is not there',
      () => findOpencode('no-opencode', { PATH: '/nowhere' }),
      /The program "no-opencode" was not found on PATH/,
      'npm install -g opencode-ai',
    ),
    {
      what: 'its provider does not take the account',
      make: () => {
        const failure = { kind: 'account', reason: 'HTTP 401' } as const;
        const last = { sessionId: crew, agent: 'opencode', at: town.manager.now(), failure };
        town.breakers.lastFailures.set('opencode', last);
      },
      cause: /The last turn \(alpha-crew-max with opencode, at .*\) failed: HTTP 401/,
      todo: 'Sign in: "opencode auth login"',
    },
  ],
  breaker: [
    {
      what: 'starts in a rig failed in a row',
      make: () =>
        town.breakers.take({ backend: 'opencode', rig: 'alpha' }, { kind: 'failed', reason: 'it broke', final: true }),
      cause: /it broke/,
      gt: 'gt health',
      editor: 'Check Health',
    },
  ],
  git: [
    {
      what: 'it is not there',
      make: () => vi.stubEnv('PATH', '/nowhere'),
      cause: /git was not found on PATH/,
      gt: 'Install git',
      editor: 'Install git',
      noRow: true,
    },
  ],
  'git-old': [
    {
      what: 'it is too old',
      make: () => {
        const program = join(town.root, 'git');
        writeFileSync(program, '#!/bin/sh\necho git version 2.29.9\n');
        chmodSync(program, 0o755);
        vi.stubEnv('PATH', town.root);
      },
      cause: /git version 2\.29\.9 is older/,
      gt: 'Install git 2.30 or newer',
      editor: 'Install git 2.30 or newer',
      noRow: true,
    },
  ],
  'no-rig': [
    {
      what: 'a town without one',
      make: () => vi.spyOn(town.rigs, 'views').mockReturnValue([]),
      cause: /the town has no rig/,
      gt: '"Gas Town: Add Rig…"',
      editor: 'Add Rig…',
      noRow: true,
    },
  ],
};

/** What the next host finds of the town's rig after this. */
async function opensAgain(after: () => void): Promise<void> {
  after();
  const rigs = new Rigs({ store: town.store, townRoot: town.root, now: Date.now, log: silentLogger });
  await rigs.load();
  vi.spyOn(town.rigs, 'views').mockReturnValue(rigs.views());
  town.builder.touchAll();
  rigs.dispose();
}

const t = (message: string, ...args: (string | number)[]): string =>
  message.replace(/\{(\d+)\}/g, (_, index: string) => String(args[Number(index)]));

/** All that the views say, with what is hovered over, and the Problems view. */
function rowsOf(): string {
  const snapshot = town.snapshot();
  const context: ViewContext = { now: town.manager.now(), t, clock: (at) => new Date(at).toISOString() };
  const all = (nodes: readonly TreeNode[]): TreeNode[] => nodes.flatMap((node) => [node, ...all(node.children)]);
  const rows = all([sessionTree(snapshot, context), workTree(snapshot, context), rigTree(snapshot, context)].flat());
  const inViews = rows.flatMap(({ label, description, target }) => [
    `${label} ${description}`,
    tooltipOf(target, snapshot, context)?.replaceAll('\\', '') ?? '',
  ]);
  return [...inViews, ...snapshot.problems.map(problemWords)].join('\n');
}

const cases = Object.entries(table).flatMap(([kind, of]) => of.map((each) => [kind, each.what, each] as const));

describe('rows, gt doctor and Check Health name the same cause, and one thing to do', () => {
  beforeEach(async () => {
    town = await makeFakeTown({ hung_minutes: 10, stalled: 'leave', restarts: { max: 1 } });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    town.close();
  });

  test.each(cases)('%s: %s', async (kind, _what, { make, cause, todo, gt = todo, editor = todo, noRow }) => {
    await make();
    const doctor = await town.request('town.doctor', {});
    const health = await town.request('town.health', {});
    const told = doctor.checks.filter((check) => check.kind === kind && cause.test(check.detail));
    expect(told, JSON.stringify(doctor.checks, null, 1)).toHaveLength(1);
    gtTown.answers = { 'town.doctor': { checks: told } };
    const { out } = await gtTown.gt(['doctor']);
    const report = healthReport('town', health, { checks: doctor.checks }, t);
    for (const text of [out, report]) expect(text).toMatch(cause);
    expect(out).toContain(gt);
    // One thing: by its line, or in the cause.
    expect(out.match(/→/g) ?? []).toHaveLength(todo === undefined ? 1 : 0);
    expect(report).toContain(editor ?? gt);
    if (todo === undefined && gt?.startsWith('gt ')) expect(report).not.toContain(`: ${gt}`);
    if (noRow) return;
    const rows = rowsOf();
    expect(rows).toMatch(cause);
    expect(rows).toContain(editor);
  });
});

test('every kind has a case', () => {
  expect(Object.entries(table).filter(([, of]) => of.length === 0)).toEqual([]);
});

describe('what is to be done', () => {
  const subject = { session: 'hq-mayor', work: 'issue-1', rig: 'alpha', escalation: 'esc_1', needed: '2.30' };
  const remedies = Object.keys(table).flatMap((kind) => remedyOf({ kind: kind as TroubleKind, subject }) ?? []);
  remedies.push(lookAgain);

  test('is an action that the palette has', () => {
    const hidden = packageJson.contributes.menus.commandPalette.filter((each) => each.when === 'false');
    const shown = packageJson.contributes.commands
      .filter(({ command }) => !hidden.some((each) => each.command === command))
      .map(({ title }) => (titles as Record<string, string>)[title.slice(1, -1)]);
    for (const { action } of remedies) if (action !== undefined) expect(shown).toContain(action);
  });

  test.each([...new Set(remedies.flatMap(({ gt }) => gt ?? []))].map((line) => [line]))(
    'is a command that gt has: %s',
    async (line) => {
      const names = line.split(' ').filter((word) => !Object.values(subject).includes(word) && !word.startsWith('--'));
      expect((await gtTown.gt([...names.slice(1), '--help'])).out).toContain(`Usage: ${names.join(' ')}`);
    },
  );
});

test('who starts slowly, or sleeps while busy, is in no trouble', async () => {
  town = await makeFakeTown({ hung_minutes: 10 }, undefined, { awake: () => 0 });
  await atWork(town);
  town.busy(toast);
  let begin = (): void => undefined;
  town.driver.onStart = () => new Promise((resolve) => (begin = resolve));
  const starting = startCrew();
  await vi.waitUntil(() => town.registry.find(crew)?.state === 'starting', { timeout: patience() });
  // As a sling has it while the worktree is made.
  await town.request('work.add', { id: 'issue-2', description: 'Do it', rig: 'alpha' });
  town.work.assign('issue-2', 'alpha-nux', { by: 'overseer' });
  await town.pass(8 * 60 * 60_000);
  const { checks } = await town.request('town.doctor', {});
  expect(checks.filter(({ state }) => state !== 'ok')).toEqual([]);
  expect(rowsOf()).toMatch(/max starting/);
  begin();
  await starting;
  town.close();
});
