import type { CallerView, Params, Results } from '../../channel/protocol.ts';
import { sessionLimits } from '../../config/session-limits.ts';
import { GasTownError } from '../../errors.ts';
import { newId } from '../../process/ids.ts';
import { dispatchingRoles } from '../../roles/permissions.ts';
import { nameOfCaller } from '../parts.ts';
import type { TownParts } from '../parts.ts';
import type { EscalationView } from '../snapshot.ts';

/** So many are listed with the closed ones. */
const listed = 200;

/** Characters of a message: somebody has to read it. */
const maxLength = 10_000;

function requireRoom(town: TownParts, session: string, open: number): void {
  const { openEscalations } = sessionLimits(town.settings.value.limits);
  if (open < openEscalations) return;
  throw new GasTownError(
    'refused',
    `${session} has ${open} open escalations, and ${openEscalations} are allowed (limits.open_escalations in the town's settings). ` +
      'Close what is dealt with (gt escalate close <id>), or wait until somebody has dealt with them.',
  );
}

/** `gt escalate`. The same said again while it is open is the same escalation; and so is the same `cause`, at any time. */
export function escalate(
  town: TownParts,
  params: Params<'work.escalate'>,
  caller: CallerView,
  cause = newId('esc'),
): EscalationView {
  const { severity, work } = params;
  const message = params.message.trim();
  if (message === '')
    throw new GasTownError('bad-input', 'Say what is wrong: gt escalate -s high -m "<what, and what you need>".');
  if (message.length > maxLength) {
    throw new GasTownError(
      'bad-input',
      `The message has ${message.length} characters, and an escalation at most ${maxLength}. ` +
        'Say in short what is wrong and what you need; put the rest into a file and name it.',
    );
  }
  if (work !== undefined) town.work.get(work);
  const by = nameOfCaller(caller);
  const open = town.escalations.list();
  const same = open.find(
    (each) => each.by === by && each.message === message && each.severity === severity && each.workId === work,
  );
  if (!same && caller.kind === 'session') requireRoom(town, by, open.filter((each) => each.by === by).length);
  const raised =
    same ??
    town.escalations.raise({
      severity,
      message,
      by,
      cause,
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
export function closeEscalation(
  town: TownParts,
  { id, message }: Params<'escalation.close'>,
  caller: CallerView,
): EscalationView {
  if (caller.kind === 'session' && !dispatchingRoles.includes(town.registry.get(caller.session).role)) {
    const { by } = town.escalations.get(id);
    if (by !== caller.session)
      throw new GasTownError('denied', `${id} was raised by ${by}, so it is not for ${caller.session} to close.`);
  }
  return town.builder.escalation(town.escalations.close(id, nameOfCaller(caller), message));
}
