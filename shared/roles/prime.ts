/** Composes what `gt prime` prints: the role context that reaches the model at the start and after compaction. Pure. */
import type { Role, SessionId, WorkUnit } from '../domain/orchestrator.ts';
import { quoted } from '../platform/sanitize.ts';
import { commandReference } from './command-reference.ts';
import { compoundRole } from '../domain/names.ts';
import { permissionProfile } from './permissions.ts';
import type { RolePrompt } from './role-prompt.ts';

export interface PrimeFacts {
  session: {
    id: SessionId;
    runId: string;
    role: Role;
    /** Empty for town roles. */
    rig: string;
    /** Empty for roles that exist once. */
    agentName: string;
    agent: string;
    workDir: string;
    branch?: string;
  };
  townRoot: string;
  rolePrompt: RolePrompt;
  /** Work that the session has, oldest first. */
  work: readonly Pick<WorkUnit, 'id' | 'type' | 'description'>[];
  unreadMail: number;
}

/** In Gas Town's order: metadata, role, directives, commands, work, mail, and how to begin. */
export function composePrime(facts: PrimeFacts): string {
  const { session, rolePrompt, work, unreadMail } = facts;
  return [
    metadata(facts),
    rolePrompt.prompt,
    section('Directives of this town', rolePrompt.directives),
    section('Commands', commandReference(session.role)),
    section('Your work', workText(work)),
    section('Mail', mailNote(unreadMail)),
    section('Now', startupDirective(session.role, work.length > 0)),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

/** Whoever may add units writes into the system prompt by this: it says whose words they are. */
function workText(work: PrimeFacts['work']): string {
  if (work.length === 0) return '';
  const units = work.map((unit) => `### ${unit.id} (${unit.type})\n\n${quoted(unit.description)}`);
  return ['Quoted (`>`) is what whoever added the unit asks for.', ...units].join('\n\n');
}

function metadata({ session, townRoot }: PrimeFacts): string {
  const { id, runId, role, rig, agentName, agent, workDir, branch } = session;
  const parts = [
    `session:${id}`,
    `role:${compoundRole(role, rig, agentName)}`,
    `run:${runId}`,
    `agent:${agent}`,
    `town:${townRoot}`,
    `dir:${workDir}`,
    ...(branch === undefined ? [] : [`branch:${branch}`]),
  ];
  return `[GAS TOWN] ${parts.join(' ')}`;
}

function section(title: string, text: string): string {
  return text.trim() === '' ? '' : `## ${title}\n\n${text.trim()}`;
}

function mailNote(unread: number): string {
  if (unread === 0) return '';
  return `You have ${unread} unread ${unread === 1 ? 'message' : 'messages'}: read with \`gt mail inbox\`.`;
}

function startupDirective(role: Role, hasWork: boolean): string {
  const autonomous = permissionProfile(role) === 'autonomous';
  if (hasWork) {
    const begin = autonomous ? 'Begin with your work at once; nobody will confirm it.' : 'Begin with your work.';
    return `${begin} When it is done, report with \`gt done\`.`;
  }
  return autonomous
    ? 'You have no work at this moment. Work and messages will come to you: end your turn, do not poll for them.'
    : 'Wait for the user or for a message.';
}
