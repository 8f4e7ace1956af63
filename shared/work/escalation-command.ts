import { spawn } from 'node:child_process';
import { messageOf } from '../platform/errors.ts';
import { sanitize } from '../platform/sanitize.ts';
import type { Logger } from '../platform/logger.ts';
import { identify, killAll, killTree, startedWith } from '../platform/process-table.ts';
import type { StoredEscalation } from '../store/escalations.ts';

/** In the environment of the program, and of all that it starts. */
const mark = 'GT_ESCALATION_ID';

export interface EscalationCommandOptions {
  /** The configured program and its arguments; undefined while there is none. */
  command: () => readonly string[] | undefined;
  /** The town's root: where the program runs. */
  cwd: string;
  /** The host's environment; only what a program needs to run is taken from it. */
  environment: Readonly<Record<string, string | undefined>>;
  log: Logger;
  /** What is wrong has changed. */
  onChange: () => void;
  boundMs?: number;
}

const defaultBoundMs = 30_000;
/** Linux takes at most 128 KB in one variable; nobody reads as much in a notification. In UTF-8 bytes. */
const maxMessageBytes = 8_000;
const inherited = ['PATH', 'HOME', 'LANG', 'USERPROFILE', 'SystemRoot', 'PATHEXT', 'TMPDIR', 'TEMP', 'TMP'];

/**
 * Runs the user's own program for each escalation, without a shell, with the facts in GT_ESCALATION_* variables. Its
 * failure changes nothing but `problem`, until a later run succeeds.
 */
export class EscalationCommand {
  private readonly options: EscalationCommandOptions;
  private failure: string | undefined;

  constructor(options: EscalationCommandOptions) {
    this.options = options;
  }

  /** What is wrong with the command, for people. */
  get problem(): string | undefined {
    return this.failure;
  }

  /** Resolves when the program has ended, or was ended for taking too long. Never rejects. */
  async run(escalation: StoredEscalation): Promise<void> {
    const [program, ...args] = this.options.command() ?? [];
    if (program === undefined) return;
    const failure = await this.attempt(program, args, escalation);
    this.failure =
      failure === undefined ? undefined : `escalation.command did not work for ${escalation.id}: ${failure}`;
    if (this.failure !== undefined) this.options.log.error(this.failure);
    this.options.onChange();
  }

  /** Resolves with what went wrong. */
  private attempt(program: string, args: string[], escalation: StoredEscalation): Promise<string | undefined> {
    const { cwd, boundMs = defaultBoundMs } = this.options;
    return new Promise((resolve) => {
      const env = this.environmentFor(escalation);
      let child: ReturnType<typeof startIn>;
      try {
        child = startIn(cwd, program, args, env);
      } catch (error) {
        // What no program can be given, such as a NUL in its arguments.
        return resolve(`${program} could not be started: ${messageOf(error)}`);
      }
      let words = '';
      child.stderr.on('data', (chunk: Buffer) => (words = `${words}${chunk.toString()}`.slice(-1000)));
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        const words = `it took longer than ${boundMs / 1000} s`;
        // Not before what it has started has ended, too.
        end(child.pid, escalation.id).then(
          () => resolve(`${words}, so it was ended.`),
          (error: unknown) => resolve(`${words} and could not be ended: ${messageOf(error)}`),
        );
      }, boundMs);
      const done = (failure: string | undefined): void => {
        clearTimeout(timer);
        resolve(failure);
      };
      child.on('error', (error) => done(`${program} could not be started: ${error.message}`));
      child.on('exit', (code, signal) => {
        if (late) return;
        done(
          code === 0
            ? undefined
            : `it ended with ${signal ?? `code ${String(code)}`}.${words === '' ? '' : ` Its last words: ${words.trim()}`}`,
        );
      });
    });
  }

  private environmentFor({
    id,
    severity,
    message,
    by,
    sessionId,
    workId,
    raisedAt,
  }: StoredEscalation): Record<string, string> {
    const { environment, cwd } = this.options;
    const taken = inherited.flatMap((name) =>
      environment[name] === undefined ? [] : [[name, environment[name]] as const],
    );
    return {
      ...Object.fromEntries(taken),
      [mark]: id,
      GT_ESCALATION_SEVERITY: severity,
      GT_ESCALATION_MESSAGE: messageFor(message),
      GT_ESCALATION_BY: by,
      GT_ESCALATION_SESSION: sessionId ?? '',
      GT_ESCALATION_WORK: workId ?? '',
      GT_ESCALATION_AT: new Date(raisedAt).toISOString(),
      GT_TOWN_ROOT: cwd,
    };
  }
}

function startIn(cwd: string, program: string, args: readonly string[], env: Record<string, string>) {
  const stdio: ['ignore', 'ignore', 'pipe'] = ['ignore', 'ignore', 'pipe'];
  return spawn(program, args, { cwd, env, stdio, detached: process.platform !== 'win32', windowsHide: true });
}

/** The text as a variable can hold it: without what is no text, and not longer than somebody reads. */
function messageFor(message: string): string {
  const text = sanitize(message);
  if (Buffer.byteLength(text) <= maxMessageBytes) return text;
  // A character that the cut goes through is left out.
  const kept = Buffer.from(text)
    .subarray(0, maxMessageBytes)
    .toString('utf8')
    .replace(/\ufffd+$/, '');
  return `${kept}… (all of it: gt escalate list)`;
}

/** The program and all that has the escalation's id in its environment, also what comes while that is ended. */
async function end(pid: number | undefined, id: string): Promise<void> {
  const also = await startedWith(mark, id);
  const identity = pid === undefined ? undefined : await identify(pid);
  if (identity) await killTree(identity, { also });
  else await killAll(also);
  const late = await startedWith(mark, id);
  if (late.length > 0) await killAll(late, 0);
}
