import { ChannelError } from '../shared/channel/client.ts';
import { GasTownError, messageOf } from '../shared/platform/errors.ts';

/**
 * What the log has of an error. What the core expected has a message that says all, also where it came from the host in
 * another window; of anything else the log keeps where it comes from, too. `message`: instead of the error's own.
 */
export function logText(error: unknown, message = messageOf(error)): string {
  const isExpected = GasTownError.is(error) || error instanceof ChannelError;
  return isExpected || !(error instanceof Error) ? message : (error.stack ?? message);
}
