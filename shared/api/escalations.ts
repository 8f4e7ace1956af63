import type { CallerView, Params, Results } from '../channel/protocol.ts';
import { sessionLimits } from '../config/session-limits.ts';
import { GasTownError } from '../platform/errors.ts';
import { newId } from '../platform/ids.ts';
import { dispatchingRoles } from '../roles/permissions.ts';
import type { StoredEscalation } from '../store/escalations.ts';
import { nameOfCaller } from './caller.ts';
import type { ApiParts } from './context.ts';
import type { EscalationView } from '../channel/views.ts';

/** So many are listed with the closed ones. */
const listed = 200;

/** Characters of a message: somebody has to read it. */
const maxLength = 10_000;

function requireRoom(town: ApiParts, session: string, open: number): void {
  const { openEscalations } = sessionLimits(town.settings.value.limits);
  if (open < openEscalations) return;
  throw new GasTownError(
    'refused',
    `${session} has ${open} open escalations, and ${openEscalations} are allowed (limits.open_escalations in the town's settings). ` +
      'Close what is dealt with (gt escalate close <id>), or wait until somebody has dealt with them.',
  );
}

/** Whether it is this one's. The name of a polecat goes from one worker to the next, and what the last one raised is not theirs. */
function isOf(town: ApiParts, { by, raisedAt }: StoredEscalation, whose: string): boolean {
  return by === whose && raisedAt >= (town.store.sessions.session(whose)?.createdAt ?? 0);
}

/** `gt escalate`. The same said again while it is open is the same escalation; and so is the same `report`, at any time. */
export function escalate(
  town: ApiParts,
  params: Params<'work.escalate'>,
  caller: CallerView,
  report = newId('esc'),
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
  const own = town.escalations.list().filter((each) => isOf(town, each, by));
  const same = own.find((each) => each.message === message && each.severity === severity && each.workId === work);
  if (!same && caller.kind === 'session') requireRoom(town, by, own.length);
  const raised =
    same ??
    town.escalations.raise({
      severity,
      message,
      by,
      key: { kind: 'reported', subject: report },
      ...(caller.kind === 'session' ? { sessionId: caller.session } : {}),
      ...(work === undefined ? {} : { workId: work }),
    });
  return town.views.escalation(raised);
}

export function listEscalations(town: ApiParts, { all }: Params<'escalation.list'>): Results['escalation.list'] {
  const found = town.escalations.list(all ? listed : undefined);
  return { escalations: found.map((escalation) => town.views.escalation(escalation)) };
}

/** By the user, a role that dispatches, or the session that raised it: what is told the user is not taken back by others. */
export function closeEscalation(
  town: ApiParts,
  { id, message }: Params<'escalation.close'>,
  caller: CallerView,
): EscalationView {
  if (caller.kind === 'session' && !dispatchingRoles.includes(town.registry.get(caller.session).role)) {
    const escalation = town.escalations.get(id);
    if (!isOf(town, escalation, caller.session)) {
      const who = escalation.by === caller.session ? `an earlier ${escalation.by}` : escalation.by;
      throw new GasTownError('denied', `${id} was raised by ${who}, so it is not for ${caller.session} to close.`);
    }
  }
  return town.views.escalation(town.escalations.close(id, nameOfCaller(caller), message));
}
