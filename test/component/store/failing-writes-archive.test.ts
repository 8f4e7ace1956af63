import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TownArchive } from '../../../shared/host/archive.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { failEach, quiet } from './failing-support.ts';
import { until } from '../reconcile/support.ts';

const day = 86_400_000;
const mayor = 'hq-mayor';

describe('what is over and old: each write about it fails once, and afterwards [holds 1]', () => {
  let town: FakeTown;
  let archive: TownArchive;
  let warned: string[];

  beforeEach(async () => {
    town = await makeFakeTown({ stalled: 'leave' });
    warned = [];
    archive = new TownArchive({
      store: town.store,
      folder: town.paths.archive,
      policy: () => ({ afterDays: 90, keep: 1_000 }),
      now: () => town.manager.now(),
      log: {
        debug: () => undefined,
        info: () => undefined,
        warn: (message) => void warned.push(message),
        error: (message) => void warned.push(message),
      },
      onChange: town.changed,
    });
    await town.request('session.spawn', { role: 'mayor' });
  });
  afterEach(async () => {
    await archive.dispose();
    await town.pass(1);
    town.close();
  });

  function message(id: string): void {
    town.store.messages.insert({
      ...({ id, from: mayor, to: 'alpha-crew-max', kind: 'nudge', priority: 'normal', subject: '' } as const),
      ...({ body: `Text of ${id}`, state: 'acted', attempts: 0, repeated: false } as const),
      sentAt: town.manager.now(),
    });
  }

  /** A merged unit with what was said about its lines, another that came after it, and one of everything else. */
  async function areOver(n: number): Promise<string[]> {
    const [done, dropped, text] = [`done-${n}`, `dropped-${n}`, `msg_${n}`];
    await town.request('work.add', { id: done, description: 'Do it', rig: 'alpha' });
    await town.request('work.add', { id: dropped, description: 'Do it', rig: 'alpha', after: [done] });
    town.work.move(town.work.get(done), 'assigned', { by: 'alpha-max' }, { owner: 'alpha-max' });
    town.work.finish(done, 'completed', { by: 'alpha-max' });
    const branch = `polecat/max/${done}`;
    town.merges.begin({ workId: done, rig: 'alpha', branch, target: 'main', base: 'b', head: 'h' }, 'x');
    const thread = town.store.reviews.begin({
      ...({ workId: done, path: 'a.ts', side: 'new', line: 1, head: 'h', quote: 'x', state: 'open' } as const),
      createdAt: town.manager.now(),
    });
    town.store.reviews.add({ thread, at: town.manager.now(), by: 'overseer', body: 'Why?' });
    town.merges.move(town.merges.get(done), 'merged', { by: 'host' });
    await town.request('work.cancel', { id: dropped });
    message(text);
    const key = { kind: 'reported', subject: `esc_${n}` } as const;
    const escalation = town.escalations.raise({ severity: 'low', message: 'Help', by: 'overseer', key }).id;
    town.escalations.close(escalation, 'overseer', 'done');
    const { runId } = town.registry.get(mayor);
    town.die(mayor);
    await until(() => town.registry.get(mayor).runId !== runId && town.registry.get(mayor).state === 'running');
    // What was written last stays in any case.
    await town.request('work.add', { id: `newest-${n}`, description: 'Do it', rig: 'alpha' });
    message(`msg_newest-${n}`);
    await quiet(town);
    await town.pass(91 * day);
    await quiet(town);
    return [done, dropped, text, escalation, runId];
  }

  const isStored = (id: string): boolean =>
    town.work.find(id) !== undefined ||
    town.store.messages.get(id) !== undefined ||
    town.escalations.list(1_000).some((each) => each.id === id) ||
    town.store.sessions.run(id) !== undefined;

  /** The lines of the record in the files, as its reader finds them. */
  function linesOf(id: string): string[] {
    if (!existsSync(town.paths.archive)) return [];
    const files = readdirSync(town.paths.archive).sort();
    const lines = files.flatMap((file) => readFileSync(join(town.paths.archive, file), 'utf8').trimEnd().split('\n'));
    return lines.filter((line) => (JSON.parse(line) as { id: string }).id === id);
  }

  test('each is still there or in a file, which is told; the next look has each in a file, and in no two versions', async () => {
    const failed: string[] = [];
    const count = await failEach({ ...town, file: town.paths.database }, async (n, write) => {
      write.restore();
      const ids = await areOver(n);
      expect(ids.filter(isStored)).toEqual(ids);
      write.arm();
      warned = [];
      await archive.look();
      expect(ids.filter((id) => !isStored(id) && linesOf(id).length === 0)).toEqual([]);
      if (write.failed !== undefined) {
        failed.push(write.failed);
        expect(ids.filter(isStored)).not.toEqual([]);
        expect(archive.problem).toMatch(
          /^What is over and old could not be archived, and stays in the database\. .*(disk is full|is locked)/,
        );
        expect(warned).toContain(archive.problem);
      }
      await quiet(town);
      await archive.look();
      expect(archive.problem).toBeUndefined();
      expect(ids.filter(isStored)).toEqual([]);
      for (const id of ids) expect(new Set(linesOf(id)).size, id).toBe(1);
      expect(town.merges.find(`done-${n}`)).toBeUndefined();
      expect(town.store.reviews.threadsOf(`done-${n}`)).toEqual([]);
      await expect(town.request('work.show', { id: `done-${n}` })).rejects.toThrow('is over, and archived');
    });
    expect(count).toBeGreaterThan(20);
    const tables = failed.flatMap((sql) => /^(?:DELETE FROM|INSERT OR REPLACE INTO) (\w+)/.exec(sql)?.[1] ?? []);
    expect([...new Set(tables)].sort()).toEqual([
      ...['archived_work', 'escalations', 'merge_history', 'merges', 'messages', 'review_comments', 'review_threads'],
      ...['runs', 'work', 'work_dependencies'],
    ]);
  });
});
