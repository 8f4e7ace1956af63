import { GasTownError, messageOf } from '../../platform/errors.ts';
import { openApi } from './api.ts';
import type { OpencodeApi } from './api.ts';

/** What a request that no model has to answer may take, in ms. */
export const requestMs = 15_000;

/** A client for the server on this port of the loopback interface. */
export function clientFor(port: number, password: string): OpencodeApi {
  return openApi(addressOf(port, password));
}

/** How that server is reached, and with what it lets in. */
export function addressOf(port: number, password: string): { baseUrl: string; headers: { authorization: string } } {
  const authorization = `Basic ${Buffer.from(`opencode:${password}`).toString('base64')}`;
  return { baseUrl: urlOf(port), headers: { authorization } };
}

export function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** The server answered with an error, or not at all (`status` is then undefined). */
export class RequestError extends GasTownError {
  readonly status: number | undefined;

  constructor(message: string, status: number | undefined, cause: unknown) {
    super('backend-unavailable', message, { cause });
    this.status = status;
  }
}

interface Answered {
  data?: unknown;
  error?: unknown;
  response?: Response;
}

/**
 * The data of an SDK call. Throws `RequestError`, which names what was asked for. `what` completes "The Opencode server
 * could not …".
 */
export async function answerOf<T extends Answered>(what: string, request: Promise<T>): Promise<NonNullable<T['data']>> {
  let answered: T;
  try {
    answered = await request;
  } catch (error) {
    throw failure(what, error, undefined);
  }
  const { data, error, response } = answered;
  if (error !== undefined || !response?.ok) throw failure(what, error, response?.status);
  return data as NonNullable<T['data']>;
}

/** Options of a request that is broken off after this time, or by the signal. */
export function within(ms: number, signal?: AbortSignal): { signal: AbortSignal } {
  return { signal: AbortSignal.any([AbortSignal.timeout(ms), ...(signal ? [signal] : [])]) };
}

function failure(what: string, error: unknown, status: number | undefined): RequestError {
  const code = status === undefined ? '' : ` (HTTP ${status})`;
  return new RequestError(`The Opencode server could not ${what}${code}: ${wordsOf(error)}`, status, error);
}

/** Opencode's own words, wherever it put them. */
function wordsOf(error: unknown): string {
  if (error instanceof Error) {
    const cause = error.cause === undefined ? '' : ` (${messageOf(error.cause)})`;
    return `${error.message}${cause}`;
  }
  return typeof error === 'string' && error !== '' ? error : JSON.stringify(error ?? 'no answer');
}

/** Whether nobody listened, so that nothing can have arrived. */
export function refusedConnection(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && at.code === 'ECONNREFUSED') return true;
  }
  return false;
}
