import { didYouMean } from '../platform/did-you-mean.ts';
import { GasTownError } from '../platform/errors.ts';
import type { Role, SessionId, SessionInfo } from '../domain/orchestrator.ts';
import { addressOf, existsOnce, looseId, sessionIdOf, sessionIdOfAddress } from '../domain/names.ts';
import { overseer } from '../domain/message.ts';

/** What an address is resolved against. */
export interface AddressFacts {
  sessions: readonly Pick<SessionInfo, 'id' | 'role' | 'rig' | 'agentName' | 'state' | 'cause'>[];
  rigs: readonly string[];
}

/** Whether it is a group (`@town`, `@<rig>`) rather than one recipient. */
export const isGroup = (address: string): boolean => address.startsWith('@');

/**
 * Pure. The one recipient of an address: the user, a session that runs, or a role that exists once, which gets it when
 * it runs. Takes session ids (and what was one, see `looseId`), `mayor/`, `<rig>/witness`, `<rig>/crew/<name>`, `<rig>/polecats/<name>` and `<rig>/<name>`,
 * which may be either of the last two. Throws `unknown-session` with the nearest names, `bad-input` where two sessions
 * fit (gastown.md E4), `refused` where the session has ended.
 */
export function recipientOf(address: string, facts: AddressFacts): SessionId {
  if (address === overseer) return overseer;
  if (isGroup(address)) {
    throw new GasTownError(
      'bad-input',
      `${address} is a group. Send to it with: gt broadcast --to ${address} "<text>".`,
    );
  }
  const meant = candidates(address, facts);
  const fitting = facts.sessions.filter(({ id }) => meant.includes(id));
  const live = fitting.filter((session) => !isOver(session));
  const [first, second] = live;
  if (first && second) {
    const both = live.map(({ id, role, rig, agentName }) => `${id} (${addressOf(role, rig, agentName)})`).join(' and ');
    throw new GasTownError(
      'bad-input',
      `"${address}" is the name of two sessions: ${both}. Write to the one that you mean.`,
    );
  }
  if (first) return first.id;
  const role = singleRoles(facts.rigs).find(({ id }) => meant.includes(id));
  if (role) return role.id;
  const [ended] = fitting;
  if (ended)
    throw new GasTownError(
      'refused',
      `${ended.id} has ended (${ended.cause}). Start it again, or choose another recipient.`,
    );
  throw unknown(address, facts);
}

/** Pure. The sessions of a group that run now, without the sender. Throws `unknown-rig`. */
export function membersOf(group: string, facts: AddressFacts, sender: string): SessionId[] {
  const name = group.slice(1);
  if (name !== 'town' && !facts.rigs.includes(name)) {
    const known = ['town', ...facts.rigs];
    throw new GasTownError(
      'unknown-rig',
      `There is no group "${group}".${didYouMean(name, known)} Groups: ${known.map((each) => `@${each}`).join(', ')}.`,
    );
  }
  const members = facts.sessions.filter((session) => !isOver(session) && (name === 'town' || session.rig === name));
  return members.map(({ id }) => id).filter((id) => id !== sender);
}

/** A role that a town, or each of its rigs, has once. */
export interface SingleRole {
  id: SessionId;
  role: Role;
  /** Empty for the town's. */
  rig: string;
  address: string;
}

/** Pure. The roles that nobody has now, but that may be written to: the next session that has the role gets it. */
export function rolesWithoutSession({
  sessions,
  rigs,
}: {
  sessions: readonly Pick<SessionInfo, 'id' | 'state'>[];
  rigs: readonly string[];
}): SingleRole[] {
  const live = sessions.filter((session) => !isOver(session)).map(({ id }) => id);
  return singleRoles(rigs).filter(({ id }) => !live.includes(id));
}

/** The ids that an address may stand for. */
function candidates(address: string, { sessions, rigs }: AddressFacts): SessionId[] {
  const known = [...sessions, ...singleRoles(rigs).map((role) => ({ ...role, agentName: '' }))];
  if (known.some(({ id }) => id === address)) return [address];
  const alike = known.filter(({ role, rig, agentName }) => looseId({ role, rig, name: agentName }) === address);
  if (alike.length > 0) return alike.map(({ id }) => id);
  const id = sessionIdOfAddress(address);
  const [rig = '', name, more] = address.split('/');
  const isWorker = name !== undefined && name !== '' && more === undefined && !existsOnce(id);
  return isWorker ? [id, sessionIdOf('crew', rig, name)] : [id];
}

function singleRoles(rigs: readonly string[]): SingleRole[] {
  const of = (role: Role, rig: string): SingleRole => ({
    id: sessionIdOf(role, rig, ''),
    role,
    rig,
    address: addressOf(role, rig, ''),
  });
  return [of('mayor', ''), of('deacon', ''), ...rigs.flatMap((rig) => [of('witness', rig), of('refinery', rig)])];
}

function unknown(address: string, { sessions, rigs }: AddressFacts): GasTownError {
  const live = sessions.filter((session) => !isOver(session));
  const addresses = live.flatMap(({ id, role, rig, agentName }) => [
    id,
    addressOf(role, rig, agentName),
    ...(agentName ? [`${rig}/${agentName}`] : []),
  ]);
  const roles = singleRoles(rigs).map((role) => role.address);
  const known = live.length === 0 ? 'No session runs.' : `Sessions: ${live.map(({ id }) => id).join(', ')}.`;
  return new GasTownError(
    'unknown-session',
    `There is nobody with the address "${address}".${didYouMean(address, [...addresses, ...roles])} ${known} Roles: ${roles.join(', ')}. You: ${overseer}.`,
  );
}

const isOver = ({ state }: Pick<SessionInfo, 'state'>): boolean => state === 'stopped' || state === 'failed';
