// For each kind of trouble: rows, `gt doctor` and *Check Health* name the same true cause, and one thing to do.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
import { Overdue } from '../../../shared/attention/escalate-waits.ts';
import { dialogCause } from '../../../shared/backends/claude/start-dialogs.ts';
import type { StartDialog } from '../../../shared/backends/claude/start-dialogs.ts';
import { Unheard } from '../../../shared/backends/claude/unheard.ts';
import { ClaudePrograms } from '../../../shared/backends/claude/version.ts';
import { findOpencode } from '../../../shared/backends/opencode/program.ts';
import type { MethodName, Params, Results } from '../../../shared/channel/protocol.ts';
import { keepReport, spoolFolder } from '../../../shared/channel/spool.ts';
import type { TownSnapshot } from '../../../shared/channel/views.ts';
import { troublePolicy } from '../../../shared/config/provider-failure-settings.ts';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import type { TurnFailure } from '../../../shared/domain/run.ts';
import { lookAgain } from '../../../shared/domain/pull-request.ts';
import { remedyOf } from '../../../shared/domain/trouble.ts';
import type { TroubleKind } from '../../../shared/domain/trouble.ts';
import type { TownHost } from '../../../shared/host/host.ts';
import { storeProblems } from '../../../shared/host/store-problems.ts';
import { Rigs } from '../../../shared/orchestration/rigs.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { TurnFailureHandler } from '../../../shared/reconcile/turn-failures.ts';
import { WriteFailure } from '../../../shared/store/write-failure.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import titles from '../../../package.nls.json' with { type: 'json' };
import { makeBareTown } from '../../support/bare-host.ts';
import type { BareTown } from '../../support/bare-host.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';
import { mergeActs } from '../merge/support.ts';
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
/** Where the trouble is: there, or in a real host. */
let place: {
  request<M extends MethodName>(method: M, params: Params<M>): Promise<Results[M]>;
  snapshot(): TownSnapshot;
};
const closers: (() => unknown)[] = [];
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

/** A real host of a town of its own, with none of our agents, comes to have a problem. */
const inHost =
  (then: (host: TownHost, bare: BareTown) => unknown, before: (bare: BareTown) => unknown = () => undefined) =>
  async (): Promise<void> => {
    const bare = await makeBareTown();
    closers.push(bare.remove);
    Object.assign(bare.options, { environment: { PATH: '/nowhere', HOME: bare.root } });
    await before(bare);
    const host = await bare.host();
    closers.push(() => host.dispose());
    place = { request: (method, params) => host.api.request(method, params), snapshot: () => host.snapshot };
    await then(host, bare);
    await until(() => host.snapshot.problems.length > 0);
  };

/** The user's own settings of the town say this, too. */
function configure({ root }: BareTown, more: object): void {
  const file = settingsPath(root);
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...more }));
}

/** An escalation is raised, for which the user's own command is run. */
const paging = (...command: string[]) =>
  inHost(
    (host) => host.api.request('work.escalate', { severity: 'high', message: 'Help' }),
    (bare) => configure(bare, { escalation: { command } }),
  );

/** Files lie in the folder of kept reports before the town is opened. */
const spooled = (keep: (folder: string) => unknown) =>
  inHost(
    () => undefined,
    async ({ root }) => {
      const folder = spoolFolder(root);
      mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
      await keep(folder);
    },
  );

/** Acts of workers and the user in the rig of the fake town. */
const { settings, finish, merge, until: untilMerge, rigGit } = mergeActs(() => town);

/** The branch of a unit is approved, and cannot be merged for good. */
async function notMerged(settled: Record<string, unknown>, meanwhile: () => unknown): Promise<void> {
  await settings({ max_retry_count: 0, ...settled });
  await finish('toast', 'issue-1', { 'a.txt': 'mine\n' });
  await meanwhile();
  await merge('issue-1');
}

/** The turn of a session that owes an answer fails so, and nothing is tried any more. */
const model = (kind: TurnFailure['kind'], reason: string, todo: string): Case => ({
  what: 'a session does not get on',
  make: async () => {
    const troubles = new TurnFailureHandler({
      town,
      policy: () => troublePolicy({ max_redeliveries: 0 }),
      alternatives: () => [],
      failOver: () => Promise.reject(new Error('there is no other agent')),
    });
    closers.push(() => troubles.dispose());
    const { runId } = await startCrew();
    town.idle(crew);
    const { id } = await town.request('message.send', { to: crew, type: 'nudge', body: 'Do it' });
    await town.settled();
    town.manager.delivered(runId, id);
    town.manager.turnEnded(runId, { kind, reason });
    town.idle(crew);
    await town.settled();
  },
  cause: new RegExp(`${crew} \\(.*\\) does not get on: .*: ${reason}`),
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
      what: 'a file of the town is deleted',
      make: inHost((_host, { paths }) => rmSync(paths.hostFile)),
      cause: /host\.json was deleted while the town was open, and is made again/,
      todo: 'Find out what deletes it (git clean -fdx, a cleaner of temporary folders), and keep that away.',
    },
    {
      what: 'all of it is deleted, and something else is in its place',
      make: inHost((_host, bare) => {
        bare.deleteRuntime();
        writeFileSync(bare.paths.runtime, '');
      }),
      cause: /What the town needs in .*\.runtime was deleted, and cannot be made again: .*\.runtime is no folder now\./,
      todo: 'Move away what is there.',
    },
  ],
  spool: [
    {
      what: 'a report was cut short',
      make: spooled((folder) => {
        mkdirSync(folder, { mode: 0o700 });
        writeFileSync(join(folder, '1.json'), '{"version": 1, "id": "', { mode: 0o600 });
      }),
      cause: /were not taken: 1\.json: it is no report \(.*JSON.*\)\. They are kept in .*refused/,
      gt: 'Look at what is there, and move away or delete what is not needed any more.',
      editor: 'Look at what is there, and move away or delete what is not needed any more.',
    },
    {
      what: 'a report is from nobody whom the town knows',
      make: spooled(async (folder) => {
        const by = { run: 'run_gone', token: 'of a town that was here before' };
        const call = { method: 'work.done', params: { id: 'issue-1', message: 'Done.' } } as const;
        await keepReport(join(folder, '..', '..'), call, by);
      }),
      cause: /were not taken: Somebody whom the town does not know reported at .*: completed, "Done\."/,
      gt: 'Look at what is there, and move away or delete what is not needed any more.',
      editor: 'Look at what is there, and move away or delete what is not needed any more.',
    },
    {
      what: 'something else is where its folder is to be',
      make: spooled((folder) => writeFileSync(folder, '')),
      cause: /spool is no folder, so what sessions report while no window has the town open is not kept or not taken/,
      gt: 'Look at what is there, and move away or delete what is not needed any more.',
      editor: 'Look at what is there, and move away or delete what is not needed any more.',
    },
  ],
  archive: [
    {
      what: 'what is old cannot be put away',
      make: inHost(
        () => undefined,
        async (bare) => {
          const host = await bare.host();
          for (const id of ['issue-1', 'issue-2']) {
            await host.api.request('work.add', { id, description: `Do ${id}` });
            await host.api.request('work.cancel', { id });
          }
          await host.dispose();
          writeFileSync(bare.paths.archive, '');
          bare.options.now = () => Date.now() + 91 * 86_400_000;
        },
      ),
      cause: /could not be archived, and stays in the database\. .*archive.*\.jsonl could not be written: ENOTDIR/,
      gt: 'Make the folder .runtime/archive of the town one that you can write to, with space left.',
      editor: 'Make the folder .runtime/archive of the town one that you can write to, with space left.',
    },
  ],
  'escalation-command': [
    {
      what: 'there is no such program',
      make: paging('/no/such/pager', '--now'),
      cause: /escalation\.command did not work for esc_\w+: \/no\/such\/pager could not be started: .*ENOENT/,
      gt: 'Correct escalation.command in the settings of the town.',
      editor: 'Correct escalation.command in the settings of the town.',
    },
    {
      what: 'it fails',
      make: paging(process.execPath, '-e', 'console.error("no modem"); process.exit(1)'),
      cause: /escalation\.command did not work for esc_\w+: it ended with code 1\. Its last words: no modem/,
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
  blocked: [
    {
      what: 'what a unit waits for is cancelled',
      make: async () => {
        await town.request('work.add', { id: 'issue-1', description: 'Do it', rig: 'alpha' });
        await town.request('work.add', { id: 'issue-2', description: 'Do it', rig: 'alpha', after: ['issue-1'] });
        await town.request('work.queue', { work: 'issue-2', rig: 'alpha' });
        await town.request('work.cancel', { id: 'issue-1' });
      },
      cause: /issue-2 is blocked: it waits for issue-1/,
      todo: 'gt work depend issue-2 --remove --on issue-1',
    },
  ],
  wait: [
    {
      what: 'a question is not answered in time',
      make: async () => {
        const { asks, escalations, store, clock } = { ...town, clock: town.manager.clock };
        const overdue = new Overdue({ asks, escalations, store, minutes: () => 30, clock });
        closers.push(() => overdue.dispose());
        await atWork(town);
        const ask = { id: 'ask-1', kind: 'permission', title: 'bash: ls', detail: 'ls' } as const;
        const wait = { ...ask, options: [], resolvable: true, since: town.manager.now() };
        const { runId } = town.registry.get(toast);
        town.manager.report(runId, 'program', { kind: 'asked', ask: wait }, 'permission.asked');
        await town.pass(31 * 60_000);
        overdue.review();
      },
      cause: /alpha-toast waits for an answer since .*: bash: ls/,
      gt: 'gt attention list',
      editor: 'Next Waiting Session',
    },
  ],
  merge: [
    {
      what: 'a branch conflicts, and its author has had all rounds',
      make: async () => {
        await notMerged({}, () => {
          writeFileSync(join(town.rig, 'a.txt'), 'theirs\n');
          rigGit('add', 'a.txt');
          rigGit('commit', '-qm', 'Theirs');
        });
        await untilMerge('issue-1', 'conflict');
      },
      cause: /The branch of issue-1 was not merged: .*a\.txt/,
      todo: 'Look at it (gt review issue-1)',
    },
  ],
  target: [
    {
      what: 'its gate fails without the branch, too',
      make: async () => {
        await notMerged({ gates: { lint: { cmd: 'exit 1' } } }, () => undefined);
        await until(() => town.escalations.list().length > 0);
      },
      cause: /lint fails on main of alpha itself, at \w{10}/,
      todo: 'To have it tried at once: gt merge issue-1',
    },
  ],
  circles: [
    {
      what: 'whoever slung a unit is told again and again that it did not go well',
      make: async () => {
        await town.request('session.spawn', { role: 'mayor' });
        await town.request('sling', { work: 'issue-1', rig: 'alpha', name: 'toast', message: 'Do it' }, 'hq-mayor');
        for (let time = 0; time < 8 && town.escalations.list().every(({ key }) => key.kind !== 'circles'); time += 1) {
          await town.pass(1_000);
          town.work.move(unit(town), 'failed', { by: 'overseer', note: 'No wood' });
          town.work.move(unit(town), 'open', { by: 'overseer' });
        }
      },
      cause: /issue-1 goes in circles: hq-mayor was told \d+ times within an hour that it did not go well/,
      todo: 'Look at it: gt work show issue-1',
    },
  ],
  calls: [
    {
      what: 'a session is called again and again',
      make: async () => {
        await town.settings.update({ roles: { calls_per_hour: 2 } });
        await town.request('session.spawn', { role: 'witness', rig: 'alpha' });
        await atWork(town);
        for (let time = 0; time < 3; time += 1)
          await town.request('work.escalate', { severity: 'low', message: `number ${time}` }, toast);
      },
      cause: /alpha-witness was called 2 times within an hour/,
      gt: 'gt log alpha-witness',
      editor: 'Show Timeline…',
    },
  ],
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
      what: 'the model speaks, and no hook is heard',
      make: async () => {
        const { runId } = await startCrew();
        const unheard = new Unheard({
          now: Date.now,
          hasSpokenSince: () => Promise.resolve(true),
          tell: (problem) => town.driver.tellProblem(runId, problem),
        });
        closers.push(() => unheard.dispose());
        vi.useFakeTimers({ now: 1_000_000 });
        unheard.busy();
        unheard.idle();
        await vi.advanceTimersByTimeAsync(60_000);
        vi.useRealTimers();
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
  const snapshot = place.snapshot();
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
    place = town;
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    town.close();
  });

  test.each(cases)('%s: %s', async (kind, _what, { make, cause, todo, gt = todo, editor = todo, noRow }) => {
    await make();
    const doctor = await place.request('town.doctor', {});
    const health = await place.request('town.health', {});
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
  place = town;
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
