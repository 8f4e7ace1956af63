import type { StoredEvent } from '../store/store.ts';

type Detail = (name: string) => string;

const texts: Readonly<Record<string, (detail: Detail) => string>> = {
  'session.starting': (of) => `starts ${of('agent')} in ${of('workDir')}`,
  'session.start-failed': (of) => `did not start: ${of('error')}`,
  'session.status': (of) =>
    `is ${of('state')}${of('state') === 'running' ? `, ${of('activity')}` : ''} (${of('cause')})`,
  'session.called': (of) => `called because of ${of('cause')}`,
  'session.adopted': () => 'taken up by a new host',
  'session.restarted': (of) => `restarted with ${of('agent')}: ${of('reason')}`,
  'session.stop-requested': (of) => `to be stopped, by ${of('by')}`,
  'session.quarantined': (of) => `quarantined: ${of('reason')}`,
  'session.turn-failed': (of) => `its turn failed: ${of('reason')}`,
  'session.parked': (of) => `rests: ${of('reason')}`,
  'session.resumed': (of) => `has rested (${of('reason')})`,
  'work.handed-over': (of) => `${of('work')} goes from ${of('from')} to ${of('to')}, by ${of('by')}`,
  'worktree.kept': (of) => `its worktree ${of('path')} stays: ${of('reason')}`,
  'worktree.removed': (of) =>
    `its worktree ${of('path')} is removed${of('rescue') === '' ? '' : `; what only it had is in ${of('rescue')}`}`,
  'worktree.restored': (of) => `its worktree ${of('path')} was brought back`,
  'worktree.hook-failed': (of) => of('reason'),
  'worktree.set-up': (of) => `its worktree ${of('path')} was set up within ${Math.ceil(Number(of('took')) / 1000)} s`,
  'worktree.torn-down': (of) => `the teardown of its worktree ${of('path')} has run`,
  'worktree.teardown-failed': (of) => `the teardown of its worktree ${of('path')} ${of('reason')}`,
  'work.result': (of) => `${of('work')}: ${of('result')}`,
  'session.failover': (of) => `runs with ${of('agent')}: ${of('reason')}`,
  'ask.asked': (of) =>
    `waits for ${of('kind') === 'question' ? 'an answer' : of('kind') === 'dialog' ? 'the user' : of('kind')}: ${of('title')}`,
  'ask.answered': (of) => `${answerText(of)}: ${of('title')}`,
  'message.in-doubt': (of) => `attempt ${of('attempt')} to deliver ${of('messages')} failed: ${of('reason')}`,
  'escalation.raised': (of) => `escalated (${of('severity')}) as ${of('escalation')}: ${of('message')}`,
  'escalation.closed': (of) =>
    `${of('escalation')} is closed by ${of('by')}${of('note') === '' ? '' : `: ${of('note')}`}`,
};

function answerText(of: Detail): string {
  const by = of('by');
  if (by === 'policy') return `${of('answer')} by the policy ${of('rule')}`;
  if (by === 'person') return `${of('answer')} by the user`;
  return by === 'terminal' ? `${of('answer')} in the terminal` : `no longer asked (${of('answer')})`;
}

/** Pure. An event in words; one of a kind that has none of its own by what it says of itself. */
export function eventText({ type, detail }: Pick<StoredEvent, 'type' | 'detail'>): string {
  const of = (name: string): string => {
    const value = detail[name];
    return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
  };
  const own = Object.hasOwn(texts, type) ? texts[type] : undefined;
  if (own) return own(of);
  // What the host did by a rule.
  if (type.startsWith('reconciler.'))
    return `${of('action')}${of('work') === '' ? '' : ` of ${of('work')}`}: ${of('reason')} (${type.slice('reconciler.'.length)})`;
  const facts = Object.keys(detail).map((name) => `${name}: ${of(name)}`);
  return [type, ...facts].join(', ');
}
