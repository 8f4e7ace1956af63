import type { RowTarget } from '../views/tree-node.ts';

const keys = [
  'session',
  'to',
  'rig',
  'role',
  'work',
  'message',
  'ask',
  'escalation',
  'worktree',
  'agent',
  'name',
  'text',
  'source',
  'folder',
  // Of a wait: the run that asked, and the title where that was shown whole and is all of what is asked for.
  'run',
  'shown',
] as const;

/**
 * What a command knows without asking: from the row it was called on, or from the argument object of a key binding or
 * of another extension, such as `{"rig": "myproject", "work": "issue-1"}`.
 */
export type CommandArguments = Partial<Record<(typeof keys)[number], string>>;

/** `argument` is a row id (looked up by `target`), an object with some of the keys, or nothing that concerns us. */
export function givenBy(argument: unknown, target: (rowId: string) => RowTarget | undefined): CommandArguments {
  if (typeof argument === 'string') return fromTarget(target(argument));
  if (typeof argument !== 'object' || argument === null) return {};
  return Object.fromEntries(
    Object.entries(argument).filter(([key, value]) => keys.some((each) => each === key) && typeof value === 'string'),
  );
}

function fromTarget(target: RowTarget | undefined): CommandArguments {
  switch (target?.kind) {
    case 'rig':
      return { rig: target.rig };
    case 'role':
      return { rig: target.rig, role: target.role };
    case 'session':
      return { session: target.session };
    case 'ask':
      return { session: target.session, run: target.run, ...(target.ask === undefined ? {} : { ask: target.ask }) };
    case 'child':
      return { session: target.session };
    case 'work':
      return { work: target.work };
    case 'escalation':
      return { escalation: target.escalation, ...(target.session === undefined ? {} : { session: target.session }) };
    case 'message':
      return { message: target.message };
    case 'town':
    case 'group':
    case undefined:
      return {};
  }
}
