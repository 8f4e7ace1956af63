import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ClaudeDriver } from '../../../shared/backends/claude/driver.ts';
import type { DeliveryOutcome, RunSpec } from '../../../shared/backends/driver.ts';
import { ChannelServer } from '../../../shared/channel/server.ts';
import type { Params } from '../../../shared/channel/protocol.ts';
import { descendants, startedWith } from '../../../shared/platform/process-table.ts';
import type { ProcessIdentity } from '../../../shared/platform/process-table.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { RecordingHost } from '../../support/driver-host.ts';
import { startScriptedModel } from '../../support/model/server.ts';
import type { ScriptedModel } from '../../support/model/server.ts';
import { patience } from '../../support/patience.ts';
import { PtyTerminalHost } from '../../support/pty-terminal-host.ts';
import type { PtyTerminal } from '../../support/pty-terminal-host.ts';
import { claude } from '../../support/setup/agents.ts';

const run = promisify(execFile);

/** What the host answers to the SessionStart hook. */
export const roleContext = 'You are the crew member Dagny of the rig sample.';

/**
 * Everything around one driver: a repository, a user's home with Claude Code's first-run questions answered, the real
 * program, a scripted model, a channel. Nothing of this machine's own configuration is used.
 */
export class ClaudeTown {
  readonly host = new RecordingHost();
  readonly terminals = new PtyTerminalHost();
  readonly model: ScriptedModel;
  readonly folder: string;
  readonly repository: string;
  readonly configDir: string;
  readonly program: string;
  readonly environment: Record<string, string>;
  driver: ClaudeDriver;
  /** Of the host's socket. */
  readonly socket: string;
  /** The program that hooks run. */
  reporter = resolve('plugin/claude/hook.ts');
  private channel: ChannelServer | undefined;
  private count = 0;

  private constructor(parts: { model: ScriptedModel; folder: string; program: string; socket: string }) {
    this.model = parts.model;
    this.folder = parts.folder;
    this.program = parts.program;
    this.socket = parts.socket;
    this.repository = join(this.folder, 'repository');
    this.configDir = join(this.folder, 'home', '.claude');
    this.environment = {
      HOME: join(this.folder, 'home'),
      PATH: '/usr/local/bin:/usr/bin:/bin',
      LANG: 'C.UTF-8',
      SHELL: '/bin/bash',
      ANTHROPIC_BASE_URL: this.model.url,
      ANTHROPIC_AUTH_TOKEN: 'dummy',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    };
    this.driver = this.newDriver();
  }

  static async create(options: { socket?: string } = {}): Promise<ClaudeTown> {
    const { executable } = await claude((line) => console.log(line));
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'gt-claude-')));
    const model = await startScriptedModel();
    const socket = options.socket ?? join(folder, 'channel', 'gt.sock');
    const town = new ClaudeTown({ model, folder, program: executable, socket });
    await town.listen();
    await mkdir(join(folder, 'home'), { recursive: true });
    await town.trust([town.repository]);
    await makeRepository(town.repository);
    return town;
  }

  private async listen(): Promise<void> {
    this.channel = await ChannelServer.listen(
      this.socket,
      {
        identify: (token) => ({ kind: 'session', session: 'sample-dagny', runId: token.replace('token-of-', '') }),
        hello: (caller) => ({ protocol: 1, town: 'test', root: this.folder, host: 'test', caller }),
        handle: async (caller, method, params, signal) => {
          if (method !== 'inside.hook' || caller.kind !== 'session') throw new Error(`Nobody answers ${method} here.`);
          const { wantsContext, ...reply } = await this.driver.onReporterEvent(
            { by: { runId: caller.runId }, ...(params as Params<'inside.hook'>) },
            signal,
          );
          return { ...reply, ...(wantsContext ? { additionalContext: roleContext } : {}) };
        },
      },
      silentLogger,
    );
  }

  /** The host goes: nobody listens any more, and the sessions live on. */
  async leave(): Promise<void> {
    await this.channel?.close();
    await this.driver.dispose();
  }

  /** The next host comes, and takes the session up. */
  async comeBack(spec: RunSpec): Promise<void> {
    const { sessionId, runId } = spec;
    const reference = structuredClone(this.host.references.get(runId) ?? {});
    this.host.begin(runId);
    if (!(await this.newDriver().adopt({ sessionId, runId, reference, spec }))) throw new Error(`${runId} is gone.`);
    // The core lets what waits for the user wait until then, too.
    await this.listen();
  }

  /** Lets a new host take over: same town, same terminals. */
  newDriver(): ClaudeDriver {
    this.driver = new ClaudeDriver(this.host, {
      terminals: this.terminals,
      environment: this.environment,
      maxRepeats: () => 0,
      hookProgram: { command: process.execPath, args: [this.reporter], env: { GT_TEST_MARK: '1' } },
    });
    return this.driver;
  }

  async trust(folders: string[]): Promise<void> {
    const projects = Object.fromEntries(folders.map((folder) => [folder, { hasTrustDialogAccepted: true }]));
    await writeFile(
      join(this.folder, 'home', '.claude.json'),
      JSON.stringify({ hasCompletedOnboarding: true, projects }),
    );
  }

  spec(change: Partial<RunSpec> = {}): RunSpec {
    this.count += 1;
    const runId = `run_${process.pid}_${this.count}`;
    return {
      sessionId: 'sample-dagny',
      runId,
      role: 'crew',
      rig: 'sample',
      title: `Dagny ${this.count} (sample)`,
      agent: { name: 'claude', backend: 'claude', command: this.program, args: [], env: {} },
      cwd: this.repository,
      env: {
        GT_RUN: runId,
        GT_SESSION: 'sample-dagny',
        GT_SOCKET: this.socket,
        GT_TOKEN: `token-of-${runId}`,
        GT_CONTEXT_FILE: join(this.folder, 'context.md'),
        PATH: `${join(this.folder, 'bin')}:/usr/local/bin:/usr/bin:/bin`,
      },
      permissions: 'interactive',
      contextFile: join(this.folder, 'context.md'),
      runDir: join(this.folder, 'runtime', 'runs', runId),
      ...change,
    };
  }

  /** Starts a session and waits until it is idle. */
  async idle(change: Partial<RunSpec> = {}): Promise<RunSpec> {
    const spec = this.spec(change);
    await this.driver.start(spec, AbortSignal.timeout(patience(60_000)));
    await this.untilIdle(spec.runId);
    return spec;
  }

  untilIdle(runId: string): Promise<unknown> {
    return this.host.until('idle', () => this.host.status(runId).activity.kind === 'idle');
  }

  /** Where the driver has not waited for the receipt (a loaded machine), it is waited for here. */
  async deliver(spec: RunSpec, text: string): Promise<DeliveryOutcome> {
    this.count += 1;
    const id = `msg_${this.count}`;
    const outcome = await this.driver.deliver(spec.runId, { id, text }, AbortSignal.timeout(patience()));
    if (outcome.kind !== 'accepted') return outcome;
    await this.host.until('the receipt', () => this.host.deliveries.some(({ deliveryId }) => deliveryId === id));
    return { kind: 'delivered' };
  }

  /** As the core does it: tries again at the next change while it is not a safe moment. */
  async say(spec: RunSpec, text: string): Promise<void> {
    for (;;) {
      const told = this.host.reports.length;
      const outcome = await this.deliver(spec, text);
      if (outcome.kind === 'delivered') return;
      if (outcome.kind !== 'not-now')
        throw new Error(`"${text.slice(0, 40)}" is ${outcome.kind}: ${JSON.stringify(outcome)}`);
      await this.host.until('a safe moment', () => this.host.reports.length > told);
    }
  }

  terminal(spec: RunSpec): PtyTerminal {
    const terminal = this.terminals.terminals.find(({ name }) => name === spec.title);
    if (!terminal) throw new Error(`There is no terminal "${spec.title}".`);
    return terminal;
  }

  /** Every process that belongs to the run. */
  async processes(spec: RunSpec): Promise<ProcessIdentity[]> {
    const pid = this.host.pids.get(spec.runId);
    return [...(await startedWith('GT_RUN', spec.runId)), ...(pid === undefined ? [] : await descendants(pid))];
  }

  settings(spec: RunSpec): Promise<string> {
    return readFile(join(spec.runDir, 'settings.json'), 'utf8');
  }

  async close(): Promise<void> {
    await this.terminals.closeAll();
    await this.driver.dispose();
    await this.channel?.close();
    await this.model.close();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A directive for the scripted model, with some text before it. */
export function directive(text: string, steps: unknown[]): string {
  return `${text} %%${JSON.stringify({ steps })}`;
}

export async function makeRepository(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
  await run('git', ['init', '-q', '-b', 'main'], { cwd: folder, env });
  await run('git', [...identity, 'commit', '-q', '--allow-empty', '-m', 'First'], { cwd: folder, env });
}
