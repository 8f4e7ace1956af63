import { isObject } from '../../platform/objects.ts';
import { tmpdir } from 'node:os';
import { parse } from 'jsonc-parser';
import { exemptLoopback, inheritedEnvironment } from '../../platform/inherited-environment.ts';
import type { Environment } from '../../platform/inherited-environment.ts';
import { variables } from './variables.ts';

/** Variables that tell the server where it belongs; all are blanked in the agent's shell by the plugin. */
export const serverEnv = {
  password: 'OPENCODE_SERVER_PASSWORD',
  config: 'OPENCODE_CONFIG_CONTENT',
  database: 'OPENCODE_DB',
  models: 'OPENCODE_MODELS_PATH',
  /** Random id of this one server process: by it the plugin knows that it is inside a server of ours. */
  server: 'GT_SERVER',
  lease: 'GT_LEASE_MS',
  /** The host's temporary folder, for the agent's shell: the server's own is emptied when it ends. */
  temporary: 'GT_TMPDIR',
  /** Says where the host is when it is no longer at the socket. */
  hostFile: 'GT_HOST_FILE',
} as const;

export interface ServerIdentity {
  id: string;
  password: string;
  token: string;
  socket: string;
  hostFile: string;
  leaseMs: number;
  database: string;
  temporary: string;
  /** `file://` URL of gastown.js. */
  pluginUrl: string;
  /** Trimmed catalogue of models; absent where the user's own is better. */
  models?: string;
}

/** Pure: the whole environment of `opencode serve`. `own` is the configured agent's `env`, which wins over the host's. */
export function serverEnvironment(
  host: Environment,
  own: Environment,
  identity: ServerIdentity,
): Record<string, string> {
  const inherited = Object.entries({ ...inheritedEnvironment(host, variables), ...own }).filter(
    // Opencode ends at once when a boolean switch is an empty string.
    ([name, value]) => value !== undefined && !(name.startsWith('OPENCODE_') && value === ''),
  ) as [string, string][];
  const environment = exemptLoopback(Object.fromEntries(inherited));
  return {
    ...environment,
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    [serverEnv.password]: identity.password,
    [serverEnv.config]: configContent(environment[serverEnv.config], identity.pluginUrl),
    [serverEnv.database]: identity.database,
    ...(identity.models === undefined ? {} : { [serverEnv.models]: identity.models }),
    [serverEnv.temporary]: environment['TMPDIR'] ?? environment['TEMP'] ?? tmpdir(),
    TMPDIR: identity.temporary,
    ...(process.platform === 'win32' ? { TEMP: identity.temporary, TMP: identity.temporary } : {}),
    GT_SOCKET: identity.socket,
    [serverEnv.hostFile]: identity.hostFile,
    GT_TOKEN: identity.token,
    [serverEnv.server]: identity.id,
    [serverEnv.lease]: String(identity.leaseMs),
  };
}

/** Pure: the user's own inline configuration, if there is one, with our plugin added. */
function configContent(own: string | undefined, pluginUrl: string): string {
  const parsed: unknown = own === undefined ? undefined : parse(own);
  const config = isObject(parsed) ? parsed : {};
  const plugins: unknown[] = Array.isArray(config['plugin']) ? config['plugin'] : [];
  return JSON.stringify({ ...config, autoupdate: false, share: 'disabled', plugin: [...plugins, pluginUrl] });
}
