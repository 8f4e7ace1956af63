import { mkdir, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ChannelClient } from '../../shared/channel/client.ts';
import { protocolVersion } from '../../shared/channel/protocol.ts';
import { readHostFile } from '../../shared/channel/read-host-file.ts';
import type { SessionView } from '../../shared/channel/views.ts';
import { createTown } from '../../shared/config/create-town.ts';
import { townPaths } from '../../shared/config/town-paths.ts';
import { sessionIdOf } from '../../shared/domain/names.ts';
import { backends } from '../../shared/host/backends.ts';
import { Store } from '../../shared/store/store.ts';
import { agentEnvironment, makeAgentHome } from '../support/agent-home.ts';
import { fakeAgent, makeRepository } from '../support/core.ts';
import { agentPath } from '../support/editor/agent-path.ts';
import type { EditorPage } from '../support/editor/editor-page.ts';
import { eventually } from '../support/editor/eventually.ts';
import { lookEveryMs, writeHostProbe } from '../support/editor/host-probe.ts';
import type { HostProbe } from '../support/editor/host-probe.ts';
import { packagedExtension } from '../support/editor/packaged-extension.ts';
import { startTestEditor } from '../support/editor/test-editor.ts';
import type { TestEditor } from '../support/editor/test-editor.ts';
import { StatusServer } from '../support/opencode/status-server.ts';
import { prepareTools } from '../support/setup/tools.ts';
import { ms, percentile, printTable } from './figures.ts';

const sizes = { few: 20, many: 1_000 };
const eventsPerSecond = 500;
/** So often the host is asked something that costs next to nothing. */
const askEveryMs = 20;
const rig = 'myproject';
const serverId = 'bench';
/** Nobody listens there, and no agent is started that would ask. */
const noModel = 'http://127.0.0.1:9';

interface Figure {
  value: number;
  shown: string;
}

/** Each by what it is called in the table. */
type Figures = Record<string, Figure>;

interface Measured {
  opening: Figures;
  rest: Figures;
  load: Figures;
}

const inMs = (value: number): Figure => ({ value, shown: ms(value) });
const inMegabytes = (bytes: number): Figure => ({ value: bytes, shown: `${(bytes / 1024 / 1024).toFixed(0)} MB` });
const inPercent = (value: number): Figure => ({ value, shown: `${value.toFixed(0)} %` });
const counted = (value: number): Figure => ({ value, shown: String(value) });

/** By how much something was late each time, in ms. */
const stalls = (whose: string, late: readonly number[]): Figures => ({
  [`${whose}: stalls, p95`]: inMs(percentile(late, 0.95)),
  [`${whose}: stalls, p99`]: inMs(percentile(late, 0.99)),
  [`${whose}: longest stall`]: inMs(Math.max(...late)),
});

/**
 * How an editor fares whose window shows sessions that work and rest all the time: few beside many, at rest and under the
 * load. With a folder, what the extension host did is written there.
 */
export async function editorLoad(seconds: number, profiles?: string): Promise<void> {
  console.log(
    `Editor: ${eventsPerSecond} changes a second for ${seconds} s (load ${loadavg()[0]?.toFixed(1)} on two cores)`,
  );
  const few = await measure(sizes.few, seconds, profiles);
  const many = await measure(sizes.many, seconds, profiles);
  print('The town is opened', few.opening, many.opening);
  print('At rest', few.rest, many.rest);
  print(`${eventsPerSecond} changes a second`, few.load, many.load);
}

function print(title: string, few: Figures, many: Figures): void {
  printTable(title, [
    ['', `${sizes.few} sessions`, `${sizes.many} sessions`, 'ratio'],
    ...Object.entries(few).map(([what, figure]) => {
      const other = many[what];
      return [what, figure.shown, other?.shown ?? '', `${((other?.value ?? Number.NaN) / figure.value).toFixed(1)}×`];
    }),
  ]);
}

async function measure(count: number, seconds: number, profiles: string | undefined): Promise<Measured> {
  const say = (what: string): void => console.log(`  ${count} sessions: ${what}`);
  say('the editor is started');
  const town = await EditorTown.start(count, profiles !== undefined);
  try {
    say('the town is opened');
    const opening = await town.open();
    const probe = await town.findProbe();
    const keep = async (name: string): Promise<void> => {
      if (profiles === undefined) return;
      const file = path.join(profiles, `${count}-${name}.cpuprofile`);
      await writeFile(file, JSON.stringify(await probe.endProfile()));
      await probe.beginProfile();
    };
    await keep('opening');
    say(`at rest for ${seconds / 3} s`);
    const rest = await town.watched((seconds * 1_000) / 3);
    await keep('rest');
    say(`${eventsPerSecond} changes a second for ${seconds} s`);
    const load = await town.underLoad(seconds * 1_000);
    await keep('load');
    return { opening, rest, load };
  } finally {
    await town.stop();
  }
}

/** A town whose sessions an earlier host has left on a server that is no Opencode, in an editor. */
class EditorTown {
  private readonly editor: TestEditor;
  private readonly server: StatusServer;
  /** Resolves when there is an extension host. */
  readonly findProbe: () => Promise<HostProbe>;
  private window!: EditorPage;
  private client!: ChannelClient;

  private constructor(editor: TestEditor, server: StatusServer, findProbe: () => Promise<HostProbe>) {
    this.editor = editor;
    this.server = server;
    this.findProbe = findProbe;
  }

  static async start(count: number, profiles: boolean): Promise<EditorTown> {
    const vsix = await packagedExtension(console.log);
    const tools = await prepareTools(console.log);
    let server: StatusServer | undefined;
    let findProbe = (): Promise<HostProbe> => Promise.reject(new Error('There is no probe.'));
    try {
      const editor = await startTestEditor({
        vsix: [vsix],
        env: agentEnvironment(noModel),
        prepare: async ({ root, home }) => {
          const folder = path.join(root, 'town');
          await mkdir(folder);
          await createTown(folder, backends, { unattended: false });
          const repository = makeRepository(path.join(root, rig));
          await makeAgentHome(home, { model: noModel, trusted: [folder, repository], path: agentPath(tools) });
          findProbe = await writeHostProbe(root, profiles);
          server = await leaveSessions(folder, repository, count);
        },
      });
      return new EditorTown(editor, server!, findProbe);
    } catch (error) {
      await server?.stop();
      throw error;
    }
  }

  /** Resolves when all sessions are known to live on, and to rest, and are shown. */
  async open(): Promise<Figures> {
    const start = performance.now();
    this.window = await this.editor.open(this.root);
    await this.window.views.open('Gas Town');
    const host = await eventually(
      'a host of the town',
      () => readHostFile(townPaths(this.root).hostFile),
      (file) => file !== undefined,
    );
    const hello = { protocol: protocolVersion, token: host!.token, client: 'bench', watch: false } as const;
    this.client = await ChannelClient.connect(host!.socket, hello);
    await this.until('all sessions to be adopted', (each) => each.state === 'running' && each.activity.kind === 'idle');
    await this.window.views.tree('Sessions').row('worker-0').waitFor();
    const took = performance.now() - start;
    const { late, resident, cpuMs } = await (await this.findProbe()).figures();
    await followWindow(this.window);
    return {
      'until all sessions are shown': inMs(took),
      ...stalls('extension host', late),
      'extension host: CPU': inMs(cpuMs),
      'extension host: resident memory': inMegabytes(resident),
    };
  }

  /** How the extension host fares for so long, and how long the host of the town takes for an answer. */
  async watched(lastsMs: number): Promise<Figures> {
    const probe = await this.findProbe();
    await probe.figures();
    await latenessOf(this.window);
    const answers: number[] = [];
    const start = performance.now();
    while (performance.now() - start < lastsMs) {
      const asked = performance.now();
      await this.client.request('escalation.list', {});
      answers.push(performance.now() - asked);
      await delay(Math.max(0, askEveryMs - (performance.now() - asked)));
    }
    const { late, cpuMs, resident } = await probe.figures();
    const lateWindow = await latenessOf(this.window);
    const lasted = performance.now() - start;
    return {
      ...stalls('extension host', late),
      'extension host: CPU': inPercent((cpuMs / lasted) * 100),
      'extension host: resident memory': inMegabytes(resident),
      'answer of the host: p50': inMs(percentile(answers, 0.5)),
      'answer of the host: p95': inMs(percentile(answers, 0.95)),
      'answer of the host: p99': inMs(percentile(answers, 0.99)),
      'answer of the host: longest': inMs(Math.max(...answers)),
      ...stalls('window', lateWindow),
    };
  }

  /** The same while sessions work and rest, with how far the town is behind at the end. */
  async underLoad(lastsMs: number): Promise<Figures> {
    this.server.tell(eventsPerSecond);
    const figures = await this.watched(lastsMs);
    const { told, busy } = await this.server.rest();
    const rested = performance.now();
    await eventually(
      'the town to know of all changes',
      () => this.busy(),
      (known) => known === busy,
    );
    return {
      ...figures,
      'changes told': counted(told),
      'known after the last of them': inMs(performance.now() - rested),
    };
  }

  async stop(): Promise<void> {
    this.client?.close();
    await this.server.stop();
    await this.editor.stop();
  }

  private get root(): string {
    return path.join(this.editor.root, 'town');
  }

  private async busy(): Promise<number> {
    const { sessions } = await this.client.request('session.list', {});
    return sessions.filter(({ activity }) => activity.kind === 'busy').length;
  }

  private async until(what: string, check: (session: SessionView) => boolean): Promise<void> {
    await eventually(
      what,
      async () => {
        const { sessions } = await this.client.request('session.list', {});
        const others = sessions.filter((each) => !check(each));
        const how = new Set(others.map(({ state, activity, cause }) => `${state}, ${activity.kind}: ${cause}`));
        return { count: others.length, how: [...how] };
      },
      ({ count }) => count === 0,
    );
  }
}

/** What the page of a window is asked to keep. */
interface PageGlobals {
  late?: number[];
}

/** Lets the window note by how much it is late, as the extension host does. */
async function followWindow({ page }: EditorPage): Promise<void> {
  await page.evaluate((everyMs) => {
    const late: number[] = [];
    (globalThis as PageGlobals).late = late;
    let last = performance.now();
    setInterval(() => {
      const now = performance.now();
      late.push(Math.max(0, now - last - everyMs));
      last = now;
    }, everyMs);
  }, lookEveryMs);
}

/** By how much it was late each time since it was asked last, in ms. */
const latenessOf = ({ page }: EditorPage): Promise<number[]> =>
  page.evaluate(() => (globalThis as PageGlobals).late?.splice(0) ?? []);

/** Writes into a new town what a host would have left that is gone, and starts the server on which its sessions go on. */
async function leaveSessions(root: string, repository: string, count: number): Promise<StatusServer> {
  const { runtime, database } = townPaths(root);
  await mkdir(runtime, { recursive: true });
  const sessions = Array.from({ length: count }, (_, index) => `ses_${index}`);
  const store = new Store(database);
  store.addRig({ name: rig, path: repository }, Date.now());
  store.transaction(() => {
    for (const [index, session] of sessions.entries()) {
      const agentName = `worker-${index}`;
      const [id, runId] = [sessionIdOf('crew', rig, agentName), `run-${index}`];
      const startedAt = Date.now() - 3_600_000 + index;
      const reference = { launch: serverId, server: serverId, session, directory: repository };
      store.sessions.begin(
        {
          ...{ id, backend: 'opencode', role: 'crew', agentName, rig, agent: fakeAgent },
          ...{ workDir: repository, runId, createdAt: startedAt },
        },
        { id: runId, sessionId: id, token: `token-${index}`, state: 'running', reference, startedAt },
      );
    }
  });
  store.close();
  const folder = path.join(runtime, 'opencode', serverId);
  return StatusServer.start({ folder, id: serverId, sessions, directory: repository });
}
