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
let host: Host;
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
  host = new Host();
  run = new Run(host, server, spec, { session, directory: '/nowhere', ...options });
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

/** The prompt is in the conversation, and Opencode has begun to work on it. */
function stores(): void {
  run.begin({ id: 'msg_gt', text: 'Do it.' });
  says('message.updated', { info: { id: 'msg_2', role: 'user' } });
  says('message.part.updated', { part: { type: 'text', messageID: 'msg_2', text: 'Do it.' } });
  says('session.status', { status: { type: 'busy' } });
  says('message.updated', { info: { id: 'msg_3', role: 'assistant', parentID: 'msg_2', time: {} } });
}

const receipts = (): string[] => host.deliveries.map(({ deliveryId }) => deliveryId);

test('a prompt is delivered when the provider begins to answer it, not when the conversation has it', () => {
  stores();
  expect(receipts()).toEqual([]);
  says('message.part.updated', { part: { type: 'step-start', messageID: 'msg_3' } });
  expect(receipts()).toEqual(['msg_gt']);
  says('session.idle');
  expect([receipts(), failures]).toEqual([['msg_gt'], [undefined]]);
});

test('one that a provider never answered is delivered when its turn is over: the conversation keeps it', () => {
  stores();
  says('session.error', { error: { name: 'APIError', data: { message: 'no', statusCode: 401 } } });
  expect(receipts()).toEqual([]);
  says('session.idle');
  expect(receipts()).toEqual(['msg_gt']);
  expect(failures).toMatchObject([{ kind: 'account' }]);
});

test("the late end of the turn before is not the prompt's", () => {
  run.begin({ id: 'msg_gt', text: 'Do it.' });
  says('message.updated', { info: { id: 'msg_2', role: 'user' } });
  says('message.part.updated', { part: { type: 'text', messageID: 'msg_2', text: 'Do it.' } });
  says('session.idle');
  expect([receipts(), failures]).toEqual([[], []]);
});

test('what an earlier host handed over is delivered by the answer to it, or by the end of its turn', () => {
  run.expectReceipt('msg_gt', 'msg_2');
  run.expectReceipt('msg_later', 'msg_6');
  expect(receipts()).toEqual([]);
  says('message.part.updated', { part: { type: 'step-start', messageID: 'msg_3' } });
  expect(receipts()).toEqual(['msg_gt']);
  says('session.idle');
  expect(receipts()).toEqual(['msg_gt', 'msg_later']);
});
