import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { openRegular } from '../../platform/read-bounded.ts';
import { unlessMissing } from '../../platform/files.ts';
import { messageOf } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { FolderWatch } from './folder-watch.ts';
import { readRecordEntry } from './record-entry.ts';
import type { RecordEntry } from './record-entry.ts';

/** How much is read at once, in bytes. */
const chunk = 1024 * 1024;
/** No entry that matters is longer; one that never ends would fill the memory. In characters. */
const maxLine = 16 * 1024 * 1024;

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
  /** The rest of a line that is too long is passed over. */
  private passing = false;
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
    this.passing = false;
    this.decoder = new StringDecoder('utf8');
    if (!this.watch) return;
    this.rest();
    void this.follow();
  }

  /** Resolves when what is there has been told; from now on what is added is. */
  async follow(): Promise<void> {
    // What speaks against it is told by `look`, which tries the same.
    const file = (this.file ??= await this.parts.find().catch(() => undefined));
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
        const handle = file === undefined ? undefined : await unlessMissing(openRegular(file));
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
      const [rest = '', ...lines] = this.decoder.write(buffer.subarray(0, bytesRead)).split('\n');
      this.add(rest);
      for (const line of lines) {
        this.endLine();
        this.add(line);
      }
    }
  }

  private add(text: string): void {
    if (this.passing) return;
    this.begun += text;
    if (this.begun.length <= maxLine) return;
    this.parts.log.warn(
      `claude: a line of ${this.file ?? 'a record'} is longer than ${maxLine} characters; it is passed over`,
    );
    this.begun = '';
    this.passing = true;
  }

  private endLine(): void {
    const entry = this.passing ? undefined : readRecordEntry(this.begun);
    this.begun = '';
    this.passing = false;
    if (entry) this.parts.tell(entry);
  }
}
