/** How sessions are called: ids, compound roles and mail addresses, in Gas Town's formats (internal/config/env.go). */
import { GasTownError } from '../errors.ts';
import { overseer } from '../mail/message.ts';
import type { Role, SessionId } from '../orchestrator.ts';

/** Prefix of the ids of town roles; no rig may be called so. */
const townPrefix = 'hq';

/** Worker names that would give the id, or the address, of somebody else. */
const reserved: readonly string[] = ['mayor', 'deacon', 'witness', 'refinery', 'crew', 'polecats', 'boot', 'dog', overseer];

const pattern = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const longest = 64;

/** `hq-mayor`, `myproject-witness`, `myproject-crew-max`, `myproject-worker-1`. */
export function sessionIdOf(role: Role, rig: string, name: string): SessionId {
  switch (role) {
    case 'mayor':
    case 'deacon':
      return `${townPrefix}-${role}`;
    case 'witness':
    case 'refinery':
      return `${rig}-${role}`;
    case 'crew':
      return `${rig}-crew-${name}`;
    case 'polecat':
      return `${rig}-${name}`;
  }
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
 * `myproject/worker-1`, or a session id; that, and `overseer` (the person), is returned as it is.
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
  return /^hq-(mayor|deacon)$|.-(witness|refinery)$/.test(id);
}

/** Throws `bad-input` unless a rig may be called so. */
export function checkRigName(name: string): void {
  checkName('rig', name, name === townPrefix || reserved.includes(name));
}

/** Throws `bad-input` unless a worker (polecat or crew member) may be called so. */
export function checkWorkerName(name: string): void {
  checkName('worker', name, reserved.includes(name) || name.startsWith('crew-'));
}

function checkName(what: string, name: string, isReserved: boolean): void {
  if (isReserved) throw new GasTownError('bad-input', `A ${what} cannot be called "${name}": that name has a meaning of its own.`);
  if (pattern.test(name) && name.length <= longest) return;
  throw new GasTownError('bad-input', `A ${what} cannot be called ${JSON.stringify(name)}. Allowed are letters, digits, ` +
    `"-" and "_", beginning with a letter or digit, at most ${longest} of them.`);
}
