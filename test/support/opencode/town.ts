import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import { OpencodeDriver } from '../../../shared/backends/opencode/driver.ts';
import { readServerRecord } from '../../../shared/backends/opencode/server-record.ts';
import { ChannelServer } from '../../../shared/channel/server.ts';
import type { CallerView, Params } from '../../../shared/channel/protocol.ts';
import { killAll, startedWith } from '../../../shared/platform/process-table.ts';
import type { ProcessIdentity } from '../../../shared/platform/process-table.ts';
import { agentEnvironment, makeAgentHome } from '../agent-home.ts';
import { makeRepository, temporaryFolder } from '../core.ts';
import { RecordingHost } from '../driver-host.ts';
import { startScriptedModel } from '../model/server.ts';
import { patience } from '../patience.ts';
import { opencode } from '../setup/agents.ts';
import { bundlePlugin } from './plugin-bundle.ts';
import type { PermissionProfile } from '../../../shared/domain/run.ts';

/** A town with real Opencode, the scripted model, and the channel, as far as the driver needs them. */
export type OpencodeTown = Awaited<ReturnType<typeof makeOpencodeTown>>;

export interface Host {
  driver: OpencodeDriver;
  host: RecordingHost;
  /** What the plugin reported, in order of arrival. */
  inside: Params<'inside.event'>[];
  /** The host goes away as a window does: its servers stay. */
  leave(): Promise<void>;
}

export async function makeOpencodeTown(options: { leaseMs?: number } = {}) {
  const folder = temporaryFolder('oc');
  const home = path.join(folder.path, 'home');
  const root = path.join(folder.path, 'town');
  const [model, program, plugin] = await Promise.all([
    startScriptedModel(),
    opencode(() => undefined),
    bundlePlugin(path.join(folder.path, 'plugin')),
  ]);
  await mkdir(home, { recursive: true });
  const PATH = `${program.folder}:/usr/local/bin:/usr/bin:/bin`;
  await makeAgentHome(home, { model: model.url, trusted: [], path: PATH });
  const environment: Record<string, string> = {
    HOME: home,
    PATH,
    TERM: 'xterm-256color',
    ...agentEnvironment(model.url),
  };
  const socket = path.join(root, '.runtime', 'run', 'host.sock');
  const specs = new Map<string, RunSpec>();
  const open: Host[] = [];

  /** A host of the town: the driver with what the core does for it. */
  const makeHost = async (extra: Record<string, string> = {}): Promise<Host> => {
    const host = new RecordingHost();
    const driver = new OpencodeDriver(host, {
      runtimeDir: path.join(root, '.runtime'),
      environment: { ...environment, ...extra },
      socket,
      hostFile: path.join(root, '.runtime', 'host.json'),
      pluginFile: plugin,
      ...options,
    });
    const inside: Params<'inside.event'>[] = [];
    const specOf = (caller: CallerView, params: unknown): RunSpec | undefined =>
      caller.kind === 'server'
        ? specs.get(driver.runOf(caller.server, (params as { session: string }).session) ?? '')
        : undefined;
    const channel = await ChannelServer.listen(
      socket,
      {
        identify: (token) => {
          const server = driver.identify(token);
          return server === undefined ? undefined : { kind: 'server', server };
        },
        hello: (caller) => ({ protocol: 1, town: 'test', root, host: 'test', caller }),
        handle: async (caller, method, params) => {
          if (method === 'inside.environment') return { env: specOf(caller, params)?.env ?? {} };
          if (method === 'inside.context')
            return { text: specOf(caller, params) ? `Role context of ${specOf(caller, params)!.sessionId}` : null };
          const { server, ...event } = params as Params<'inside.event'>;
          inside.push(params as Params<'inside.event'>);
          host.changed();
          await driver.onReporterEvent({ by: { server }, ...event });
          return {};
        },
      },
      host.log,
    );
    const town: Host = {
      driver,
      host,
      inside,
      leave: async () => {
        open.splice(open.indexOf(town), 1);
        await channel.close();
        await driver.dispose();
      },
    };
    open.push(town);
    return town;
  };

  let count = 0;
  /** A run in a repository of its own, unless `cwd` says another place. */
  const makeSpec = async (more: Partial<RunSpec> & { permissions?: PermissionProfile } = {}): Promise<RunSpec> => {
    count += 1;
    const id = `${path.basename(folder.path)}-${count}`;
    const spec: RunSpec = {
      sessionId: `myproject-worker-${count}`,
      runId: `run_${id}`,
      role: 'polecat',
      rig: 'myproject',
      title: `worker-${count} (myproject)`,
      agent: { name: 'opencode', backend: 'opencode', command: 'opencode', args: [], env: {} },
      cwd: more.cwd ?? makeRepository(path.join(folder.path, `rig-${count}`)),
      env: { GT_SESSION: `myproject-worker-${count}`, GT_RUN: `run_${id}`, GT_TOKEN: `token-of-${count}` },
      permissions: 'autonomous',
      contextFile: path.join(folder.path, `context-${count}.md`),
      runDir: path.join(folder.path, `run-${count}`),
      ...more,
    };
    specs.set(spec.runId, spec);
    return spec;
  };

  return {
    folder: folder.path,
    root,
    home,
    socket,
    model,
    program,
    plugin,
    environment,
    makeHost,
    makeSpec,
    async close(): Promise<void> {
      for (const host of [...open]) {
        for (const runId of specs.keys()) await host.driver.stop(runId);
        await host.leave();
      }
      await model.close();
      // What a test that failed half-way left without a host.
      for (const id of serverIds(path.join(root, '.runtime', 'opencode')))
        await killAll(await startedWith('GT_SERVER', id), 500);
      folder.remove();
    },
  };
}

function serverIds(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((launch) => readServerRecord(path.join(folder, launch))?.id ?? []);
}

/** The processes of the run's shell, once there are so many. They are nobody's children here, so nothing tells of them. */
export async function shellOf(spec: RunSpec, count: number): Promise<ProcessIdentity[]> {
  const bound = patience();
  const deadline = Date.now() + bound;
  for (;;) {
    const found = await startedWith('GT_RUN', spec.runId);
    if (found.length >= count) return found;
    if (Date.now() > deadline)
      throw new Error(`${spec.sessionId} has ${found.length} shell processes after ${bound / 1000} s, not ${count}.`);
    await delay(50);
  }
}

/** A prompt that scripts the model's turn. */
export function scripted(...steps: object[]): string {
  return `Do your work. %%${JSON.stringify({ steps })}`;
}
