import type { Role } from '../orchestrator.ts';
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
    does: 'tell the person what you cannot solve',
  },
  { usage: 'gt prime', does: 'print this context again' },
  { usage: 'gt agents', does: 'list all sessions with their state' },
  { usage: 'gt log', does: 'list what happened to you: messages, answers, restarts' },
  { usage: 'gt work list', does: 'list all work units' },
  { usage: 'gt work show ID', does: 'show one unit with its history' },
  { usage: 'gt work add TITLE [-m TEXT] [--rig RIG]', does: 'record a new unit of work' },
  {
    usage: 'gt sling WORK RIG [--agent A] [--name N] [-m TEXT]',
    does: 'give a unit to a polecat with a worktree of its own',
    roles: dispatchingRoles,
  },
  {
    usage: 'gt handoff FROM TO -m CONTEXT [--work ID]',
    does: 'give a unit of yours, with its branch and worktree, to another session; TO is one that runs, or the name of a new polecat',
  },
  { usage: 'gt nudge TO TEXT', does: 'put a short message before a session; TO is a session id or an address' },
  { usage: 'gt mail send TO -s SUBJECT -m TEXT', does: 'write mail; TO may also be overseer, the person' },
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
