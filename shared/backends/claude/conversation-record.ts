import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { unlessMissing } from '../../config/write-atomically.ts';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../process/logger.ts';
import { FolderWatch } from './folder-watch.ts';
import { readRecordEntry } from './record-entry.ts';
import type { RecordEntry } from './record-entry.ts';

/** How much is read at once, in bytes. */
const chunk = 1024 * 1024;

export interface ConversationRecordParts {
  /** The file, where no hook has told it yet. */
  find: () => Promise<string | undefined>;
  tell: (entry: RecordEntry) => void;
  log: Logger;
}

/**
 * The program's own record of a conversation, read as it grows: what it has of a prompt, nothing can refuse any more. It is
 * watched only while something is waited for. Claude Code writes it 60–330 ms after the hook (measured with 2.1.330).
 */
export class ConversationRecord {
  private readonly parts: ConversationRecordParts;
  private file: string | undefined;
  private offset = 0;
  private decoder = new StringDecoder('utf8');
  /** The beginning of a line whose end is not written yet. */
  private begun = '';
  private watch: FolderWatch | undefined;
  private reading: Promise<void> | undefined;
  private again = false;

  constructor(parts: ConversationRecordParts) {
    this.parts = parts;
  }

  /** A hook tells where it is; `/clear` begins another. */
  isAt(file: string): void {
    if (file === this.file) return;
    this.file = file;
    this.offset = 0;
    this.begun = '';
    this.decoder = new StringDecoder('utf8');
    if (!this.watch) return;
    this.rest();
    void this.follow();
  }

  /** Resolves when what is there has been told; from now on what is added is. */
  async follow(): Promise<void> {
    const file = (this.file ??= await this.parts.find());
    if (file !== undefined && !this.watch) {
      this.watch = new FolderWatch(dirname(file), this.parts.log, () => void this.look());
      await this.watch.begin();
    }
    await this.look();
  }

  /** Nothing is waited for any more. */
  rest(): void {
    this.watch?.dispose();
    this.watch = undefined;
  }

  /** Resolves when everything that is in the file by now has been told. */
  look(): Promise<void> {
    if (this.reading) this.again = true;
    else {
      this.reading = this.readOn().finally(() => {
        this.reading = undefined;
      });
    }
    return this.reading;
  }

  private async readOn(): Promise<void> {
    do {
      this.again = false;
      try {
        const file = (this.file ??= await this.parts.find());
        const handle = file === undefined ? undefined : await unlessMissing(open(file, 'r'));
        if (handle) await this.readFrom(handle).finally(() => handle.close());
      } catch (error) {
        // The hooks and the state file say the same a little later.
        this.parts.log.warn(
          `claude: ${this.file ?? 'the record of a conversation'} cannot be read: ${messageOf(error)}`,
        );
      }
    } while (this.again);
  }

  private async readFrom(handle: FileHandle): Promise<void> {
    const buffer = Buffer.allocUnsafe(chunk);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, chunk, this.offset);
      if (bytesRead === 0) return;
      this.offset += bytesRead;
      const lines = (this.begun + this.decoder.write(buffer.subarray(0, bytesRead))).split('\n');
      this.begun = lines.pop() ?? '';
      for (const line of lines) {
        const entry = readRecordEntry(line);
        if (entry) this.parts.tell(entry);
      }
    }
  }
}
