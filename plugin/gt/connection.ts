import { ChannelClient } from '../../shared/channel/client.ts';
import { notPrivateCode } from '../../shared/channel/own-socket.ts';
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
 * file as the user. Throws `Failure` with exit code 3 where no host is; where somebody is behind a door that may be another
 * user's, and nobody behind the next one, what is wrong with that door.
 */
export async function connect(io: Io): Promise<ChannelClient> {
  let suspicion: Error | undefined;
  for await (const { socket, token } of doors(io)) {
    try {
      return await ChannelClient.connect(socket, { protocol, token, client: 'gt' });
    } catch (error) {
      // Nobody listens at this door: the host has gone. Anything else is its answer.
      if (!isNobodyThere(error)) throw error;
      if (error instanceof Error && codeOf(error) === notPrivateCode) suspicion = error;
    }
  }
  throw suspicion ?? (await noHost(io));
}

/** Whether no host has answered: none is there, none may be asked, or it did not answer in time. */
export function isWithoutHost(error: unknown): boolean {
  if (error instanceof Failure) return error.exitCode === exitCode.noHost;
  return ['no-host', 'cancelled', 'ETIMEDOUT', 'EAGAIN', notPrivateCode].includes(codeOf(error) ?? '');
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

const isNobodyThere = (error: unknown): boolean =>
  ['no-host', 'ENOENT', 'ECONNREFUSED', notPrivateCode].includes(codeOf(error) ?? '');

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
