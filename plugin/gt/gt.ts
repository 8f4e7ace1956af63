import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { ChannelClient } from '../../shared/channel/client.ts';
import type { MethodName, Params, Results } from '../../shared/channel/protocol.ts';
import { keepReport } from '../../shared/channel/spool.ts';
import type { SpooledCall } from '../../shared/channel/spool.ts';
import { connect, isWithoutHost } from './connection.ts';
import { Failure } from './failure.ts';
import type { Io } from './io.ts';
import { decodeText } from '../../shared/platform/decode-text.ts';
import { messageOf } from '../../shared/platform/errors.ts';
import { withoutUndefined } from '../../shared/platform/objects.ts';

/** Options that every command has. */
export interface CommonOptions {
  json?: true;
}

/**
 * A host that has not taken a report after this long does not answer, in ms. Shorter than the time by which it knows a report
 * again that it has taken all the same (`host/spool.ts`).
 */
const reportMs = 45_000;

/** What the commands share: one connection, made when first needed, and how results are printed. */
export class Gt {
  readonly io: Io;
  /** Set by a command that worked but has bad news. */
  exitCode = 0;
  private client: Promise<ChannelClient> | undefined;

  constructor(io: Io) {
    this.io = io;
  }

  async request<M extends MethodName>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Results[M]> {
    this.client ??= connect(this.io);
    return (await this.client).request(method, params, signal);
  }

  /**
   * Tells the host what has happened in this session. Where none answers, or none in time, it is kept for the next one, and said so: undefined.
   * Whoever is no session has no report, and the failure is theirs.
   */
  async report<M extends SpooledCall['method']>(
    options: CommonOptions,
    method: M,
    params: Params<M>,
  ): Promise<Results[M] | undefined> {
    try {
      return await this.request(method, params, AbortSignal.timeout(reportMs));
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

  /** Prints the result object for programs, or the text for people. `width`: of their terminal, where there is one. */
  print<T>(options: CommonOptions, result: T, text: (result: T, width: number | undefined) => string): void {
    this.io.out(`${options.json ? JSON.stringify(result, null, 2) : text(result, this.io.width).trimEnd()}\n`);
  }

  /** Files as documents for the host; `-` is standard input. */
  async documents(files: readonly string[]): Promise<{ name: string; text: string }[]> {
    const read = (file: string): Promise<string> => (file === '-' ? this.io.readInput() : this.read(file));
    return Promise.all(
      files.map(async (file) => ({ name: file === '-' ? 'standard input' : file.slice(-200), text: await read(file) })),
    );
  }

  /** A text given on the command line, where `-` stands for standard input. */
  async text(given: string): Promise<string> {
    return given === '-' ? (await this.io.readInput()).trimEnd() : given;
  }

  /** A text that is given, or stands in a file; undefined where neither is named. Rejects with the file's name. */
  async textOrFile(given: string | undefined, file: string | undefined): Promise<string | undefined> {
    if (file === undefined || file === '-') {
      const named = given ?? file;
      return named === undefined ? undefined : this.text(named);
    }
    try {
      return await this.read(file);
    } catch (error) {
      throw new Failure(`${file} could not be read: ${messageOf(error)}`);
    }
  }

  private async read(file: string): Promise<string> {
    return decodeText(await readFile(resolve(this.io.cwd, file)));
  }

  async close(): Promise<void> {
    // A connection that failed has told its reason to the command that asked for it.
    (await this.client?.catch(() => undefined))?.close();
  }
}

/** A command with the options that all have. */
export function addCommand(parent: Command, usage: string, description: string): Command {
  return parent.command(usage).description(description).option('--json', 'print the result as JSON');
}

/** The names of the backends; esbuild puts them in (`define`), from the composition, which this bundle cannot have. */
declare const GT_BACKENDS: readonly string[];

export function backendOption(): Option {
  return new Option('--backend <backend>', 'what drives the agent').choices(GT_BACKENDS);
}

/** The entries of `values` that are not undefined: an option that was not given is not sent. */
export function given<T extends object>(values: { [K in keyof T]: T[K] | undefined }): T {
  return withoutUndefined(values) as T;
}
