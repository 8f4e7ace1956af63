/**
 * The Opencode plugin. It runs inside our own `opencode serve` processes and reports to the host what happens there; it gives
 * the agent's shell its identity and the model its role. Anywhere else, such as in a user's own Opencode that finds it in
 * a repository, it does nothing. Rules of the place (docs/developer/opencode-plugin.md): the start waits for nothing, no hook
 * may hang or throw (but one, on purpose), and nothing but functions may be exported.
 */
import type { Hooks, PluginInput } from '@opencode-ai/plugin';
import type { channelEnv } from '../../shared/channel/protocol.ts';
import { Inheritance } from './inherit.ts';
import { endServer, Lease } from './lease.ts';
import { Link } from './link.ts';
import { messageTexts, payloadOf } from './payload.ts';
import { isObject } from '../../shared/platform/objects.ts';
import { Sessions } from './sessions.ts';

const socketVariable: (typeof channelEnv)['socket'] = 'GT_SOCKET';
const tokenVariable: (typeof channelEnv)['token'] = 'GT_TOKEN';
const defaultLeaseMs = 30 * 60_000;

/** What only this server may know or is meant by; an agent's shell gets these empty, then its own identity. */
const serverOnly = [
  socketVariable,
  tokenVariable,
  'GT_SERVER',
  'GT_LEASE_MS',
  'GT_TMPDIR',
  'GT_HOST_FILE',
  'OPENCODE_SERVER_PASSWORD',
  'OPENCODE_CONFIG_CONTENT',
  'OPENCODE_DB',
  'OPENCODE_MODELS_PATH',
];

/** What the whole process shares. Another copy of this file may be loaded too: the one that is loaded last works. */
interface Shared {
  link: Link;
  sessions: Sessions;
  /** Directory → the instance of the plugin that works for it. */
  active: Map<string, symbol>;
}

const key = Symbol.for('gastown.opencode');

export const GasTown = async ({ client, directory, serverUrl }: PluginInput): Promise<Hooks> => {
  const shared = sharedParts(serverUrl);
  if (!shared) return {};
  const self = Symbol(directory);
  shared.active.set(directory, self);
  shared.link.report('plugin.loaded', { directory });
  return hooksFor(shared, new Inheritance(client), directory, () => shared.active.get(directory) === self);
};

function sharedParts(serverUrl: URL): Shared | undefined {
  const { env } = process;
  const [socket, token, server] = [env[socketVariable], env[tokenVariable], env['GT_SERVER']];
  const hostFile = env['GT_HOST_FILE'];
  if (!socket || !token || !server) return undefined;
  const holder = globalThis as { [key]?: Shared };
  if (holder[key]) return holder[key];
  const password = env['OPENCODE_SERVER_PASSWORD'];
  const lease = new Lease(Number(env['GT_LEASE_MS']) || defaultLeaseMs, () => void endServer(serverUrl, password));
  const active = new Map<string, symbol>();
  const link = new Link({
    socket,
    ...(hostFile ? { hostFile } : {}),
    token,
    server,
    onConnected: () => {
      lease.renew();
      // A host that was not there before has to know, too.
      for (const directory of active.keys()) link.report('plugin.loaded', { directory });
    },
    onLost: () => lease.run(),
  });
  holder[key] = { link, sessions: new Sessions(link), active };
  return holder[key];
}

function hooksFor(
  { link, sessions, active }: Shared,
  inheritance: Inheritance,
  directory: string,
  isActive: () => boolean,
): Hooks {
  return {
    dispose: async () => {
      if (!isActive()) return;
      active.delete(directory);
      link.report('plugin.disposed', { directory });
      return Promise.resolve();
    },

    // Not awaited by Opencode, but a synchronous error in here would hang the session.
    event: async ({ event }) => {
      if (!isActive()) return;
      try {
        const properties = event.properties as Record<string, unknown>;
        const payload = payloadOf(event.type, properties);
        if (!payload) return;
        const info = properties['info'];
        const session = properties['sessionID'] ?? (isObject(info) ? (info['sessionID'] ?? info['id']) : undefined);
        if (event.type === 'session.created' || event.type === 'session.updated') sessions.note(info);
        if (typeof session === 'string') {
          if (event.type === 'session.compacted') sessions.compacted(session);
          if (event.type === 'session.deleted') sessions.forget(session);
        }
        link.report(event.type, payload, typeof session === 'string' ? session : undefined);
      } catch (error) {
        link.report('plugin.error', { hook: 'event', type: event.type, message: String(error) });
      }
      return Promise.resolve();
    },

    'chat.message': async ({ sessionID }, { message, parts }) => {
      if (!isActive()) return;
      const texts = parts.flatMap((part) => (part.type === 'text' && !part.synthetic ? [part.text] : []));
      link.report('chat.message', messageTexts(sessionID, message.id, texts), sessionID);
      // A shell may follow when the host has gone. Not waited for: it never rejects, and what it learns is kept.
      void sessions.environment(sessionID);
      if (!sessions.isRoot(sessionID)) await inheritance.settle(sessionID);
    },

    'shell.env': async ({ sessionID }, output) => {
      if (!isActive()) return;
      const { env } = process;
      for (const name of serverOnly) output.env[name] = '';
      const temporary = env['GT_TMPDIR'];
      if (temporary)
        Object.assign(
          output.env,
          process.platform === 'win32' ? { TEMP: temporary, TMP: temporary } : { TMPDIR: temporary },
        );
      if (sessionID !== undefined) Object.assign(output.env, await sessions.environment(sessionID));
    },

    'experimental.chat.system.transform': async ({ sessionID }, output) => {
      if (!isActive() || sessionID === undefined) return;
      const context = await sessions.context(sessionID);
      // An entry of its own behind the base prompt: both stay the same from call to call, so both stay cached.
      if (context !== undefined) output.system.push(context);
    },

    'experimental.session.compacting': async ({ sessionID }, output) => {
      if (!isActive() || !sessions.isOurs(sessionID)) return;
      output.context.push(
        'This is a Gas Town session. Its role instructions are given again after the compaction, so leave them out. ' +
          'Keep: the id of each work unit you have and how far it is, the branch and what is not committed yet, ' +
          'messages that you have not answered, and what is left to do before `gt done`.',
      );
      return Promise.resolve();
    },
  };
}
