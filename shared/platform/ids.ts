import { randomBytes } from 'node:crypto';

/** A short random id such as `msg_k3f9a2c1d0e4`: 60 bits, letters and digits only, so that it survives any agent's text. */
export function newId(prefix: 'run' | 'msg' | 'esc' | 'wt'): string {
  return `${prefix}_${BigInt(`0x${randomBytes(8).toString('hex')}`)
    .toString(36)
    .padStart(13, '0')
    .slice(-12)}`;
}

/** A secret of 256 bits. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Where ids and secrets come from. */
export interface Ids {
  newId: typeof newId;
  newToken: typeof newToken;
}

export const randomIds: Ids = { newId, newToken };
