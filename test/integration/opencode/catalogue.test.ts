import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerOf } from '../../../shared/backends/opencode/client.ts';
import { readServerRecord } from '../../../shared/backends/opencode/server-record.ts';
import { watchFile } from '../../../shared/platform/watch-file.ts';
import { sdkClient } from '../../support/opencode/sdk-client.ts';
import { makeOpencodeTown, scripted } from '../../support/opencode/town.ts';
import type { OpencodeTown } from '../../support/opencode/town.ts';
import { patience } from '../../support/patience.ts';

type Fires = 'yes' | 'no' | 'sometimes';

const document = path.join(import.meta.dirname, '../../../docs/developer/opencode-plugin.md');

/** The rows below a heading of the document: name → whether it fires. */
function table(heading: string): Map<string, Fires> {
  const text = readFileSync(document, 'utf8');
  const section = text.split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!;
  return new Map(
    [...section.matchAll(/^\| `([^`]+)` \| (yes|no|sometimes) \|/gm)].map((row) => [row[1]!, row[2] as Fires]),
  );
}

/** Every event that the program's own types name. */
function namedEvents(): string[] {
  const types = path.join(import.meta.dirname, '../../../node_modules/@opencode-ai/sdk/dist/v2/gen/types.gen.d.ts');
  const text = readFileSync(types, 'utf8');
  const union = text.split('export type GlobalEvent = ')[1]!.split('\nexport type')[0]!;
  // One member of the union has a name of its own.
  const named = [...text.matchAll(/^export type Event[A-Z]\w+ = \{\n {4}id: string;\n {4}type: "([^"]+)"/gm)];
  return [...new Set([...union.matchAll(/^ {8}type: "([^"]+)"/gm), ...named].map((match) => match[1]!))];
}

describe('the catalogue of hooks and events', () => {
  let town: OpencodeTown;
  let seen: { hook: Set<string>; event: Set<string>; known: Set<string> };

  beforeAll(async () => {
    town = await makeOpencodeTown();
    seen = await drive(town);
  });
  afterAll(() => town.close());

  it('names every hook and every event that Opencode names', () => {
    expect([...table('Hooks').keys()].sort()).toEqual([...seen.known].sort());
    expect([...table('Events').keys()].sort()).toEqual(namedEvents().sort());
  });

  it.each([
    ['Hooks', 'hook'],
    ['Events', 'event'],
  ] as const)('%s: what fires, and what does not, is as written', (heading, kind) => {
    const rows = [...table(heading)];
    const names = (fires: Fires): string[] => rows.filter(([, value]) => value === fires).map(([name]) => name);
    expect(names('yes').filter((name) => !seen[kind].has(name))).toEqual([]);
    expect(names('no').filter((name) => seen[kind].has(name))).toEqual([]);
    expect([...seen[kind]].filter((name) => !rows.some(([row]) => row === name))).toEqual([]);
  });
});

/** Leads a session through everything that it can meet, with a plugin that writes down what comes. */
async function drive(town: OpencodeTown): Promise<{ hook: Set<string>; event: Set<string>; known: Set<string> }> {
  const probe = path.join(town.folder, 'probe', 'probe.js');
  await build({
    entryPoints: [path.join(import.meta.dirname, '../../support/opencode/probe-plugin.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile: probe,
  });
  writeFileSync(path.join(town.folder, 'probe', 'package.json'), '{"type":"module"}');
  const notes = path.join(town.folder, 'probe.txt');
  writeFileSync(notes, '');
  const fired = (line: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const done = (finish: () => void): void => {
        clearTimeout(bound);
        stop();
        finish();
      };
      const look = (): void => {
        if (readFileSync(notes, 'utf8').split('\n').includes(line)) done(resolve);
      };
      const bound = setTimeout(() => done(() => reject(new Error(`"${line}" did not fire`))), patience());
      const stop = watchFile(notes, look);
      look();
    });

  const config = JSON.stringify({ plugin: [pathToFileURL(probe).href] });
  const { driver, host } = await town.makeHost({ OPENCODE_CONFIG_CONTENT: config, PROBE_FILE: notes });
  const never = new AbortController().signal;
  const spec = await town.makeSpec({ permissions: 'interactive' });
  await driver.start(spec, never);

  let number = 0;
  const turn = async (...steps: object[]): Promise<void> => {
    number += 1;
    const turns = host.turns.length;
    const sent = await driver.deliver(
      spec.runId,
      { id: `msg_${number}`, text: `${number}: ${scripted(...steps)}` },
      never,
    );
    expect(sent).toEqual({ kind: 'accepted' });
    const answered = new Set<string>();
    for (;;) {
      const next = await host.until(`turn ${number}`, () => {
        if (host.turns.length > turns) return 'ended';
        return host.status(spec.runId).asks.find(({ id }) => !answered.has(id));
      });
      if (next === 'ended') return;
      answered.add(next.id);
      if (next.kind === 'permission') await driver.answer(spec.runId, next.id, { kind: 'allow' });
      else if (next.title === 'Never mind?') await driver.answer(spec.runId, next.id, { kind: 'deny' });
      else await driver.answer(spec.runId, next.id, { kind: 'answers', answers: [['Yes']] });
    }
  };
  const file = path.join(spec.cwd, 'a.txt');
  await turn({ tool: 'bash', args: { command: 'echo hi' } }, { text: 'Done.' });
  await turn({ tool: 'write', args: { path: file, content: 'a\n' } }, { text: 'Done.' });
  await turn(
    { tool: 'todowrite', args: { todos: [{ content: 'x', status: 'pending', priority: 'low', id: '1' }] } },
    { text: 'Done.' },
  );
  await turn({ tool: 'ask', args: { question: 'Go on?' } }, { text: 'Done.' });
  await turn({ tool: 'ask', args: { question: 'Never mind?' } }, { text: 'Done.' });
  await turn(
    { tool: 'task', args: { prompt: scripted({ text: 'Sub done.' }), description: 'Look' } },
    { text: 'Done.' },
  );
  await turn({ usage: { input: 199_500 } }, { tool: 'bash', args: { command: 'true' } }, { text: 'Done.' });
  await turn({ status: 400 });

  const servers = path.join(town.root, '.runtime', 'opencode');
  const record = readServerRecord(path.join(servers, readdirSync(servers)[0]!))!;
  const client = sdkClient(record);
  const sessionID = String(host.references.get(spec.runId)!['session']);
  const at = { sessionID, directory: spec.cwd };
  await answerOf('compact', client.session.summarize({ ...at, providerID: 'scripted', modelID: 'm1' }));
  await fired('event session.compacted');
  const messages = await answerOf('list', client.session.messages(at));
  const last = messages.findLast(({ parts }) => parts.length > 0)!;
  await answerOf('delete', client.part.delete({ ...at, messageID: last.info.id, partID: last.parts[0]!.id }));
  await answerOf('delete', client.session.deleteMessage({ ...at, messageID: last.info.id }));
  await answerOf('run', client.pty.create({ directory: spec.cwd, command: '/bin/sh', args: ['-c', 'exit 0'] }));
  const other = await answerOf('create', client.session.create({ directory: spec.cwd }));
  await answerOf(
    'command',
    client.session.command({ sessionID: other.id, directory: spec.cwd, command: 'init', arguments: '' }),
  );
  await answerOf('delete', client.session.delete({ sessionID: other.id }));
  await fired('event session.deleted');
  await fired('event pty.exited');
  await driver.stop(spec.runId);
  await fired('hook dispose');

  const lines = readFileSync(notes, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const of = (kind: string): Set<string> => new Set(lines.filter(([found]) => found === kind).map(([, name]) => name!));
  return { hook: of('hook'), event: of('event'), known: of('known') };
}
