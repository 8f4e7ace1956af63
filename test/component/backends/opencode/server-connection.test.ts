import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { promptDefaults } from '../../../../shared/backends/opencode/arguments.ts';
import { Run } from '../../../../shared/backends/opencode/run.ts';
import { OpencodeServer } from '../../../../shared/backends/opencode/server.ts';
import { ServerConnection } from '../../../../shared/backends/opencode/server-connection.ts';
import { silentLogger } from '../../../../shared/platform/logger.ts';
import { fakeAgent } from '../../../support/core.ts';
import { RecordingHost } from '../../../support/driver-host.ts';

let http: Server;
let host: RecordingHost;
let server: OpencodeServer;
let link: ServerConnection;

beforeEach(async () => {
  http = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
  );
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const record = { id: 's', launch: 'l', program: '/opencode', port, password: 'p', token: 't' };
  server = new OpencodeServer('/nowhere', record, { pid: 2 ** 22 + 1, startTime: '1' }, silentLogger);
  host = new RecordingHost();
  link = new ServerConnection(server, host, () => undefined);
});
afterEach(() => {
  link.letGo();
  http.closeAllConnections();
  http.close();
});

/** A run of the Opencode session, on the server. */
function added(runId: string, session: string): Run {
  const spec = {
    ...{ sessionId: 'alpha-toast', runId, role: 'polecat' as const, rig: 'alpha', title: 'toast', agent: fakeAgent },
    ...{ cwd: '/nowhere', env: {}, permissions: 'autonomous' as const, contextFile: '', runDir: '' },
  };
  const options = { patienceMs: () => 1_000, maxRepeats: () => 0, defaults: promptDefaults('opencode', []) };
  const run = new Run(host, server, spec, { session, directory: '/nowhere', ...options });
  link.add(run);
  return run;
}

function says(type: string, session: string, properties: object = {}): void {
  link.take({ type, properties: { sessionID: session, ...properties } }, 'program');
}
const begins = (id: string, parentID: string): void =>
  says('session.created', id, { info: { id, parentID, title: `title of ${id}` } });
const isBusy = (session: string): void => says('session.status', session, { status: { type: 'busy' } });
/** The sub-agents of the run, and what they do. */
const childrenOf = (runId: string) => host.children.get(runId)?.map(({ id, activity }) => [id, activity]);
const toldOf = (runId: string) => host.reports.filter((each) => each.runId === runId).map(({ fact }) => fact.kind);

test('an event is about the run whose session it names, and about no other', () => {
  added('run-1', 'ses_1');
  added('run-2', 'ses_2');
  isBusy('ses_2');
  isBusy('ses_3');
  expect(toldOf('run-1')).toEqual([]);
  expect(toldOf('run-2')).toEqual(['busy']);
});

test('a sub-agent, and one that it starts itself, belong to the run of the session', () => {
  added('run-1', 'ses_1');
  begins('ses_child', 'ses_1');
  begins('ses_grandchild', 'ses_child');
  isBusy('ses_grandchild');
  expect(childrenOf('run-1')).toEqual([
    ['ses_child', 'unknown'],
    ['ses_grandchild', 'busy'],
  ]);
  expect(link.runOf('ses_grandchild')?.id).toBe('run-1');
});

test('a sub-agent that was deleted belongs to nobody; the run goes on with its others', () => {
  added('run-1', 'ses_1');
  begins('ses_first', 'ses_1');
  begins('ses_second', 'ses_1');
  says('session.deleted', 'ses_first', { info: { id: 'ses_first' } });
  isBusy('ses_second');
  expect(childrenOf('run-1')).toEqual([['ses_second', 'busy']]);
  expect(link.runOf('ses_first')).toBeUndefined();
});

test("a session that was deleted stays the run's, which is over", () => {
  added('run-1', 'ses_1');
  says('session.deleted', 'ses_1', { info: { id: 'ses_1' } });
  expect(toldOf('run-1')).toEqual(['ended']);
  expect(link.runOf('ses_1')?.id).toBe('run-1');
});

test('nothing is told of a run that was removed, nor of its sub-agents', () => {
  const run = added('run-1', 'ses_1');
  begins('ses_child', 'ses_1');
  link.remove(run);
  isBusy('ses_1');
  isBusy('ses_child');
  expect(toldOf('run-1')).toEqual([]);
  expect(childrenOf('run-1')).toEqual([['ses_child', 'unknown']]);
  expect(link.unused).toBe(true);
});

test('another attempt to adopt a run takes the place of the first, whose removal does not take its session away', () => {
  const first = added('run-1', 'ses_1');
  begins('ses_child', 'ses_1');
  const second = added('run-1', 'ses_1');
  expect(link.runOf('ses_1')).toBe(second);
  expect(link.runOf('ses_child')).toBeUndefined();
  link.remove(first);
  expect(link.runOf('ses_1')).toBe(second);
  expect(link.runs.get('run-1')).toBe(second);
});
