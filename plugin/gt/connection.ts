import { ChannelClient, ChannelError } from '../../shared/channel/client.ts';
import type { channelEnv } from '../../shared/channel/protocol.ts';
import { exitCode, Failure } from './failure.ts';
import { findTownRoot, readHostFile } from './find-host.ts';
import type { Io } from './io.ts';

// Written out, because only the protocol's types reach this bundle; the types keep them equal.
const socketVariable: (typeof channelEnv)['socket'] = 'GT_SOCKET';
const tokenVariable: (typeof channelEnv)['token'] = 'GT_TOKEN';
const protocol = 1;

interface Door {
  socket: string;
  token: string;
}

/**
 * Connects to the town's host: inside a session by its environment, so with the session's identity, else by the host's
 * file as the person. Throws `Failure` with exit code 3 where no host answers.
 */
export async function connect(io: Io): Promise<ChannelClient> {
  for await (const { socket, token } of doors(io)) {
    try {
      return await ChannelClient.connect(socket, { protocol, token, client: 'gt' });
    } catch (error) {
      // Nobody listens at this door: the host has gone. Anything else is its answer.
      if (!isNobodyThere(error)) throw error;
    }
  }
  throw await noHost(io);
}

async function noHost(io: Io): Promise<Failure> {
  const { root, passedOver } = await findTownRoot(io);
  if (root === undefined) {
    const why = passedOver.map((reason) => ` ${reason}`).join('');
    return new Failure(
      `There is no Gas Town in ${io.cwd} or above it.${why} Go to a folder of the town, or set GT_ROOT to its root.`,
      exitCode.noHost,
    );
  }
  return new Failure(
    `No Gas Town host is running for ${root}. Open the folder in VS Code with the Gas Town extension, ` +
      "or run `npm start` in the extension's source folder.",
    exitCode.noHost,
  );
}

/** A session keeps its identity: where its host was replaced by another one, its own token is shown at the new door. */
async function* doors(io: Io): AsyncGenerator<Door> {
  const socket = io.env[socketVariable];
  const token = io.env[tokenVariable];
  if (socket && token) yield { socket, token };
  const { root } = await findTownRoot(io);
  const host = root === undefined ? undefined : await readHostFile(root);
  if (host && host.socket !== socket) yield { socket: host.socket, token: token || host.token };
}

function isNobodyThere(error: unknown): boolean {
  if (error instanceof ChannelError) return error.code === 'no-host';
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED');
}
