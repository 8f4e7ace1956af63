import type { CallerView, Params, Results } from '../../channel/protocol.ts';
import { GasTownError } from '../../errors.ts';
import { newId } from '../../process/ids.ts';
import { dispatchingRoles } from '../../roles/permissions.ts';
import { nameOfCaller } from '../parts.ts';
import type { TownParts } from '../parts.ts';
import type { EscalationView } from '../snapshot.ts';

/** So many are listed with the closed ones. */
const listed = 200;

/** `gt escalate`. The same said again while it is open is the same escalation. */
export function escalate(town: TownParts, params: Params<'work.escalate'>, caller: CallerView): EscalationView {
  const { severity, work } = params;
  const message = params.message.trim();
  if (message === '') throw new GasTownError('bad-input', 'Say what is wrong: gt escalate -s high -m "<what, and what you need>".');
  if (work !== undefined) town.work.get(work);
  const by = nameOfCaller(caller);
  const same = town.escalations
    .list()
    .find((open) => open.by === by && open.message === message && open.severity === severity && open.workId === work);
  const raised =
    same ??
    town.escalations.raise({
      severity,
      message,
      by,
      cause: newId('esc'),
      ...(caller.kind === 'session' ? { sessionId: caller.session } : {}),
      ...(work === undefined ? {} : { workId: work }),
    });
  return town.builder.escalation(raised);
}

export function listEscalations(town: TownParts, { all }: Params<'escalation.list'>): Results['escalation.list'] {
  const found = town.escalations.list(all ? listed : undefined);
  return { escalations: found.map((escalation) => town.builder.escalation(escalation)) };
}

/** By the user, a role that dispatches, or the session that raised it: what is told the user is not taken back by others. */
export function closeEscalation(town: TownParts, { id, message }: Params<'escalation.close'>, caller: CallerView): EscalationView {
  if (caller.kind === 'session' && !dispatchingRoles.includes(town.registry.get(caller.session).role)) {
    const { by } = town.escalations.get(id);
    if (by !== caller.session) throw new GasTownError('denied', `${id} was raised by ${by}, so it is not for ${caller.session} to close.`);
  }
  return town.builder.escalation(town.escalations.close(id, nameOfCaller(caller), message));
}
