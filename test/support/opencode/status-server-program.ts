// See status-server.ts. Answers in the forms of Opencode 1.18.
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { StatusServerSetup, StatusServerWord } from './status-server.ts';

const heartbeatMs = 10_000;
/** So often it tells what is due. */
const tellEveryMs = 10;

// Whoever started this has gone.
process.once('disconnect', () => process.exit());

const streams = new Set<ServerResponse>();
const busy = new Set<string>();
let sessions: readonly string[] = [];
let directory = '';
let telling: NodeJS.Timeout | undefined;
let told = 0;
let answersAfterMs = 0;
let open = 0;
let atOnce = 0;

const say = (word: StatusServerWord): void => void process.send?.(word);
const frame = (payload: object): string => `data: ${JSON.stringify({ directory, payload })}\n\n`;
const infoOf = (id: string): object => ({
  id,
  slug: id,
  directory,
  title: id,
  version: '1.18.33',
  time: { created: 1 },
});

function answerTo(route: string): unknown {
  if (route === '/global/health') return { healthy: true, version: '1.18.33' };
  // As Opencode does: what is idle is not in it.
  if (route === '/session/status') return Object.fromEntries([...busy].map((id) => [id, { type: 'busy' }]));
  const [, id, what] = /^\/session\/([^/]+)(\/(?:children|message))?$/.exec(route) ?? [];
  if (id !== undefined && what === undefined) return infoOf(id);
  // Neither permissions nor questions, neither children nor messages.
  return [];
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
  request.resume();
  if (pathname !== '/global/event') {
    open += 1;
    atOnce = Math.max(atOnce, open);
    const answer = (): void => {
      open -= 1;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answerTo(pathname)));
    };
    if (answersAfterMs === 0) answer();
    else setTimeout(answer, answersAfterMs);
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(frame({ type: 'server.connected', properties: {} }));
  streams.add(response);
  response.on('close', () => streams.delete(response));
});

function change(): string {
  const sessionID = sessions[told % sessions.length]!;
  told += 1;
  const type = busy.delete(sessionID) ? 'idle' : 'busy';
  if (type === 'busy') busy.add(sessionID);
  return frame({ type: 'session.status', properties: { sessionID, status: { type } } });
}

function tellAtRate(eventsPerSecond: number): void {
  const start = performance.now();
  const before = told;
  telling = setInterval(() => {
    const due = before + Math.floor(((performance.now() - start) / 1_000) * eventsPerSecond);
    let text = '';
    while (told < due) text += change();
    if (text !== '') for (const stream of streams) stream.write(text);
  }, tellEveryMs);
}

setInterval(() => {
  for (const stream of streams) stream.write(frame({ type: 'server.heartbeat', properties: {} }));
}, heartbeatMs);

process.on('message', (setup: StatusServerSetup) => {
  if ('sessions' in setup) {
    ({ sessions, directory, answersAfterMs = 0 } = setup);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address !== null && typeof address === 'object') say({ port: address.port });
    });
    return;
  }
  clearInterval(telling);
  if (setup.eventsPerSecond > 0) tellAtRate(setup.eventsPerSecond);
  else say({ told, busy: busy.size, atOnce });
});
