import { hasDied } from '../sessions/session-info.ts';
import type { StoredEscalation } from '../store/escalations.ts';
import type { TownParts } from './parts.ts';

/** What the host itself has escalated about sessions and work is closed when it is no longer so. */
export function closeSettled(town: TownParts): void {
  for (const escalation of town.escalations.list()) {
    if (escalation.by !== 'host') continue;
    const note = settledBy(town, escalation);
    if (note !== undefined) town.escalations.close(escalation.id, 'host', note);
  }
}

/** The states in which a unit is what was escalated of it; the causes begin so (see `reconcile/rules.ts`). */
const stillSo: Readonly<Record<string, readonly string[]>> = {
  stalled: ['stalled'],
  failed: ['failed', 'escalated'],
  escalated: ['escalated'],
};

/** Why it is no longer so; undefined while it is, or where that cannot be told. */
function settledBy(town: TownParts, { cause, workId, sessionId }: StoredEscalation): string | undefined {
  const [kind = '', about] = cause.split(':');
  const states = stillSo[kind];
  if (states) {
    const work = workId === undefined ? undefined : town.work.find(workId);
    return work && !states.includes(work.state) ? `${work.id} is ${work.state} by now` : undefined;
  }
  if (kind !== 'hung' && kind !== 'quarantined') return undefined;
  const session = sessionId === undefined ? undefined : town.registry.find(sessionId);
  if (!session) return `${sessionId ?? 'the session'} is not there any more`;
  if (session.runId !== about) return `${session.id} goes on in another run`;
  if (kind === 'quarantined') return hasDied(session) ? undefined : `${session.id} was given up`;
  return session.activity.kind !== 'busy' ? `${session.id} is no longer busy` : undefined;
}
