/** How sessions are called: ids, compound roles and mail addresses, in Gas Town's formats (internal/config/env.go). */
import { GasTownError } from '../platform/errors.ts';
import { overseer } from './message.ts';
import type { Role, SessionId } from './orchestrator.ts';

/** Prefix of the ids of town roles; no rig may be called so. */
const townPrefix = 'hq';
const crewPrefix = 'crew-';

/** Worker names that would give the id, or the address, of somebody else. */
const reserved: readonly string[] = [
  'mayor',
  'deacon',
  'witness',
  'refinery',
  'crew',
  'polecats',
  'boot',
  'dog',
  overseer,
];

const longest = 64;

/** Who a session is: nothing else tells two of them apart. `rig` is empty for town roles, `name` where a role exists once. */
export interface Identity {
  role: Role;
  rig: string;
  name: string;
}

/**
 * The id of a session, its one text form; `identityOfId` reads it back. Between rig and worker stands "-", and "." where
 * the rig's own name has a "-": `hq-mayor`, `myproject-witness`, `myproject-crew-max`, `myproject-worker-1`, `my-app.one`.
 */
export function sessionIdOf(role: Role, rig: string, name: string): SessionId {
  if (role === 'mayor' || role === 'deacon') return `${townPrefix}-${role}`;
  return `${rig}${rig.includes('-') ? '.' : '-'}${folderOf(role, name)}`;
}

/** Who has the id; undefined for what is no id of a session. */
export function identityOfId(id: string): Identity | undefined {
  const end = id.includes('.') ? id.indexOf('.') : id.indexOf('-');
  const identity = end < 0 ? undefined : identityIn(id.slice(0, end), id.slice(end + 1));
  // What reads like an id but would have been written otherwise (`hq-toast`, `my.one`) is none.
  return identity !== undefined && sessionIdOf(identity.role, identity.rig, identity.name) === id
    ? identity
    : undefined;
}

function identityIn(rig: string, rest: string): Identity | undefined {
  if (rig === townPrefix) return rest === 'mayor' || rest === 'deacon' ? { role: rest, rig: '', name: '' } : undefined;
  const isCrew = rest.startsWith(crewPrefix);
  const name = isCrew ? rest.slice(crewPrefix.length) : rest;
  if (!isName(rig) || !isName(name)) return undefined;
  if (isCrew) return { role: 'crew', rig, name };
  return rest === 'witness' || rest === 'refinery' ? { role: rest, rig, name: '' } : { role: 'polecat', rig, name };
}

/**
 * How ids were written before rigs with a "-" got a "." behind them, and how people may still write them. Several sessions
 * may have the same one (`app-one` of `my`, `one` of `my-app`): it finds a session among those that there are.
 */
export function looseId({ role, rig, name }: Identity): string {
  return rig === '' ? sessionIdOf(role, rig, name) : `${rig}-${folderOf(role, name)}`;
}

/** The end of the id of a role in a rig, and the name of its folder among the rig's worktrees. */
export function folderOf(role: Role, name: string): string {
  if (role === 'crew') return `${crewPrefix}${name}`;
  return role === 'polecat' ? name : role;
}

/** What GT_ROLE says: `mayor`, `myproject/witness`, `myproject/crew/max`, `myproject/polecats/worker-1`. */
export function compoundRole(role: Role, rig: string, name: string): string {
  switch (role) {
    case 'mayor':
    case 'deacon':
      return role;
    case 'witness':
    case 'refinery':
      return `${rig}/${role}`;
    case 'crew':
      return `${rig}/crew/${name}`;
    case 'polecat':
      return `${rig}/polecats/${name}`;
  }
}

/** The mail address: the compound role, with a slash behind town roles (`mayor/`). */
export function addressOf(role: Role, rig: string, name: string): string {
  return role === 'mayor' || role === 'deacon' ? `${role}/` : compoundRole(role, rig, name);
}

/**
 * The session that an address names. Besides addresses it takes what people and agents write instead: `mayor`,
 * `myproject/worker-1`, or a session id; that, and `overseer` (the user), is returned as it is.
 */
export function sessionIdOfAddress(address: string): SessionId {
  const [first = '', second, third] = address.replace(/\/$/, '').split('/');
  if (second === undefined) return first === 'mayor' || first === 'deacon' ? sessionIdOf(first, '', '') : first;
  if (third !== undefined) {
    if (second === 'crew') return sessionIdOf('crew', first, third);
    return second === 'polecats' ? sessionIdOf('polecat', first, third) : address;
  }
  if (second === 'witness' || second === 'refinery') return sessionIdOf(second, first, '');
  return sessionIdOf('polecat', first, second);
}

/** Whether the id is that of a role which a town, or a rig, has once: it may be written to when it does not run. */
export function existsOnce(id: SessionId): boolean {
  return identityOfId(id)?.name === '';
}

/** Throws `bad-input` unless a rig may be called so. */
export function checkRigName(name: string): void {
  checkName('rig', name, [townPrefix, ...reserved]);
}

/** Throws `bad-input` unless a worker (polecat or crew member) may be called so. */
export function checkWorkerName(name: string): void {
  checkName('worker', name, reserved);
  if (name.toLowerCase().startsWith(crewPrefix)) {
    throw new GasTownError(
      'bad-input',
      `A worker cannot be called "${name}": what begins with "${crewPrefix}" is the id of a crew member.`,
    );
  }
}

/** Whether a worker may be called so. */
export function isWorkerName(name: string): boolean {
  try {
    checkWorkerName(name);
    return true;
  } catch {
    // The reason is for whoever gives a single name.
    return false;
  }
}

/** Names become ids, branches and folders; folders of names that differ in case only are the same one on many systems. */
function checkName(what: string, name: string, taken: readonly string[]): void {
  if (taken.includes(name.toLowerCase())) {
    throw new GasTownError('bad-input', `A ${what} cannot be called "${name}": that name has a meaning of its own.`);
  }
  if (isDeviceName(name))
    throw new GasTownError('bad-input', `A ${what} cannot be called "${name}": Windows has no folders of that name.`);
  if (isName(name) && name.length <= longest) return;
  throw new GasTownError(
    'bad-input',
    `A ${what} cannot be called ${JSON.stringify(name.slice(0, 2 * longest))}. Allowed are letters, digits, ` +
      `"-" and "_", beginning with a letter or digit, at most ${longest} of them.`,
  );
}

const isName = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(text);

/** Whether Windows takes the name for a device, with whatever ending. */
export const isDeviceName = (name: string): boolean => /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i.test(name);
