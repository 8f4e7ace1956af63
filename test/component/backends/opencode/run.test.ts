import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { promptDefaults } from '../../../../shared/backends/opencode/arguments.ts';
import { observe } from '../../../../shared/backends/opencode/facts.ts';
import { Run } from '../../../../shared/backends/opencode/run.ts';
import { OpencodeServer } from '../../../../shared/backends/opencode/server.ts';
import type { TurnFailure } from '../../../../shared/domain/run.ts';
import { silentLogger } from '../../../../shared/platform/logger.ts';
import { fakeAgent } from '../../../support/core.ts';
import { RecordingHost } from '../../../support/driver-host.ts';

const session = 'ses_1';
let http: Server;
let aborted: string[];
let failures: (TurnFailure | undefined)[];
let run: Run;
let repeats: number;

class Host extends RecordingHost {
  override turnEnded(runId: string, failure?: TurnFailure): void {
    failures.push(failure);
    super.turnEnded(runId);
  }
}

beforeEach(async () => {
  aborted = [];
  failures = [];
  repeats = 3;
  http = createServer(({ url = '' }, response) => {
    if (url.includes('/abort')) aborted.push(url.split('/')[2] ?? '');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('true');
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const record = { id: 's', launch: 'l', program: '/opencode', port, password: 'p', token: 't' };
  const server = new OpencodeServer('/nowhere', record, { pid: 2 ** 22 + 1, startTime: '1' }, silentLogger);
  const spec = {
    ...{ sessionId: 'alpha-toast', runId: 'run-1', role: 'polecat' as const, rig: 'alpha', title: 'toast' },
    ...{ agent: fakeAgent, cwd: '/nowhere', env: {}, permissions: 'autonomous' as const, contextFile: '', runDir: '' },
  };
  const options = { patienceMs: () => 1_000, maxRepeats: () => repeats, defaults: promptDefaults('opencode', []) };
  run = new Run(new Host(), server, spec, { session, directory: '/nowhere', ...options });
  says('session.status', { status: { type: 'busy' } });
});
afterEach(() => {
  run.letGo();
  http.closeAllConnections();
  http.close();
});

/** The server's stream tells this, of the session or of another one. */
function says(type: string, properties: object = {}, sessionID = session): void {
  for (const seen of observe({ type, properties: { sessionID, ...properties } }, 0)) run.take(seen, 'program');
}

test('a turn that compacts its conversation again and again is broken off, and ends with what went in circles', async () => {
  for (let time = 0; time < 3; time += 1) says('session.compacted');
  await expect.poll(() => aborted).toEqual([session]);
  says('session.compacted');
  says('session.error', { error: { name: 'MessageAbortedError', data: {} } });
  says('session.idle');
  expect(failures).toEqual([
    { kind: 'circles', reason: expect.stringContaining('compacted 3 times in a row') as string },
  ]);
  expect(aborted).toHaveLength(1);
});

test('the next turn begins to count anew', async () => {
  for (let turn = 0; turn < 3; turn += 1) {
    says('session.compacted');
    says('session.compacted');
    says('session.idle');
    says('session.status', { status: { type: 'busy' } });
  }
  expect(failures).toEqual([]);
  expect(aborted).toEqual([]);
});

test('a sub-agent that goes in circles ends the turn of its session', async () => {
  says('session.created', { info: { id: 'ses_2', parentID: session, title: 'look' } }, 'ses_2');
  for (let time = 0; time < 3; time += 1) says('session.compacted', {}, 'ses_2');
  await expect.poll(() => aborted).toEqual([session]);
  says('session.idle');
  expect(failures).toMatchObject([{ kind: 'circles' }]);
});

test('nothing is broken off where the settings say so', () => {
  repeats = 0;
  for (let time = 0; time < 50; time += 1) says('session.compacted');
  says('session.idle');
  expect(failures).toEqual([]);
});
