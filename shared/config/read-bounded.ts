/** Files that others may have written: read only where they are files, and no more of them than a bound. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { GasTownError } from '../errors.ts';

/** No settings, prompt or record of ours comes near it. In bytes. */
const maxFileBytes = 1024 * 1024;
const chunkBytes = 64 * 1024;

/**
 * A file's text in UTF-8. Rejects as `open` does where it is not there or not readable, and with `bad-config`, saying why,
 * where it is no regular file (a pipe would never be read to its end, a device never ends) or longer than `maxBytes`.
 */
export async function readBounded(file: string, maxBytes = maxFileBytes): Promise<string> {
  // Without O_NONBLOCK the opening of a pipe waits for somebody who writes into it; Windows has no such flag.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) {
      throw new GasTownError(
        'bad-config',
        `${file} is ${facts.isDirectory() ? 'a folder' : 'no regular file'}, so it is not read.`,
      );
    }
    const chunks: Buffer[] = [];
    // Not by the size alone: a file may grow meanwhile, and some of the system's say that they are empty.
    for (let length = 0; facts.size <= maxBytes && length <= maxBytes; length += chunks.at(-1)?.length ?? 0) {
      const chunk = Buffer.alloc(chunkBytes);
      const { bytesRead } = await handle.read(chunk, 0, chunkBytes, length);
      if (bytesRead === 0) return Buffer.concat(chunks).toString('utf8');
      chunks.push(chunk.subarray(0, bytesRead));
    }
    throw new GasTownError('bad-config', `${file} is longer than ${maxBytes} bytes, so it is not read.`);
  } finally {
    await handle.close();
  }
}
