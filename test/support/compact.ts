import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { answerOf } from '../../shared/backends/opencode/client.ts';
import { readServerRecord } from '../../shared/backends/opencode/server-record.ts';
import type { ServerRecord } from '../../shared/backends/opencode/server-record.ts';
import { sdkClient } from './opencode/sdk-client.ts';
import { referenceOf } from './questions.ts';
import type { TownFixture } from './town-fixture.ts';

/** Compacts a session's conversation as a user would: `/compact` in Claude's terminal, Opencode's own call, the third's signal. */
export async function compact(town: TownFixture, id: string): Promise<void> {
  const { backend, agentName, runId, pid } = town.session(id);
  const before = town.model.requests.filter(({ kind }) => kind === 'compaction').length;
  if (backend === 'claude') {
    const terminal = town.terminals.terminals.find(({ name }) => name.startsWith(`${agentName} `));
    terminal!.write('/compact\r');
  } else if (backend === 'third') {
    process.kill(pid!, 'SIGUSR2');
  } else {
    const { session: sessionID, directory } = referenceOf<{ session: string; directory: string }>(town, runId);
    const [record] = serverRecords(town.root);
    const client = sdkClient(record!);
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

/** The Opencode servers of a town that run, or did until a crash; none where none was ever started. */
export function serverRecords(root: string): ServerRecord[] {
  const folder = path.join(root, '.runtime', 'opencode');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((launch) => readServerRecord(path.join(folder, launch)) ?? []);
}
