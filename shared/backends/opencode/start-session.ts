import path from 'node:path';
import type { PermissionRuleset } from '@opencode-ai/sdk/v2/types';
import { GasTownError, throwIfCancelled } from '../../platform/errors.ts';
import type { RunSpec } from '../driver.ts';
import type { PromptDefaults } from './arguments.ts';
import { answerOf, RequestError, requestMs, within } from './client.ts';
import { profileRules, sessionRules } from './permissions.ts';
import type { OpencodeReference } from './reference.ts';
import type { Run } from './run.ts';
import { serverFiles } from './server.ts';
import type { OpencodeServer } from './server.ts';
import type { ServerConnection } from './server-connection.ts';

/** The first request in a directory boots it there, plugins included; with an npm install of the user's it takes long. */
const createMs = 120_000;
const readyMs = 30_000;

/** How a run's session is started. */
export interface SessionStart {
  spec: RunSpec;
  /** The work dir with links resolved. */
  directory: string;
  defaults: PromptDefaults;
}

/**
 * Opencode's id of the run's session: the earlier run's where this server's database knows it, else a new one. Where the
 * server is well all the same, it is about the directory that it fails: one that hangs, or whose configuration is broken.
 */
export async function startSession(
  server: OpencodeServer,
  start: SessionStart,
  signal: AbortSignal,
): Promise<{ session: string; resumed: boolean }> {
  try {
    return await begin(server, start, signal);
  } catch (error) {
    if (error instanceof RequestError && !signal.aborted && (await isWell(server, signal))) {
      throw new GasTownError(error.code, error.message, { cause: error, about: 'place' });
    }
    throw error;
  }
}

async function begin(
  server: OpencodeServer,
  start: SessionStart,
  signal: AbortSignal,
): Promise<{ session: string; resumed: boolean }> {
  const { spec, directory, defaults } = start;
  const of = { directory, agent: defaults.agent, profile: spec.permissions };
  const session = inSession(spec, await sessionRules(server, of, within(createMs, signal)));
  const earlier = await resume(server, start, session, signal);
  if (earlier !== undefined) return { session: earlier, resumed: true };
  return { session: await create(server, start, session, signal), resumed: false };
}

/** Ready is: the session exists, by the answer and by its event, and the plugin is at work in its directory. */
export async function waitUntilReady(
  link: ServerConnection,
  run: Run,
  pluginFile: string,
  signal: AbortSignal,
): Promise<void> {
  const missing = await link.ready(run, readyMs, signal);
  throwIfCancelled(signal, `Starting ${run.spec.sessionId}`);
  if (missing.includes('plugin')) {
    throw new GasTownError(
      'spawn-failed',
      `Opencode runs, but its plugin did not report from ${run.directory} within ${readyMs / 1000} s. ` +
        `Is ${pluginFile} there, and not switched off by OPENCODE_PURE? ` +
        `Look for "plugin" in Opencode's own log (\`opencode debug paths\` tells where it is) and in ` +
        `${path.join(link.server.folder, serverFiles.log)}.`,
    );
  }
  if (missing.length > 0) {
    throw new GasTownError(
      'spawn-failed',
      `Opencode did not confirm the session of ${run.spec.sessionId} (no session.created event).`,
    );
  }
}

/** Whether the server answers, and keeps sessions: whatever is wrong is then wrong in one directory. */
async function isWell(server: OpencodeServer, signal: AbortSignal): Promise<boolean> {
  try {
    await server.check([], signal);
    await answerOf(
      'list its sessions',
      server.client.experimental.session.list({ limit: 1 }, within(requestMs, signal)),
    );
    return true;
  } catch {
    return false;
  }
}

async function resume(
  { client }: OpencodeServer,
  { spec, directory }: SessionStart,
  ours: InSession,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { session, directory: before } = (spec.resume?.reference ?? {}) as Partial<OpencodeReference>;
  if (session === undefined || before !== directory) return undefined;
  try {
    await answerOf(
      `resume ${session}`,
      client.session.update({ sessionID: session, ...ours }, within(createMs, signal)),
    );
    return session;
  } catch (error) {
    if (error instanceof RequestError && error.status === 404) return undefined;
    throw error;
  }
}

async function create(
  { client }: OpencodeServer,
  { directory, defaults }: SessionStart,
  ours: InSession,
  signal: AbortSignal,
): Promise<string> {
  const { agent, model } = defaults;
  const { id } = await answerOf(
    `create a session in ${directory}`,
    client.session.create(
      {
        directory,
        ...ours,
        ...(agent === undefined ? {} : { agent }),
        ...(model === undefined ? {} : { model: { id: model.modelID, providerID: model.providerID } }),
      },
      within(createMs, signal),
    ),
  );
  return id;
}

type InSession = ReturnType<typeof inSession>;

/**
 * What Opencode keeps with a session of ours: by the run, it and the plugin know whose it is; by the profile, the plugin
 * knows what its sub-agents may do.
 */
function inSession(spec: RunSpec, permission: PermissionRuleset) {
  const { sessionId: session, runId: run, contextFile, identityFile } = spec;
  const gastown = {
    session,
    run,
    contextFile,
    ...(identityFile === undefined ? {} : { identityFile }),
    profile: profileRules(spec.permissions),
  };
  return { title: spec.title, metadata: { gastown }, permission };
}
