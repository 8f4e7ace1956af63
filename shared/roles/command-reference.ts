import type { Role } from '../domain/orchestrator.ts';
import { dispatchingRoles } from './permissions.ts';

interface Entry {
  usage: string;
  does: string;
  roles?: readonly Role[];
}

const entries: readonly Entry[] = [
  { usage: 'gt hook', does: 'show the work that is yours' },
  {
    usage: 'gt done [--status completed|failed|escalated] -m TEXT',
    does: 'report the end of your work; only this ends it',
  },
  {
    usage: 'gt escalate -s low|medium|high|critical -m TEXT [--work ID]',
    does: 'tell the user what you cannot solve',
  },
  { usage: 'gt prime', does: 'print this context again' },
  { usage: 'gt agents', does: 'list all sessions with their state' },
  { usage: 'gt log', does: 'list what happened to you: messages, answers, restarts' },
  { usage: 'gt work list', does: 'list all work units' },
  { usage: 'gt work show ID', does: 'show one unit with its history' },
  {
    usage: 'gt work add TITLE [-m TEXT] [--rig RIG] [--after ID,ID] [--batch NAME] [--priority 0-4]',
    does: 'record a new unit of work; --after: it begins when those are merged; 0 is the most urgent',
  },
  {
    usage: 'gt work add -F FILE',
    does: 'record several units at once: Markdown, each with front matter (id, title, rig, after, batch, priority)',
    roles: dispatchingRoles,
  },
  {
    usage: 'gt work edit ID [--title T] [-m TEXT] [--priority 0-4]; gt work depend ID --on ID,ID [--remove]',
    does: 'change a unit, or what it waits for; the session that works on it is told',
    roles: dispatchingRoles,
  },
  {
    usage: 'gt batch create TITLE ID...; gt batch show BATCH',
    does: 'group units: you are told once when the batch is finished or stuck, so do not poll',
    roles: dispatchingRoles,
  },
  {
    usage: 'gt sling WORK RIG [--agent A] [--name N] [-m TEXT]',
    does: 'give a unit to a polecat with a worktree of its own; one that waits for others is queued, and begins by itself',
    roles: dispatchingRoles,
  },
  {
    usage: 'gt handoff FROM TO -m CONTEXT [--work ID]',
    does: 'give a unit of yours, with its branch and worktree, to another session; TO is one that runs, or the name of a new polecat',
  },
  {
    usage: 'gt review [ID]',
    does: 'list what waits for review, or show what a unit changes and what was said about it',
  },
  { usage: 'gt review reply C-NUMBER TEXT', does: 'answer a comment on a line of your change' },
  {
    usage: 'gt review comment ID FILE:LINE TEXT',
    does: 'comment on a line of a change that you were asked to look at',
  },
  {
    usage: 'gt send-back ID -m TEXT',
    does: 'give a finished unit back to its author, with your comments',
    roles: dispatchingRoles,
  },
  { usage: 'gt queue', does: 'show what is being merged, what would conflict with what, and why something waits' },
  {
    usage: 'gt queue --refresh',
    does: 'the same, after asking what has become of open pull requests',
    roles: dispatchingRoles,
  },
  {
    usage: 'gt merge ID',
    does: 'put a unit that is approved into the merge queue, or try it once more',
    roles: [...dispatchingRoles, 'refinery'],
  },
  { usage: 'gt nudge TO TEXT', does: 'put a short message before a session; TO is a session id or an address' },
  { usage: 'gt mail send TO -s SUBJECT -m TEXT', does: 'write mail; TO may also be overseer, the user' },
  { usage: 'gt broadcast [--to @RIG] TEXT', does: 'write to all sessions, or to those of a rig' },
  { usage: 'gt mail inbox', does: 'read your mail' },
  { usage: 'gt mail archive MESSAGE', does: 'put mail away that is done with' },
  { usage: 'gt mail status MESSAGE', does: 'see how far a message of yours has come; gt mail sent lists them' },
];

/** The `gt` commands of a role, one per line. A long TEXT can come from standard input: `-m -`. */
export function commandReference(role: Role): string {
  const own = entries.filter((entry) => entry.roles?.includes(role) ?? true);
  return [
    ...own.map(({ usage, does }) => `- \`${usage}\`: ${does}`),
    '',
    'TEXT can be `-`: it is then read from standard input.',
  ].join('\n');
}
