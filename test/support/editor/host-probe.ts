// An extension that tells how the extension host fares that it shares with ours: what only a process itself knows.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { eventually } from './eventually.ts';

const manifest = {
  name: 'host-probe',
  publisher: 'test',
  version: '0.0.1',
  engines: { vscode: '^1.101.0' },
  main: './main.cjs',
  activationEvents: ['*'],
};

/** So often the extension looks whether it is late, in ms. */
export const lookEveryMs = 10;

// Plain JavaScript in a folder of its own: it is not part of any bundle.
const main = (addressFile: string, profiles: boolean): string => `
const { createServer } = require('node:http');
const { writeFileSync } = require('node:fs');
const { Session } = require('node:inspector/promises');
exports.activate = (context) => {
  let late = [];
  let since = process.cpuUsage();
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    late.push(Math.max(0, now - last - ${lookEveryMs}));
    last = now;
  }, ${lookEveryMs});
  const inspector = new Session();
  inspector.connect();
  const begin = async () => {
    await inspector.post('Profiler.enable');
    await inspector.post('Profiler.start');
    return {};
  };
  if (${profiles}) void begin();
  const answers = {
    '/figures': async () => {
      const cpu = process.cpuUsage(since);
      since = process.cpuUsage();
      const figures = { pid: process.pid, late, cpuMs: (cpu.user + cpu.system) / 1000, resident: process.memoryUsage().rss };
      late = [];
      return figures;
    },
    '/profile/begin': begin,
    '/profile/end': async () => (await inspector.post('Profiler.stop')).profile,
  };
  const server = createServer(async (request, response) => response.end(JSON.stringify(await answers[request.url]())));
  server.listen(0, '127.0.0.1', () => writeFileSync(${JSON.stringify(addressFile)}, String(server.address().port)));
  context.subscriptions.push({ dispose: () => { clearInterval(timer); inspector.disconnect(); server.close(); } });
};
`;

/** What the extension host did since it was asked last. */
export interface HostFigures {
  readonly pid: number;
  /** By how much it was late each time that a timer of it was due, in ms: that long it was busy with something else. */
  readonly late: readonly number[];
  readonly cpuMs: number;
  /** Bytes. */
  readonly resident: number;
}

/** What the extension of {@link writeHostProbe} says. */
export class HostProbe {
  readonly #url: string;

  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}`;
  }

  /** Asking begins a new stretch of time. */
  figures(): Promise<HostFigures> {
    return this.#ask('/figures');
  }

  /** What the extension host does from now on is written down. */
  beginProfile(): Promise<unknown> {
    return this.#ask('/profile/begin');
  }

  /** A CPU profile, as DevTools opens it. */
  endProfile(): Promise<unknown> {
    return this.#ask('/profile/end');
  }

  async #ask<T>(route: string): Promise<T> {
    return (await (await fetch(`${this.#url}${route}`)).json()) as T;
  }
}

/**
 * Puts the extension among the installed ones of an editor that was never started; a profile is begun as soon as it runs,
 * where one is wanted. Resolves with what finds it then.
 */
export async function writeHostProbe(root: string, profiles: boolean): Promise<() => Promise<HostProbe>> {
  const folder = path.join(root, 'extensions', `${manifest.publisher}.${manifest.name}-${manifest.version}`);
  const addressFile = path.join(root, 'host-probe.port');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest));
  await writeFile(path.join(folder, 'main.cjs'), main(addressFile, profiles));
  return async () => {
    const read = (): Promise<string> => readFile(addressFile, 'utf8').catch(() => '');
    return new HostProbe(Number(await eventually('the probe in the extension host', read, (port) => port !== '')));
  };
}
