import type { EscalationKind } from './escalation-key.ts';
import { identityOfId } from './names.ts';

/** What a settings file, or another part of the town itself, has against it. */
export type ProblemKind =
  | 'settings'
  /** The database cannot be written, or was damaged. */
  | 'store'
  /** What the host and its agents need on the disk was deleted, or cannot be made again. */
  | 'means'
  /** Reports of sessions that were not taken. */
  | 'spool'
  /** What is over and old cannot be put away. */
  | 'archive'
  | 'escalation-command'
  /** A worktree that cannot be removed. */
  | 'worktree'
  | 'rig'
  | 'consent';

/**
 * Every kind of trouble that a town tells of: on rows, in `gt doctor` and in *Check Health*. `dialog`: a session waits for
 * something that its terminal tells alone; `link`: what its program and we tell each other does not arrive; `dead`: it failed,
 * and is not started again; `ownerless`: a unit whose session does not run; `agent`: an agent's program, or its provider.
 */
export type TroubleKind =
  | ProblemKind
  | EscalationKind
  | 'dialog'
  | 'link'
  | 'dead'
  | 'work-dir'
  | 'ownerless'
  | 'agent'
  | 'breaker'
  | 'git'
  | 'git-old'
  | 'no-rig';

/** What it is about. */
export interface TroubleSubject {
  session?: string | undefined;
  work?: string | undefined;
  rig?: string | undefined;
  escalation?: string | undefined;
  /** What the session's backend advises about accounts. */
  accountAdvice?: string | undefined;
  /** The oldest version that is enough. */
  needed?: string;
}

export interface Trouble {
  kind: TroubleKind;
  /** What is wrong, as whoever found it says it. */
  cause: string;
  subject: TroubleSubject;
}

/** The one thing to do about a trouble. */
export interface Remedy {
  what: string;
  /** The command of `gt` that does it. */
  gt?: string | undefined;
  /** The title of the action in the palette that does it. */
  action?: string;
}

type RemedyOf = (subject: TroubleSubject) => Remedy;

/** The cause itself ends with what to do: it differs from case to case, and who found it knows. */
const inCause = undefined;

const again: RemedyOf = ({ work }) => ({
  what: 'When the cause is dealt with, give it another chance',
  gt: `gt work requeue ${work}`,
  action: 'Queue Work Again…',
});

const lookBack = (what: string): RemedyOf => {
  return ({ session }) => ({ what, gt: `gt log ${session}`, action: 'Show Timeline…' });
};

const remedies: Readonly<Record<TroubleKind, RemedyOf | undefined>> = {
  settings: () => ({ what: 'Correct the file; until then the last good settings are in force' }),
  store: inCause,
  means: inCause,
  spool: () => ({ what: 'Look at what is there, and move away or delete what is not needed any more' }),
  archive: () => ({ what: 'Make the folder .runtime/archive of the town one that you can write to, with space left' }),
  'escalation-command': () => ({ what: 'Correct escalation.command in the settings of the town' }),
  worktree: ({ session }) => ({
    what: 'Deal with that, then have it removed',
    gt: `gt worktree remove ${session}`,
    action: 'Remove Worktree…',
  }),
  rig: inCause,
  consent: ({ rig }) => ({
    what: 'Look at them, and agree if they are as they should be',
    gt: `gt rig trust ${rig}`,
    action: 'Review Rig Settings…',
  }),

  quarantined: ({ session }) => ({
    what: 'When the cause is dealt with, let it start again',
    gt: `gt reset ${session}`,
    action: 'Reset Session…',
  }),
  hung: lookBack('Look at what it does'),
  stalled: again,
  failed: again,
  escalated: again,
  blocked: inCause,
  wait: () => ({ what: 'Answer it', gt: 'gt attention list', action: 'Next Waiting Session' }),
  merge: inCause,
  target: inCause,
  reported: ({ escalation }) => ({
    what: 'When it is dealt with, close it',
    gt: `gt escalate close ${escalation}`,
    action: 'Close Escalation…',
  }),
  circles: inCause,
  calls: lookBack('Look at what goes in circles'),
  'model-rate-limit': () => ({
    what: 'Wait for the end of the limit, or name agents that take over: "failover" in the settings',
  }),
  'model-account': ({ accountAdvice }) => ({ what: accountAdvice ?? 'Look at your account at the provider' }),
  'model-provider': () => ({
    what: "Look at the provider's status page, your network and proxy; sessions go on by themselves when it works again",
  }),
  'model-refused': () => ({
    what: "Look at the agent's model and arguments in the settings, and at the session's conversation",
  }),
  'model-circles': () => ({
    what: "Look at the session's conversation, and at the context limit that its program has for the model",
  }),

  dialog: ({ session }) => ({
    what: 'Answer it in its terminal',
    gt: attachCommand(session),
    action: 'Attach Terminal…',
  }),
  link: inCause,
  dead: ({ session }) => ({
    what: 'Start it again',
    gt: `gt reset ${session}`,
    action: 'Start Session Again…',
  }),
  'work-dir': ({ session }) => ({ what: 'Stop it', gt: `gt stop ${session}`, action: 'Terminate Session…' }),
  ownerless: ({ work, rig = '' }) => ({
    what: 'Give it to another session',
    gt: `gt sling ${work} ${rig || '<rig>'}`,
    action: 'Sling Work…',
  }),
  agent: inCause,
  breaker: () => ({
    what: 'Put right what is named, then have it tried at once',
    gt: 'gt health',
    action: 'Check Health',
  }),
  git: () => ({
    what: 'Install git, or put it on the PATH of the editor: nothing is started in a rig without it',
  }),
  'git-old': ({ needed }) => ({
    what: `Install git ${needed} or newer: with this one worktrees may not be made or removed as they should be`,
  }),
  'no-rig': () => ({ what: 'Add a repository', action: 'Add Rig…' }),
};

/** Shows the terminal of a session of this id; polecats have no such command. */
function attachCommand(session = ''): string | undefined {
  const who = identityOfId(session);
  if (who === undefined || who.role === 'polecat') return undefined;
  return ['gt', who.role, 'attach', who.name, who.rig].filter((word) => word !== '').join(' ');
}

/** Pure. Undefined where the cause says it. */
export const remedyOf = ({ kind, subject }: Pick<Trouble, 'kind' | 'subject'>): Remedy | undefined =>
  remedies[kind]?.(subject);

/** Pure. For whoever reads it in a terminal; what `gt` cannot do is done in the editor. */
export function adviceInTerminal(trouble: Pick<Trouble, 'kind' | 'subject'>): string | undefined {
  const remedy = remedyOf(trouble);
  return remedy && remedyInTerminal(remedy);
}

/** Pure. For whoever reads it in the editor. */
export function adviceInEditor(trouble: Pick<Trouble, 'kind' | 'subject'>): string | undefined {
  const remedy = remedyOf(trouble);
  return remedy && remedyInEditor(remedy);
}

/** Pure. As above. */
export function remedyInTerminal(remedy: Remedy): string {
  return remedy.gt === undefined ? remedyInEditor(remedy) : `${remedy.what}: ${remedy.gt}`;
}

/** Pure. As above. */
export function remedyInEditor({ what, action }: Remedy): string {
  return action === undefined ? `${what.replace(/\.$/, '')}.` : `${what}: "Gas Town: ${action}"`;
}
