import type { Disposable } from '../emitter.ts';
import { GasTownError } from '../errors.ts';
import { fileOf, mostFileBytes, readFileIn } from './changes.ts';
import type { FileInCommit } from './changes.ts';
import { ObjectReader } from './object-reader.ts';
import { hasBatchCommand } from './version.ts';

/** A review asks for all its files at once, and then for a long time for none. In ms. */
const idleMs = 5_000;

/** So many repositories are read from by a git that stays. */
const mostReaders = 4;

/** A path that a line of `cat-file` can name, and that it does not take for one beside the folder that it runs in. */
const isPlain = (path: string): boolean => path !== '' && !/[\n\r\0]|^\.{1,2}(\/|$)/.test(path);

/**
 * Files as commits have them. Those of one repository are read by one git as long as they are asked for one after the other; what
 * that cannot read, `readFileIn` reads.
 */
export class CommitFiles implements Disposable {
  private readonly readers = new Map<string, ObjectReader>();
  /** Repositories in which no such git has ever answered. */
  private readonly unable = new Set<string>();
  private disposed = false;

  async read(repository: string, commit: string, path: string, signal?: AbortSignal): Promise<FileInCommit> {
    const file = await this.tryToRead(repository, commit, path);
    if (signal?.aborted) throw new GasTownError('cancelled', `Reading ${path} was cancelled.`);
    return file ?? readFileIn(repository, commit, path, signal);
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    await Promise.all([...this.readers.values()].map((reader) => reader.dispose()));
  }

  /** Undefined where it cannot be told in this way: a path that is not there may be a submodule's. */
  private async tryToRead(repository: string, commit: string, path: string): Promise<FileInCommit | undefined> {
    if (!isPlain(path) || !(await hasBatchCommand())) return undefined;
    const reader = this.readerOf(repository);
    if (!reader) return undefined;
    try {
      const object = await reader.find(`${commit}:${path}`);
      if (object?.type !== 'blob') return undefined;
      return object.size > mostFileBytes ? { kind: 'too-large' } : fileOf(await reader.contents(object));
    } catch {
      // It has ended: what is wrong the usual way says, if it is wrong there, too.
      if (!reader.answered) this.unable.add(repository);
      return undefined;
    }
  }

  private readerOf(repository: string): ObjectReader | undefined {
    const known = this.readers.get(repository);
    if (known) return known;
    if (this.disposed || this.unable.has(repository) || this.readers.size >= mostReaders) return undefined;
    const reader = new ObjectReader(repository, { idleMs, onEnd: () => this.readers.delete(repository) });
    this.readers.set(repository, reader);
    return reader;
  }
}
