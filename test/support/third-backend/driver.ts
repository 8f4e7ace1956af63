import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type {
  BackendDriver,
  DeliveryOutcome,
  DriverHost,
  ReporterEvent,
  ReporterReply,
  RunRecord,
  RunSpec,
} from '../../../shared/backends/driver.ts';
import { killProcessesOf } from '../../../shared/backends/run-processes.ts';
import { workDir } from '../../../shared/backends/work-dir.ts';
import { entriesOf } from '../../../shared/domain/delivery.ts';
import type { Delivery } from '../../../shared/domain/delivery.ts';
import type { AskAnswer, AttachTarget } from '../../../shared/domain/run.ts';
import { GasTownError, throwIfCancelled } from '../../../shared/platform/errors.ts';
import { findProgram } from '../../../shared/platform/find-program.ts';
import { exemptLoopback, inheritedEnvironment } from '../../../shared/platform/inherited-environment.ts';
import type { Environment } from '../../../shared/platform/inherited-environment.ts';
import { readLines } from './wire.ts';
import type { FromProgram, ToProgram } from './wire.ts';
import { variables } from './variables.ts';

interface Run {
  child: ChildProcess;
  idle: boolean;
  /** Delivery id → what it stands for. */
  given: Map<string, Delivery>;
  taken: Set<string>;
  words?: string;
}

/** Drives a program that is our child: it ends with its host, so no run is ever taken up. */
export class ThirdDriver implements BackendDriver {
  readonly backend = 'third';
  private readonly host: DriverHost;
  private readonly environment: Environment;
  private readonly runs = new Map<string, Run>();

  constructor(host: DriverHost, environment: Environment) {
    this.host = host;
    this.environment = environment;
  }

  async start(spec: RunSpec, signal: AbortSignal): Promise<void> {
    throwIfCancelled(signal, `Starting ${spec.sessionId}`);
    const cwd = await workDir(spec.cwd);
    const env = exemptLoopback({
      ...inheritedEnvironment(this.environment, variables),
      ...spec.agent.env,
      ...spec.env,
    });
    const program = await this.find(spec.agent.command);
    this.host.saveReference(spec.runId, {});
    const args = [...spec.agent.args, ...(spec.permissions === 'interactive' ? ['--ask'] : [])];
    const child = spawn(program, args, { cwd, env, stdio: ['pipe', 'pipe', 'ignore'] });
    const cancel = (): void => void child.kill();
    signal.addEventListener('abort', cancel, { once: true });
    const run: Run = { child, idle: false, given: new Map(), taken: new Set() };
    this.runs.set(spec.runId, run);
    try {
      await this.begin(spec.runId, run);
      throwIfCancelled(signal, `Starting ${spec.sessionId}`);
    } catch (error) {
      await this.stop(spec.runId);
      throwIfCancelled(signal, `Starting ${spec.sessionId}`);
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
    if (spec.firstPrompt) await this.deliver(spec.runId, spec.firstPrompt);
  }

  private find(command: string): Promise<string> {
    return findProgram(command, this.environment).then((program) => {
      if (program === undefined)
        throw new GasTownError('agent-missing', `"${command}" was not found on PATH. Install it.`);
      return program;
    });
  }

  /** Resolves when the program can take a prompt. */
  private begin(runId: string, run: Run): Promise<void> {
    const { child } = run;
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => this.host.setPid(runId, child.pid!));
      child.once('exit', (code) => {
        reject(new GasTownError('spawn-failed', `The program ended with code ${code}.`));
        if (this.runs.get(runId) === run && this.runs.delete(runId))
          this.host.report(runId, 'program', { kind: 'ended', error: `it ended with code ${code}` }, 'exit');
      });
      readLines<FromProgram>(child.stdout!, (message) => {
        if (message.kind === 'ready') resolve();
        this.take(runId, run, message);
      });
    });
  }

  private take(runId: string, run: Run, message: FromProgram): void {
    const { host } = this;
    switch (message.kind) {
      case 'ready':
        host.report(runId, 'program', { kind: 'ready' }, 'ready');
        return this.take(runId, run, { kind: 'idle' });
      case 'taken':
        for (const entry of entriesOf(run.given.get(message.id) ?? { id: message.id })) {
          run.taken.add(entry);
          host.delivered(runId, entry);
        }
        return;
      case 'ask': {
        const { askId, command } = message;
        const calls = [{ tool: 'bash', argument: command, kind: 'shell' as const }];
        const ask = {
          id: askId,
          kind: 'permission' as const,
          title: `bash: ${command}`,
          detail: command,
          options: [],
          calls,
          resolvable: true,
          since: host.now(),
        };
        return host.report(runId, 'program', { kind: 'asked', ask }, 'ask');
      }
      case 'progress':
        return host.progress(runId);
      case 'turn-ended':
        if (message.words !== undefined) run.words = message.words;
        return host.turnEnded(
          runId,
          message.failure === undefined ? undefined : { kind: 'provider', reason: message.failure },
        );
      case 'busy':
      case 'idle':
        run.idle = message.kind === 'idle';
        return host.report(runId, 'program', { kind: message.kind }, message.kind);
    }
  }

  /** The program has ended with the host that started it; what it has started may not have. */
  async adopt({ spec }: RunRecord): Promise<boolean> {
    await killProcessesOf(spec, this.host.log);
    return false;
  }

  async stop(runId: string): Promise<void> {
    this.runs.delete(runId);
    await killProcessesOf({ runId }, this.host.log);
  }

  async deliver(runId: string, delivery: Delivery): Promise<DeliveryOutcome> {
    const run = this.require(runId);
    if (!run.idle) return { kind: 'not-now', reason: 'it is at work' };
    run.idle = false;
    run.given.set(delivery.id, delivery);
    this.host.report(runId, 'program', { kind: 'busy' }, 'prompted');
    this.tell(run, { kind: 'prompt', id: delivery.id, text: delivery.text });
    return Promise.resolve({ kind: 'accepted' });
  }

  async recall(runId: string, messageIds: readonly string[]): Promise<readonly string[]> {
    const { taken } = this.require(runId);
    return Promise.resolve(messageIds.filter((id) => taken.has(id)));
  }

  async answer(runId: string, askId: string, { kind }: AskAnswer): Promise<void> {
    this.tell(this.require(runId), { kind: 'answer', askId, allow: kind === 'allow' });
    this.host.report(runId, 'program', { kind: 'answered', askId, by: 'here' }, 'answered');
    return Promise.resolve();
  }

  attach(): Promise<AttachTarget> {
    return Promise.reject(new GasTownError('refused', 'This agent has no terminal.'));
  }

  async lastWords(runId: string): Promise<string | undefined> {
    return Promise.resolve(this.require(runId).words);
  }

  lastFailure(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async health(): Promise<void> {
    await this.find(this.backend);
  }

  /** Each run is a program, with a token, of its own. */
  identify(): undefined {
    return undefined;
  }

  runOf(): undefined {
    return undefined;
  }

  /** The program asks for its role context, and reports nothing: it says all else to us. */
  onReporterEvent({ name }: ReporterEvent): Promise<ReporterReply> {
    return Promise.resolve(name === 'context' ? { wantsContext: true } : {});
  }

  async dispose(): Promise<void> {
    this.runs.clear();
    return Promise.resolve();
  }

  private require(runId: string): Run {
    const run = this.runs.get(runId);
    if (!run) throw new GasTownError('unknown-session', 'This session has ended. Start it again.');
    return run;
  }

  private tell({ child }: Run, message: ToProgram): void {
    child.stdin!.write(`${JSON.stringify(message)}\n`);
  }
}
