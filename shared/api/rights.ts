import type { CallerView, MethodName } from '../channel/protocol.ts';
import { GasTownError } from '../platform/errors.ts';
import type { Role } from '../domain/orchestrator.ts';
import { dispatchingRoles } from '../roles/permissions.ts';
import { nameOfCaller } from './caller.ts';

/** The kinds of callers, as SECURITY.md has them. */
export type CallerKind = 'user' | 'dispatcher' | 'worker' | 'server';

/** `own`: only about itself, what it has, or what it has made; the operation looks at what that is. */
export type Right = 'yes' | 'own' | 'no';

type Row = Readonly<Record<CallerKind, Right>>;

const row = (user: Right, dispatcher: Right, worker: Right, server: Right): Row => ({
  user,
  dispatcher,
  worker,
  server,
});

const everybody = row('yes', 'yes', 'yes', 'no');
const ownOnly = row('yes', 'own', 'own', 'no');
const userOnly = row('yes', 'no', 'no', 'no');
const dispatching = row('yes', 'yes', 'no', 'no');
const dispatchingOrOwn = row('yes', 'yes', 'own', 'no');
const serverOnly = row('no', 'no', 'no', 'own');

/** Who may do what over the channel: every method, every caller. SECURITY.md shows it, and a test holds the two together. */
export const rights: Readonly<Record<Exclude<MethodName, 'hello'>, Row>> = {
  'town.snapshot': everybody,
  'town.doctor': everybody,
  'town.health': everybody,
  'town.removal': userOnly,
  'town.remove': userOnly,
  'worktree.list': everybody,
  'worktree.remove': userOnly,
  'worktree.restore': userOnly,
  'rig.add': userOnly,
  'rig.review': everybody,
  'rig.trust': userOnly,
  'rig.untrust': userOnly,
  'work.add': everybody,
  'work.import': everybody,
  'work.edit': dispatchingOrOwn,
  'work.depend': dispatchingOrOwn,
  'work.queue': dispatching,
  'work.overlap': dispatching,
  'batch.create': everybody,
  'batch.add': everybody,
  'batch.list': everybody,
  'batch.show': everybody,
  'work.show': everybody,
  'work.assign': dispatching,
  'work.handoff': dispatchingOrOwn,
  'work.cancel': dispatching,
  'work.requeue': dispatching,
  'work.done': ownOnly,
  'work.escalate': everybody,
  'escalation.list': everybody,
  'escalation.close': dispatchingOrOwn,
  'work.mine': everybody,
  'merge.list': everybody,
  'merge.show': everybody,
  'merge.reviewed': userOnly,
  'merge.approve': userOnly,
  // A refinery, and who dispatches, only what the user or the policy has approved.
  'merge.queue': row('yes', 'own', 'own', 'no'),
  // With the sign-in of the user, and what it tells goes to others: whoever may send work back may ask.
  'merge.refresh': dispatching,
  'merge.return': dispatching,
  'merge.discard': userOnly,
  'review.changes': everybody,
  'review.open': userOnly,
  'review.file': everybody,
  // Agents review, too; not their own work's fate is decided by it.
  'review.comment': everybody,
  'review.reply': everybody,
  'review.resolve': userOnly,
  sling: dispatching,
  'session.list': everybody,
  'session.spawn': dispatching,
  // It gives away the server's password.
  'session.attach': userOnly,
  'session.stop': dispatching,
  'session.answer': userOnly,
  'session.reset': dispatching,
  'session.dismiss': dispatching,
  'session.seen': userOnly,
  'session.log': ownOnly,
  'session.prime': everybody,
  'attention.list': everybody,
  'message.send': everybody,
  'message.broadcast': everybody,
  'message.show': ownOnly,
  'message.list': ownOnly,
  'mail.inbox': ownOnly,
  'mail.archive': row('own', 'own', 'own', 'no'),
  'inside.hook': row('no', 'own', 'own', 'no'),
  'inside.event': serverOnly,
  'inside.environment': serverOnly,
  'inside.context': serverOnly,
};

/** Pure. `role` is that of the calling session. */
export function kindOfCaller(caller: CallerView, role: Role | undefined): CallerKind {
  if (caller.kind === 'person') return 'user';
  if (caller.kind === 'server') return 'server';
  return role !== undefined && dispatchingRoles.includes(role) ? 'dispatcher' : 'worker';
}

/** Throws `denied` where callers of this kind may not do this at all. */
export function requireRight(caller: CallerView, kind: CallerKind, method: Exclude<MethodName, 'hello'>): void {
  if (rights[method][kind] !== 'no') return;
  throw new GasTownError('denied', `${nameOf(caller)} may not do "${method}": ${whoMay(rights[method])}.`);
}

const nameOf = (caller: CallerView): string =>
  caller.kind === 'server' ? "The plugin of an agent program's server" : nameOfCaller(caller);

function whoMay({ user, dispatcher, server }: Row): string {
  if (server !== 'no') return "it is for the plugin of an agent program's server";
  if (user === 'no') return 'it is for the hooks of a session';
  if (dispatcher === 'no') return 'it is for the user only';
  return 'only the mayor, the deacon, a witness or a crew member starts, stops or assigns others. Write to the mayor: gt mail send mayor/';
}
