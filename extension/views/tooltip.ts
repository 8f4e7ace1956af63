/** Markdown for the hover of a row, made only when somebody hovers. Pure. */
import type { MergeConflict } from '../../shared/domain/merge.ts';
import {
  breakerTrouble,
  escalationTrouble,
  problemTrouble,
  rigTrouble,
  sessionTroubles,
  workTrouble,
} from '../../shared/api/troubles.ts';
import { waitsOf } from '../../shared/attention/waits.ts';
import { notSeenText } from '../../shared/domain/pull-request.ts';
import { adviceInEditor, remedyInEditor } from '../../shared/domain/trouble.ts';
import type { Trouble } from '../../shared/domain/trouble.ts';
import { backends } from '../../shared/host/backends.ts';
import { resultText } from '../../shared/platform/git/result.ts';
import type {
  BackendPart,
  EscalationView,
  MergeView,
  RigView,
  SessionView,
  TownSnapshot,
  WorkView,
} from '../../shared/channel/views.ts';
import type { Translate } from '../translate.ts';
import { severityText } from './escalation-tree.ts';
import { conflictLines, gateStateText, mergeStateText, sizeText } from './merge-text.ts';
import { pullParts } from './pull-text.ts';
import { partyName } from './message-text.ts';
import { agentText, aggregateText, fullSessionName, heldText, longAge, stateText } from './session-text.ts';
import type { RowTarget } from './tree-node.ts';
import type { ViewContext } from './view-context.ts';
import { workStateText } from './work-tree.ts';
import { cutText } from '../../shared/platform/cut-text.ts';

/** Undefined where the row's thing is gone from the snapshot or the row says everything itself. */
export function tooltipOf(target: RowTarget, snapshot: TownSnapshot, context: ViewContext): string | undefined {
  switch (target.kind) {
    case 'town':
      return townTooltip(snapshot, context.t);
    case 'rig': {
      const rig = snapshot.rigs.find((each) => each.name === target.rig);
      return rig && rigTooltip(rig, context.t);
    }
    case 'session': {
      const session = snapshot.sessions.find((each) => each.id === target.session);
      return session && sessionTooltip(session, snapshot, context);
    }
    case 'ask': {
      const session = snapshot.sessions.find((each) => each.id === target.session);
      const wait = session && waitsOf(session).find((each) => each.ask === target.ask);
      if (!wait) return undefined;
      const detail = wait.detail === '' ? [] : [fenced(wait.detail)];
      const where = wait.resolvable ? [] : [context.t('It can only be answered in its terminal.')];
      return [`**${escaped(wait.title)}**`, ...detail, ...where].join('\n\n');
    }
    case 'work': {
      const work = snapshot.work.find((each) => each.id === target.work);
      const merge = snapshot.merges.find((each) => each.work === target.work);
      return work && workTooltip(work, merge, snapshot, context);
    }
    case 'escalation': {
      const escalation = snapshot.escalations.find((each) => each.id === target.escalation);
      return escalation && escalationTooltip(escalation, snapshot, context);
    }
    case 'role':
    case 'message':
    case 'child':
    case 'group':
      return undefined;
  }
}

function townTooltip(snapshot: TownSnapshot, t: Translate): string {
  const ofBackends = snapshot.backends.flatMap(({ name, health, version, detail, breaker, parts = [] }) => [
    field(version === undefined ? name : `${name} ${version}`, detail === undefined ? health : `${health}: ${detail}`),
    whatToDo(breaker && breakerTrouble(breaker), t),
    ...parts.flatMap((part) => [
      field(partText(name, part, t), t('nothing is started: {0}', part.breaker.reason)),
      whatToDo(breakerTrouble(part.breaker), t),
    ]),
  ]);
  // Those of a file are in the Problems view, and those of a rig on its row.
  const problems = snapshot.problems
    .filter(({ file, kind }) => file === undefined && kind !== 'rig')
    .flatMap((problem) => [field(t('Problem'), problem.message), whatToDo(problemTrouble(problem), t)]);
  return lines(`**${escaped(snapshot.name)}**`, [
    field(t('Folder'), snapshot.root),
    field(t('Sessions'), aggregateText(snapshot.sessions, t)),
    ...problems,
    ...ofBackends,
  ]);
}

/** The one thing to do about it; nothing where its cause says it. */
function whatToDo(trouble: Trouble | undefined, t: Translate): string | undefined {
  return trouble && field(t('What to do'), adviceInEditor(trouble));
}

function partText(backend: string, { rig, program }: BackendPart, t: Translate): string {
  if (program !== undefined) return t('Agent {0}', program);
  return rig === '' ? t("{0} in the town's folder", backend) : t('{0} in rig {1}', backend, rig);
}

function rigTooltip(rig: RigView, t: Translate): string {
  const trouble = rigTrouble(rig);
  return lines(`**${escaped(rig.name)}**`, [
    field(t('Folder'), rig.path),
    field(t('Default branch'), rig.defaultBranch),
    field(t('Problem'), trouble?.cause),
    whatToDo(trouble, t),
  ]);
}

function sessionTooltip(session: SessionView, snapshot: TownSnapshot, context: ViewContext): string {
  const { t } = context;
  const work = snapshot.work.filter((each) => each.owner === session.id);
  return lines(`**${escaped(fullSessionName(session, t))}** — ${escaped(stateText(session, context))}`, [
    field(t('For'), t('{0}, since {1}', longAge(session.since, context), context.clock(session.since))),
    field(t('Because of'), session.cause),
    field(t('Quarantined'), session.quarantined?.reason),
    field(t('Trouble'), session.trouble),
    whatToDo(session.troubleKind && { kind: session.troubleKind, cause: '', subject: {} }, t),
    field(t('Problem'), session.problem),
    ...sessionTroubles(session).map((trouble) => whatToDo(trouble, t)),
    ...session.asks.map((ask) => field(t('Asks'), ask.title)),
    ...(session.lostAsks ?? []).map((title) => field(t('Asked before it ended'), title)),
    ...work.map((each) => field(t('Work'), `${each.id} ${each.title} (${workStateText(each.state, t)})`)),
    field(
      t('Waiting to be delivered'),
      session.queued === 0 ? undefined : heldText(session, t) || String(session.queued),
    ),
    field(t('Unread mail'), session.unreadMail === 0 ? undefined : String(session.unreadMail)),
    field(t('Agent'), agentText(session, t)),
    field(t('Role'), session.role),
    field(t('Branch'), session.branch),
    field(t('Folder'), session.workDir),
    field(t('Worktree stays'), session.worktree),
    field(t('Process'), session.pid === undefined ? undefined : String(session.pid)),
    field(t('Id'), session.id),
  ]);
}

function workTooltip(
  work: WorkView,
  merge: MergeView | undefined,
  snapshot: TownSnapshot,
  context: ViewContext,
): string {
  const { t } = context;
  const finished = work.state === 'done' ? merge : undefined;
  const state = finished ? mergeStateText(finished, t) : workStateText(work.state, t);
  const trouble = workTrouble(work, snapshot);
  const head = lines(`**${escaped(work.id)}** ${escaped(work.title)} — ${escaped(state)}`, [
    // What the agent reported, or why it is where it is.
    field(work.state === 'done' ? t('Report') : t('Note'), work.note),
    field(t('Problem'), trouble?.kind === 'ownerless' ? trouble.cause : undefined),
    whatToDo(trouble, t),
    ...(merge === undefined ? [] : mergeFields(merge, t)),
    field(t('For'), longAge(finished?.changedAt ?? work.changedAt, context)),
    field(t('Owner'), work.owner),
    field(t('Rig'), work.rig === '' ? undefined : work.rig),
    field(t('Branch'), work.result === undefined ? work.branch : resultText(work.result)),
    field(t('Given branch'), work.result === undefined || work.result.branch === work.branch ? undefined : work.branch),
    field(t('Commits'), work.result !== undefined || work.commits === undefined ? undefined : String(work.commits)),
    field(t('Worktree stays'), work.worktree),
    field(t('Queued again'), work.attempts === undefined ? undefined : String(work.attempts)),
    field(t('Not before'), work.notBefore === undefined ? undefined : context.clock(work.notBefore)),
    field(t('Priority'), String(work.priority)),
  ]);
  return work.description === '' || work.description === work.title ? head : `${head}\n\n${fenced(work.description)}`;
}

function mergeFields(merge: MergeView, t: Translate): (string | undefined)[] {
  const { target, round, why, forecast, conflicts = [], gates = [], openThreads, approvedBy } = merge;
  const linesOf = (name: string, of: readonly MergeConflict[]) =>
    conflictLines(of, target, t).map((text) => field(name, text));
  return [
    field(t('Changes'), sizeText(merge, t).join(' · ')),
    field(t('Into'), round === 1 ? target : t('{0}, round {1}', target, round)),
    field(t('Because of'), why),
    field(t('Pull request'), pullParts(merge.pull, t).join(' · ')),
    field(t('Checks that failed'), merge.pull?.checks?.failed.join(', ')),
    field(t('Not seen'), notSeenText(merge, remedyInEditor)),
    ...(merge.state === 'conflict' ? linesOf(t('Conflict'), conflicts) : []),
    ...linesOf(t('Would conflict with'), forecast ?? []),
    field(t('Forecast'), forecast?.length === 0 ? t('clean') : undefined),
    ...gates.map(({ name, state }) => field(t('Gate'), t('{0} {1}', name, gateStateText(state, t)))),
    ...(merge.state === 'queued' ? (merge.targetRed?.gates ?? []) : []).map(({ log }) =>
      field(t('Output on {0}', target), log),
    ),
    field(t('Approved by'), approvedBy === undefined ? undefined : partyName(approvedBy, t)),
    field(t('Open comments'), openThreads === 0 ? undefined : String(openThreads)),
  ];
}

function escalationTooltip(escalation: EscalationView, snapshot: TownSnapshot, context: ViewContext): string {
  const { t } = context;
  const { severity, message, by, work, session, raisedAt, id } = escalation;
  const head = lines(`**${t('Escalated')}** — ${severityText(severity, t)}`, [
    field(t('By'), by),
    field(t('Since'), t('{0}, for {1}', context.clock(raisedAt), longAge(raisedAt, context))),
    field(t('Work'), work),
    field(t('Session'), session),
    whatToDo(escalationTrouble(escalation, snapshot, backends), t),
    field(t('Id'), id),
  ]);
  return `${head}\n\n${fenced(message)}`;
}

export function lines(head: string, fields: (string | undefined)[]): string {
  return [head, '', ...fields.filter((each) => each !== undefined)].join('\n');
}

export function field(name: string, value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : `- ${name}: ${escaped(value.replace(/\s+/g, ' '))}`;
}

/** Text of agents and people is shown, never interpreted. */
export function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+\-.!~<>|&$=]/g, '\\$&');
}

/** A fence longer than any run of backticks inside; long texts are cut, the whole is one command away. */
export function fenced(text: string): string {
  const shown = cutText(text, 2001);
  const longest = Math.max(2, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${shown}\n${fence}`;
}
