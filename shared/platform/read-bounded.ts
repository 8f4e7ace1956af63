/** Files that others may have written: read only where they are files, and no more of them than a bound. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { decodeText } from './decode-text.ts';
import { GasTownError } from './errors.ts';

/** No settings, prompt or record of ours comes near it. In bytes. */
const maxFileBytes = 1024 * 1024;
const chunkBytes = 64 * 1024;

/**
 * Opens a file for reading. Rejects as `open` does where it is not there or not readable, and with `bad-config` where it is
 * no regular file: a pipe would never be read to its end, a device never ends.
 */
export async function openRegular(file: string | Buffer): Promise<FileHandle> {
  // Without O_NONBLOCK the opening of a pipe waits for somebody who writes into it; Windows has no such flag.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const facts = await handle.stat();
    if (facts.isFile()) return handle;
    throw new GasTownError(
      'bad-config',
      `${String(file)} is ${facts.isDirectory() ? 'a folder' : 'no regular file'}, so it is not read.`,
    );
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A file's text, see `decodeText`. Rejects as `openRegular` does, and with `bad-config` where it is longer than `maxBytes`. */
export async function readBounded(file: string, maxBytes = maxFileBytes): Promise<string> {
  const handle = await openRegular(file);
  try {
    const { size } = await handle.stat();
    const chunks: Buffer[] = [];
    // Not by the size alone: a file may grow meanwhile, and some of the system's say that they are empty.
    for (let length = 0; size <= maxBytes && length <= maxBytes; length += chunks.at(-1)?.length ?? 0) {
      const chunk = Buffer.alloc(chunkBytes);
      const { bytesRead } = await handle.read(chunk, 0, chunkBytes, length);
      if (bytesRead === 0) return decodeText(Buffer.concat(chunks));
      chunks.push(chunk.subarray(0, bytesRead));
    }
    throw new GasTownError('bad-config', `${file} is longer than ${maxBytes} bytes, so it is not read.`);
  } finally {
    await handle.close();
  }
}
