import { Option } from 'commander';
import type { Command } from 'commander';
import { ChannelError } from '../../shared/channel/client.ts';
import type { ChannelClient } from '../../shared/channel/client.ts';
import type { MethodName, Params, Results } from '../../shared/channel/protocol.ts';
import { keepReport } from '../../shared/channel/spool.ts';
import type { SpooledCall } from '../../shared/channel/spool.ts';
import type { BackendName } from '../../shared/orchestrator.ts';
import { connect } from './connection.ts';
import type { Io } from './io.ts';
import { exitCode, Failure } from './failure.ts';

/** Options that every command has. */
export interface CommonOptions {
  json?: true;
}

/** What the commands share: one connection, made when first needed, and how results are printed. */
export class Gt {
  readonly io: Io;
  /** Set by a command that worked but has bad news. */
  exitCode = 0;
  private client: Promise<ChannelClient> | undefined;

  constructor(io: Io) {
    this.io = io;
  }

  async request<M extends MethodName>(method: M, params: Params<M>): Promise<Results[M]> {
    this.client ??= connect(this.io);
    return (await this.client).request(method, params);
  }

  /**
   * Tells the host what has happened in this session. Where none answers it is kept for the next one, and said so: undefined.
   * Whoever is no session has no report, and the failure is theirs.
   */
  async report<M extends SpooledCall['method']>(
    options: CommonOptions,
    method: M,
    params: Params<M>,
  ): Promise<Results[M] | undefined> {
    try {
      return await this.request(method, params);
    } catch (error) {
      const { GT_ROOT: root, GT_RUN: run, GT_TOKEN: token } = this.io.env;
      if (!isWithoutHost(error) || !root || !run || !token) throw error;
      const file = await keepReport(root, { method, params } as SpooledCall, { run, token });
      if (file === undefined) throw error;
      this.print(
        options,
        { kept: file },
        () =>
          `No host of ${root} answers now. This is kept, and told to the next one: nothing more is to be done for it.`,
      );
      return undefined;
    }
  }

  /** Prints the result object for programs, or the text for people. */
  print<T>(options: CommonOptions, result: T, text: (result: T) => string): void {
    this.io.out(`${options.json ? JSON.stringify(result, null, 2) : text(result).trimEnd()}\n`);
  }

  /** A text given on the command line, where `-` stands for standard input. */
  async text(given: string): Promise<string> {
    return given === '-' ? (await this.io.readInput()).trimEnd() : given;
  }

  async close(): Promise<void> {
    // A connection that failed has told its reason to the command that asked for it.
    (await this.client?.catch(() => undefined))?.close();
  }
}

/** Nobody listens, or the host went before it answered. */
function isWithoutHost(error: unknown): boolean {
  if (error instanceof Failure) return error.exitCode === exitCode.noHost;
  return error instanceof ChannelError && error.code === 'no-host';
}

/** A command with the options that all have. */
export function addCommand(parent: Command, usage: string, description: string): Command {
  return parent.command(usage).description(description).option('--json', 'print the result as JSON');
}

// Written out, because only the core's types reach this bundle.
const backends: readonly BackendName[] = ['claude', 'opencode'];

export function backendOption(): Option {
  return new Option('--backend <backend>', 'what drives the agent').choices(backends);
}

/** The entries of `values` that are not undefined: an option that was not given is not sent. */
export function given<T extends object>(values: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}
