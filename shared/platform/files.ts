import { randomUUID } from 'node:crypto';
import { mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GasTownError, messageOf } from './errors.ts';

/**
 * Replaces a file's content in one step: a reader sees the old text or the new one, never a part. The file keeps its mode;
 * where one is given it has that from the first moment, so that nobody else reads a secret in between.
 */
export async function writeAtomically(file: string, text: string, given?: number): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    // A link is followed: its target is replaced, not the link.
    const target = (await unlessMissing(realpath(file))) ?? file;
    const mode = given ?? (await unlessMissing(stat(target)))?.mode;
    const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
    try {
      const handle = await open(temporary, 'wx', mode);
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, target);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/**
 * Adds whole lines to a file (0600) in a folder (0700) that may be missing, but not what is above it. They are on disk when this
 * resolves, and so are the names of the file and its folder. What a write that was cut short has left there is a line of its own
 * then.
 */
export async function appendLines(file: string, lines: readonly string[]): Promise<void> {
  const folder = dirname(file);
  try {
    await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
    const handle = await open(file, 'a+', 0o600);
    try {
      const { size } = await handle.stat();
      const last = size === 0 ? '\n' : (await handle.read(Buffer.alloc(1), 0, 1, size - 1)).buffer.toString('latin1');
      await handle.writeFile(`${last === '\n' ? '' : '\n'}${lines.join('\n')}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // An earlier call may have made them and failed before this, so it is not left out where they were there.
    await syncFolder(folder);
    await syncFolder(dirname(folder));
  } catch (error) {
    throw cannotWrite(file, error);
  }
}

/** A file that is on disk is found there after the power went only if its name in the folder is on disk, too. */
async function syncFolder(folder: string): Promise<void> {
  // Windows does not flush folders.
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The file is not written: on a disk or in a folder that does not allow it, or for the reason the system gives. */
export function cannotWrite(path: string, error: unknown): GasTownError {
  const code = errorCode(error);
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    const message = `${path} cannot be written (${code}). Make the folder writable for you, or choose another one.`;
    return new GasTownError('read-only', message, { cause: error });
  }
  return new GasTownError('internal', `${path} could not be written: ${messageOf(error)}`, { cause: error });
}

/** What was asked for, or undefined where there is no such file or folder. */
export async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
