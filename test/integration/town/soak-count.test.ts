// The soak's count, proven by faults that are planted in it.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { townPaths } from '../../../shared/config/town-paths.ts';
import { booksOf } from '../../support/questions.ts';
import { readBooks } from '../../soak/books.ts';
import { Journal } from '../../soak/journal.ts';
import { comeToRest } from '../../soak/rest.ts';
import { SoakTown } from '../../soak/town.ts';
import { judge } from '../../soak/verdict.ts';

let town: SoakTown;
let stopped = false;
const sent = new Set<string>();

beforeAll(async () => {
  town = await SoakTown.open((folder) => new Journal(path.join(folder, 'soak.log')));
  await town.request('session.spawn', { role: 'polecat', rig: town.rig, backend: 'opencode', name: 'one' });
});
afterAll(async () => {
  if (!stopped) await town.stop();
  town.folder.remove();
});

const to = 'alpha-one';
const nudge = async (body: string): Promise<string> => {
  const { id } = await town.request('message.send', { to, type: 'nudge', body });
  sent.add(id);
  return id;
};
const count = () => judge(readBooks(town, { messages: sent, units: new Set(), refused: 0 }, []));
const write = (sql: string, ...values: string[]) => booksOf(townPaths(town.folder.root).database).write(sql, ...values);

test('a lost message, a doubled one, a receipt that came too early and an orphan are each found', async () => {
  const [first, second, third] = [await nudge('Look at the door'), await nudge('And the roof'), await nudge('And go')];
  expect(await comeToRest(town, 60_000)).toEqual([]);
  expect(count()).toMatchObject({
    problems: [],
    figures: { messages: { sent: 3, delivered: 3, lost: 0, doubled: 0, falseReceipts: 0 } },
  });

  await town.letGo();
  const anew = 'delivered_at = NULL, acted_at = NULL, run_id = NULL, attempts = 0';
  write(`UPDATE messages SET state = 'accepted', ${anew} WHERE id = ?`, second);
  await town.start();
  expect(await comeToRest(town, 60_000)).toEqual([]);
  expect(count().problems).toEqual([expect.stringMatching(`^doubled: nudge ${second} .* 2 times$`)]);
  write('UPDATE messages SET repeated = 1 WHERE id = ?', second);
  expect(count().problems).toEqual([]);

  write("UPDATE messages SET id = 'msg_planted' WHERE id = ?", first);
  expect(count().problems.sort()).toEqual([
    expect.stringMatching(`^lost: ${first}: its sender was told "accepted"`),
    expect.stringMatching('^lost: nudge msg_planted .* the model never saw it$'),
  ]);
  write("UPDATE messages SET id = ? WHERE id = 'msg_planted'", first);

  write('UPDATE messages SET acted_at = sent_at WHERE id = ?', third);
  expect(count().problems).toEqual([expect.stringMatching(`^false receipt: nudge ${third} `)]);

  const env = { PATH: process.env['PATH'] ?? '', HOME: path.join(town.folder.folder, 'home') };
  const { pid } = spawn('sleep', ['1000'], { env, detached: true, stdio: 'ignore' });
  stopped = true;
  expect(await town.stop()).toEqual([expect.objectContaining({ pid })]);
});
