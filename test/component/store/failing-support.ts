import { expect, vi } from 'vitest';
import { entriesOf } from '../../../shared/domain/delivery.ts';
import { GasTownError } from '../../../shared/platform/errors.ts';
import type { SessionManager } from '../../../shared/sessions/manager.ts';
import type { Store } from '../../../shared/store/store.ts';
import { failWrite } from '../../support/failing-writes.ts';
import type { FailingWrite } from '../../support/failing-writes.ts';
import type { FakeDriver } from '../../support/fake-driver.ts';
import type { Delivery } from '../../../shared/domain/delivery.ts';
import { patience } from '../../support/patience.ts';

interface Parts {
  store: Store;
  manager: SessionManager;
  driver: FakeDriver;
}

/** What can be done at once is done, and what could not be recorded has been by now. */
export async function quiet({ store }: Pick<Parts, 'store'>): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  if (store.backlog.trouble === undefined) return;
  await vi.waitFor(() => expect(store.backlog.trouble).toBeUndefined(), { timeout: patience(), interval: 5 });
  return quiet({ store });
}

/** Whoever asks is refused where it cannot be stored, and asks once more. */
export async function asking<T>(ask: () => T | Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!GasTownError.is(error, 'read-only')) throw error;
    expect(error.message).toMatch(/disk is full|is locked/);
    return ask();
  }
}

/** The program behind the fake driver: every text that it is given becomes a turn of its own, which ends. */
export class Program {
  readonly got: string[] = [];
  /** What it does in a turn, by the session that has it. */
  onTurn: (session: string) => Promise<void> = async () => undefined;
  private readonly parts: Parts;
  private taken = 0;
  private started = 0;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** Until it is given nothing more. */
  async works(): Promise<void> {
    await quiet(this.parts);
    for (let next = this.next(); next; next = this.next()) {
      const { manager, driver } = this.parts;
      this.got.push(...entriesOf(next.delivery));
      driver.recorded = this.got;
      manager.report(next.runId, 'program', { kind: 'busy' }, 'busy');
      for (const id of entriesOf(next.delivery)) manager.delivered(next.runId, id);
      await quiet(this.parts);
      const session = manager.runs.sessionOf(next.runId);
      if (session !== undefined) await this.onTurn(session);
      manager.turnEnded(next.runId);
      manager.report(next.runId, 'program', { kind: 'idle' }, 'idle');
      await quiet(this.parts);
    }
  }

  /** What it was given so far never reached it. */
  missed(): void {
    this.taken = this.parts.driver.deliveries.length;
  }

  private next(): { runId: string; delivery: Delivery } | undefined {
    const { driver } = this.parts;
    for (; this.started < driver.started.length;) {
      const { runId, firstPrompt } = driver.started[this.started++]!;
      if (firstPrompt) return { runId, delivery: firstPrompt };
    }
    return this.taken < driver.deliveries.length ? driver.deliveries[this.taken++] : undefined;
  }
}

/** Each write fails once, one after the other, until none is left to fail. Returns how many there were. */
export async function failEach(
  parts: Parts & { file: string },
  flow: (n: number, write: FailingWrite) => Promise<void>,
): Promise<number> {
  for (let n = 1; ; n += 1) {
    const shown: string[] = [];
    const listening = parts.store.backlog.onDidChange(() => shown.push(parts.store.backlog.trouble?.message ?? 'over'));
    const write = failWrite(parts.file, n);
    try {
      await flow(n, write);
    } catch (error) {
      throw new Error(`where write ${n} failed (${write.failed ?? 'none'})`, { cause: error });
    } finally {
      write.restore();
      listening.dispose();
    }
    if (write.failed === undefined) return n - 1;
    expect(shown[0], `write ${n}: ${write.failed}`).toMatch(
      /town\.db cannot be written: (database or disk is full|database is locked)\. Nothing was changed\./,
    );
    expect(shown.at(-1)).toBe('over');
  }
}
