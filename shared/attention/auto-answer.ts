import { GasTownError, messageOf } from '../platform/errors.ts';
import type { Role } from '../domain/orchestrator.ts';
import type { Disposable } from '../platform/emitter.ts';
import type { Logger } from '../platform/logger.ts';
import { allowedBy } from './allow-list.ts';
import type { AskLog } from './ask-log.ts';

export interface PolicyOptions {
  asks: AskLog;
  /** What a role may do without asking. */
  patterns: (role: Role) => readonly string[];
  log: Logger;
  platform: NodeJS.Platform;
}

/**
 * Gives permissions that the allow-list covers, and says so in the session's timeline. Plans and questions are the user's;
 * so is everything that does not fit for certain. On Windows an agent's shell may be one whose quoting we do not know.
 */
export function followAllowList({ asks, patterns, log, platform }: PolicyOptions): Disposable {
  return asks.onDidAsk(({ session, ask }) => {
    if (ask.kind !== 'permission' || !ask.resolvable || ask.calls === undefined) return;
    if (platform === 'win32' && ask.calls.some(({ tool, kind }) => tool === 'bash' && kind === 'shell')) return;
    const rules = allowedBy(ask.calls, patterns(session.role), session.workDir);
    if (rules === undefined) return;
    const rule = rules.join(', ');
    asks.answer(session.id, ask.id, { kind: 'allow' }, { by: 'policy', rule }).then(
      () => log.info(`[orchestration] ${session.id}: "${ask.title}" was allowed by ${rule}`),
      (error: unknown) => {
        // Answered elsewhere in this moment: nothing is left to do.
        if (!GasTownError.is(error, 'refused'))
          log.warn(`${session.id}: "${ask.title}" could not be allowed by ${rule}: ${messageOf(error)}`);
      },
    );
  });
}
