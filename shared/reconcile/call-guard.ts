import { rolePolicy } from '../config/role-settings.ts';
import { host } from '../domain/message.ts';
import type { SessionId } from '../domain/orchestrator.ts';
import type { Town } from '../orchestration/town.ts';

const hour = 3_600_000;
/** Each call stands in the timeline of its session: so the count outlives the host. */
const called = 'session.called';

/**
 * Whether a session may be called once more; then it counts. Nobody is called oftener within an hour than the settings say:
 * what is more is escalated, once for each hour. `cause` says what for.
 */
export function mayCall(
  town: Pick<Town, 'store' | 'manager' | 'settings' | 'escalations'>,
  to: SessionId,
  cause: string,
): boolean {
  const { store, manager, settings, escalations } = town;
  const bound = rolePolicy(settings.value.roles).callsPerHour;
  const now = manager.now();
  if (store.countEvents(to, called, now - hour, now) < bound) {
    store.addEvent({ at: now, sessionId: to, type: called, detail: { cause } });
    return true;
  }
  escalations.raise({
    severity: 'medium',
    message: `${to} was called ${bound} times within an hour (roles.calls_per_hour), and is not called for now: something goes in circles. The first that it was not called about: ${cause}`,
    by: host,
    sessionId: to,
    key: { kind: 'calls', subject: to, since: Math.floor(now / hour) * hour },
  });
  return false;
}
