import { DisposableStore } from '../disposable-store.ts';
import type { Disposable } from '../emitter.ts';
import { GasTownError } from '../errors.ts';
import { Timer } from '../timer.ts';
import { gitBounds } from './git.ts';
import { startGit } from './start-git.ts';
import type { StartedGit } from './start-git.ts';

export interface GitObject {
  /** Whole name. */
  name: string;
  type: string;
  /** In bytes. */
  size: number;
}

interface Asked {
  wantsBody: boolean;
  answer: (object: GitObject | undefined, body: Buffer) => void;
  fail: (error: GasTownError) => void;
}

/** A line without an end is no answer, in bytes: what is longer than any path ends the reader. */
const longestLine = 64 * 1024;

/**
 * One git that answers many questions about a repository's objects (`cat-file --batch-command`, git 2.36), in turn. It ends when
 * it has not been asked for `idleMs`, when an answer takes longer than `gitBounds.look`, and with its disposal; then every
 * question rejects with `internal`, and so do later ones.
 */
export class ObjectReader implements Disposable {
  private readonly disposables = new DisposableStore();
  private readonly git: StartedGit;
  private readonly idleMs: number;
  private readonly onEnd: () => void;
  private readonly timer = this.disposables.add(new Timer(() => void this.end(this.late())));
  private readonly waiting: Asked[] = [];
  private parts: Buffer[] = [];
  private held = 0;
  /** So many bytes there must be before the next answer may be whole. */
  private needed = 1;
  private ending: Promise<void> | undefined;
  /** Whether it has answered anything: one that cannot work in this repository never does. */
  answered = false;

  constructor(repository: string, { idleMs, onEnd }: { idleMs: number; onEnd: () => void }) {
    this.idleMs = idleMs;
    this.onEnd = onEnd;
    this.git = startGit(repository, ['cat-file', '--batch-command']);
    this.git.stdout.on('data', (chunk: Buffer) => this.take(chunk));
    void this.git.ended.then((reason) => this.end(reason));
    this.timer.set(idleMs);
  }

  /** Undefined where the repository has no such object. `object` is anything that git takes for one, in a line without a line end. */
  async find(object: string): Promise<GitObject | undefined> {
    return (await this.ask(`info ${object}`, false)).object;
  }

  /** What is in an object that was found. */
  async contents({ name }: GitObject): Promise<Buffer> {
    return (await this.ask(`contents ${name}`, true)).body;
  }

  dispose(): Promise<void> {
    return this.end('it was not needed any more');
  }

  private ask(command: string, wantsBody: boolean): Promise<{ object: GitObject | undefined; body: Buffer }> {
    return new Promise((resolve, reject) => {
      if (this.ending) return reject(failure('it has ended'));
      this.waiting.push({ wantsBody, answer: (object, body) => resolve({ object, body }), fail: reject });
      this.timer.set(gitBounds.look);
      this.git.stdin.write(`${command}\n`);
    });
  }

  private take(chunk: Buffer): void {
    this.parts.push(chunk);
    this.held += chunk.length;
    while (this.held >= this.needed && !this.ending) {
      const all = Buffer.concat(this.parts);
      const [first] = this.waiting;
      const end = all.indexOf('\n');
      if (!first || (end === -1 && all.length > longestLine)) return void this.end(unasked);
      if (end === -1) return this.keep(all, all.length + 1);
      const line = all.toString('utf8', 0, end);
      const object = parseFacts(line);
      if (!object && !/ (missing|ambiguous)$/.test(line)) return void this.end(unasked);
      const whole = end + 1 + (object && first.wantsBody ? object.size + 1 : 0);
      if (all.length < whole) return this.keep(all, whole);
      this.waiting.shift();
      this.answered = true;
      this.keep(all.subarray(whole), 1);
      this.timer.set(this.waiting.length === 0 ? this.idleMs : gitBounds.look);
      first.answer(object, all.subarray(end + 1, whole - 1));
    }
  }

  private keep(rest: Buffer, needed: number): void {
    this.parts = rest.length === 0 ? [] : [rest];
    this.held = rest.length;
    this.needed = needed;
  }

  private late(): string {
    return this.waiting.length === 0
      ? 'it was not needed any more'
      : `it did not answer within ${gitBounds.look / 1000} s`;
  }

  private end(reason: string): Promise<void> {
    this.ending ??= (async () => {
      void this.disposables.dispose();
      this.onEnd();
      for (const { fail } of this.waiting.splice(0)) fail(failure(reason));
      this.keep(Buffer.alloc(0), 1);
      await this.git.end();
    })();
    return this.ending;
  }
}

const unasked = 'it said what it was not asked';

const failure = (reason: string): GasTownError => new GasTownError('internal', `git cat-file was ended: ${reason}.`);

/** Pure. `<name> <type> <size>`; undefined for anything else. */
function parseFacts(line: string): GitObject | undefined {
  const [, name, type, size] = /^([0-9a-f]{40,64}) ([a-z]+) (\d+)$/.exec(line) ?? [];
  return name === undefined || type === undefined ? undefined : { name, type, size: Number(size) };
}
