import { readdirSync } from 'node:fs';
import path from 'node:path';
import { answerOf, clientFor } from '../../shared/backends/opencode/client.ts';
import { readServerRecord } from '../../shared/backends/opencode/server-record.ts';
import type { ServerRecord } from '../../shared/backends/opencode/server-record.ts';
import type { TownFixture } from './town-fixture.ts';

/** Compacts a session's conversation as a person would: `/compact` in Claude's terminal, Opencode's own call. */
export async function compact(town: TownFixture, id: string): Promise<void> {
  const { backend, agentName, runId } = town.session(id);
  const before = town.model.requests.filter(({ kind }) => kind === 'compaction').length;
  if (backend === 'claude') {
    const terminal = town.terminals.terminals.find(({ name }) => name.startsWith(`${agentName} `));
    terminal!.write('/compact\r');
  } else {
    const { reference } = town.stored(`SELECT reference FROM runs WHERE id = '${runId}'`)[0] as { reference: string };
    const { session: sessionID, directory } = JSON.parse(reference) as { session: string; directory: string };
    const [record] = serverRecords(town.root);
    const client = clientFor(record!.port, record!.password);
    await answerOf(
      'compact',
      client.session.summarize({ sessionID, directory, providerID: 'scripted', modelID: 'm1' }),
    );
  }
  await town.model.waitFor(
    (entry) =>
      entry.outcome === 'answered' &&
      town.model.requests.filter(({ kind }) => kind === 'compaction').indexOf(entry) >= before,
  );
  await town.until(`${id} idle`, ({ sessions }) =>
    sessions.some((session) => session.id === id && session.activity.kind === 'idle'),
  );
}

/** The Opencode servers of a town that run, or did until a crash. */
export function serverRecords(root: string): ServerRecord[] {
  const folder = path.join(root, '.runtime', 'opencode');
  return readdirSync(folder).flatMap((launch) => readServerRecord(path.join(folder, launch)) ?? []);
}
