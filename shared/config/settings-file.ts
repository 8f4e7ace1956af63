import { applyEdits, modify, parse } from 'jsonc-parser';
import type { ParseError } from 'jsonc-parser';
import type * as z from 'zod/mini';
import { GasTownError, messageOf } from '../platform/errors.ts';
import { Emitter } from '../platform/emitter.ts';
import type { Disposable } from '../platform/emitter.ts';
import type { Logger } from '../platform/logger.ts';
import type { Problem } from '../domain/problem.ts';
import { tooDeepAt } from './nesting.ts';
import { parseSettings } from './parse-settings.ts';
import { readBounded } from '../platform/read-bounded.ts';
import { watchFile } from '../platform/watch-file.ts';
import { unlessMissing, writeAtomically } from '../platform/files.ts';
import { isObject } from '../platform/objects.ts';

export interface SettingsFileOptions<T> {
  file: string;
  schema: z.ZodMiniType<T>;
  /** In force where there is no file, and until a file that has been bad from the start is corrected. */
  defaults: T;
  /** Whether a missing file is a problem (a town's) or not (a rig's). */
  required: boolean;
  log: Logger;
}

/**
 * A settings file as it is now: read, watched, and edited without touching what the edit is not about. A text that is
 * malformed or not allowed becomes a problem, and the last good value stays in force.
 */
export class SettingsFile<T extends object> {
  readonly file: string;
  private readonly options: SettingsFileOptions<T>;
  private readonly changed: Emitter<void>;
  private current: T;
  private currentProblems: Problem[] = [];
  private lastText: string | undefined;
  private reading: Promise<void> | undefined;
  private readAgain = false;
  private writing: Promise<void> = Promise.resolve();
  private readonly stopWatching: () => void;

  private constructor(options: SettingsFileOptions<T>) {
    this.options = options;
    this.file = options.file;
    this.current = options.defaults;
    this.changed = new Emitter((error) => options.log.error(`settings: a listener failed: ${messageOf(error)}`));
    this.stopWatching = watchFile(options.file, () => void this.refresh());
  }

  /** Reads the file and begins to watch it. Bad or missing files do not reject: see `problems`. */
  static async open<T extends object>(options: SettingsFileOptions<T>): Promise<SettingsFile<T>> {
    const settings = new SettingsFile(options);
    await settings.refresh();
    return settings;
  }

  /** What is in force. */
  get value(): T {
    return this.current;
  }

  /** What is wrong with the file as it is now. */
  get problems(): readonly Problem[] {
    return this.currentProblems;
  }

  /** Calls back after every change of `value` or `problems`. */
  onDidChange(listener: () => void): Disposable {
    return this.changed.event(listener);
  }

  /**
   * Sets what the patch names (objects are merged, everything else replaced, `undefined` removed), and keeps comments,
   * order and all other keys. Rejects with `bad-config` when the file on disk does not parse, with `bad-input` when the
   * result would not be allowed, with `read-only` where it cannot be written; the file is then as it was.
   */
  update(patch: object): Promise<void> {
    const update = this.writing.then(() => this.write(patch));
    // The queue only keeps updates in order; whoever asked for a failing one gets its error from `update`.
    this.writing = update.catch(() => undefined);
    return update;
  }

  dispose(): void {
    this.stopWatching();
  }

  /** Reads again; events that come while it reads are answered by one more reading. */
  private refresh(): Promise<void> {
    if (this.reading) {
      this.readAgain = true;
      return this.reading;
    }
    this.reading = this.readUntilQuiet().finally(() => (this.reading = undefined));
    return this.reading;
  }

  private async readUntilQuiet(): Promise<void> {
    do {
      this.readAgain = false;
      await this.read();
    } while (this.readAgain);
  }

  private async read(): Promise<void> {
    let text: string | undefined;
    try {
      text = await unlessMissing(readBounded(this.file));
    } catch (error) {
      // When it can be read again it may say what it said before: then the problem has to go.
      this.lastText = undefined;
      this.take(undefined, [{ file: this.file, message: `The file cannot be read: ${messageOf(error)}` }]);
      return;
    }
    if (text !== undefined && text === this.lastText) return;
    this.lastText = text;
    if (text === undefined) {
      const missing = {
        file: this.file,
        message: 'The file is missing: the last settings (or the defaults) are in force.',
      };
      // A rig whose file was removed goes back to the defaults; a town never loses its settings that way.
      this.take(this.options.required ? undefined : this.options.defaults, this.options.required ? [missing] : []);
      return;
    }
    const { value, problems } = parseSettings(text, this.options.schema, this.file);
    this.take(value, problems);
  }

  private take(value: T | undefined, problems: Problem[]): void {
    const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
    const next = value ?? this.current;
    if (same(next, this.current) && same(problems, this.currentProblems)) return;
    this.current = next;
    this.currentProblems = problems;
    this.changed.fire();
  }

  private async write(patch: object): Promise<void> {
    const found = await unlessMissing(readBounded(this.file));
    const before = found ?? `${JSON.stringify(this.options.defaults, null, 2)}\n`;
    const errors: ParseError[] = [];
    const isTooDeep = tooDeepAt(before) !== undefined;
    if (!isTooDeep) parse(before, errors, { allowTrailingComma: true });
    if (isTooDeep || errors.length > 0) {
      const [problem] = parseSettings(before, this.options.schema, this.file).problems;
      throw new GasTownError(
        'bad-config',
        `${this.file} was not changed, because it cannot be read. ` +
          `Correct line ${problem?.line ?? 1} first: ${problem?.message ?? 'it is not valid JSON.'}`,
      );
    }
    const after = edit(before, patch);
    const { value, problems } = parseSettings(after, this.options.schema, this.file);
    if (value === undefined) {
      const reasons = problems.map(({ message }) => message).join(' ');
      throw new GasTownError('bad-input', `${this.file} was not changed, because this is not allowed: ${reasons}`);
    }
    await writeAtomically(this.file, after);
    await this.refresh();
  }
}

function edit(text: string, patch: object): string {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  const formattingOptions = {
    insertSpaces: !indent.startsWith('\t'),
    tabSize: indent.length,
    eol: text.includes('\r\n') ? '\r\n' : '\n',
  };
  return leaves(patch).reduce(
    (edited, { path, value }) => applyEdits(edited, modify(edited, path, value, { formattingOptions })),
    text,
  );
}

interface Leaf {
  path: string[];
  value: unknown;
}

function leaves(patch: object, path: string[] = []): Leaf[] {
  return Object.entries(patch).flatMap(([key, value]: [string, unknown]): Leaf[] => {
    const isGroup = isObject(value) && Object.keys(value).length > 0;
    return isGroup ? leaves(value, [...path, key]) : [{ path: [...path, key], value }];
  });
}
