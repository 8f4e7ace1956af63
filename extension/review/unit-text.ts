/** All that is known of one unit of work, as Markdown in which only our own words mean anything. Pure. */
import type { FileChange } from '../../shared/platform/git/changes.ts';
import type { CommandName } from '../commands/command-ids.ts';
import { resultText } from '../../shared/platform/git/result.ts';
import type { GateResult, MergeConflict, MergeHistoryEntry } from '../../shared/domain/merge.ts';
import { notSeenText } from '../../shared/domain/pull-request.ts';
import { remedyInEditor } from '../../shared/domain/trouble.ts';
import { ownedStates } from '../../shared/domain/work-state.ts';
import type { WorkHistoryEntry } from '../../shared/domain/work-state.ts';
import type { ChangeView, MergeDetailView, MessageView, ThreadView, WorkView } from '../../shared/channel/views.ts';
import type { Translate } from '../translate.ts';
import {
  commitsText,
  conflictLines,
  conflictsText,
  isDecidable,
  linesText,
  mergeStateText,
} from '../views/merge-text.ts';
import { messageKindText, messageStateText, partyName } from '../views/message-text.ts';
import { pullParts } from '../views/pull-text.ts';
import { longAge } from '../views/session-text.ts';
import { escaped, fenced, field, lines } from '../views/tooltip.ts';
import type { ViewContext } from '../views/view-context.ts';
import { workStateText } from '../views/work-tree.ts';
import { threadLabel } from './thread-text.ts';

export interface UnitFacts {
  work: WorkView & { history: readonly WorkHistoryEntry[] };
  /** Absent until it is finished, with commits. */
  merge?: MergeDetailView;
  /** Absent where nothing has been committed. */
  changes?: ChangeView;
  /** About the unit, newest first. */
  messages: readonly MessageView[];
}

/** The commands that the page may call. */
export const pageCommands = [
  'reviewWork',
  'reviewSinceLast',
  'reviewCommit',
  'approveWork',
  'approveAndMerge',
  'sendBack',
  'discardWork',
  'openPullRequest',
  'refreshPullRequests',
  'compareWork',
  'openWorktree',
  'openWorktreeTerminal',
  'editWork',
  'slingWork',
  'requeueWork',
  'cancelWork',
] as const satisfies readonly CommandName[];
type PageCommand = (typeof pageCommands)[number];

const mostFiles = 100;
const mostMessages = 30;

export function unitText(facts: UnitFacts, context: ViewContext): string {
  const { work, merge } = facts;
  const { t } = context;
  const title = work.title === '' || work.title === work.id ? work.id : t('{0}: {1}', work.id, work.title);
  const parts = [
    `# ${inline(title)}`,
    `**${escaped(stateText(facts, t))}** · ${escaped(t('for {0}', longAge(merge?.changedAt ?? work.changedAt, context)))}`,
    actionsOf(facts)
      .map((command) => link(command, work.id, t))
      .join(' &nbsp; '),
    ...(work.note === undefined ? [] : [section(t('Report')), quote(work.note)]),
    ...(work.description === '' || work.description === work.title
      ? []
      : [section(t('Description')), fenced(work.description)]),
    section(t('Branch')),
    branchText(facts, t),
    ...outputText(facts, t),
    ...changesText(facts, t),
    ...commentsText(merge?.threads ?? [], t),
    ...messagesText(facts.messages, context),
    section(t('History')),
    historyText(facts, context),
  ];
  return `${parts.join('\n\n')}\n`;
}

function stateText({ work, merge }: UnitFacts, t: Translate): string {
  if (merge === undefined) return workStateText(work.state, t);
  return merge.state === 'sent-back'
    ? `${workStateText(work.state, t)} · ${mergeStateText(merge, t)}`
    : mergeStateText(merge, t);
}

function actionsOf({ work, merge, changes }: UnitFacts): PageCommand[] {
  const look: PageCommand[] = changes === undefined ? [] : ['reviewWork', 'reviewCommit', 'compareWork'];
  const again: PageCommand[] = merge !== undefined && merge.round > 1 ? ['reviewSinceLast'] : [];
  const decide: PageCommand[] =
    merge !== undefined && isDecidable(merge) ? ['approveWork', 'approveAndMerge', 'sendBack', 'discardWork'] : [];
  const pull: PageCommand[] = merge?.pull?.url === undefined ? [] : ['openPullRequest', 'refreshPullRequests'];
  const place: PageCommand[] = work.branch === undefined ? [] : ['openWorktree', 'openWorktreeTerminal'];
  const isFree = ['open', 'failed', 'escalated'].includes(work.state);
  const start: PageCommand[] = isFree ? ['editWork', 'slingWork', 'requeueWork'] : [];
  const end: PageCommand[] = isFree || ownedStates.includes(work.state) ? ['cancelWork'] : [];
  return [...look.slice(0, 1), ...again, ...decide, ...pull, ...look.slice(1), ...place, ...start, ...end];
}

function commandTitle(command: PageCommand, t: Translate): string {
  switch (command) {
    case 'reviewWork':
      return t('Review Changes');
    case 'reviewSinceLast':
      return t('Since My Last Review');
    case 'reviewCommit':
      return t('One Commit…');
    case 'approveWork':
      return t('Approve');
    case 'approveAndMerge':
      return t('Approve and Merge');
    case 'sendBack':
      return t('Send Back…');
    case 'discardWork':
      return t('Discard…');
    case 'openPullRequest':
      return t('Open Pull Request');
    case 'refreshPullRequests':
      return t('Refresh Pull Request');
    case 'compareWork':
      return t('Compare with Working Tree');
    case 'openWorktree':
      return t('Open Worktree');
    case 'openWorktreeTerminal':
      return t('Terminal in Worktree');
    case 'editWork':
      return t('Edit…');
    case 'slingWork':
      return t('Sling…');
    case 'requeueWork':
      return t('Queue Again');
    case 'cancelWork':
      return t('Cancel…');
  }
}

/** The id is an argument, in a form in which it can end neither the link nor the text. */
function link(command: PageCommand, work: string, t: Translate): string {
  const argument = encodeURIComponent(JSON.stringify([{ work }])).replace(
    /[()'!*]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  );
  return `[${commandTitle(command, t)}](command:gastown.${command}?${argument})`;
}

function branchText({ work, merge }: UnitFacts, t: Translate): string {
  const branch = work.result === undefined ? work.branch : resultText(work.result);
  const linesOf = (name: string, conflicts: readonly MergeConflict[] = []) =>
    conflictLines(conflicts, merge?.target ?? '', t).map((text) => field(name, text));
  const passed = merge?.gates?.map((gate) => gateText(gate, t)).join(', ');
  return lines('', [
    field(t('Branch'), branch ?? t('none yet')),
    field(t('Into'), merge?.target),
    field(t('Round'), merge === undefined ? undefined : String(merge.round)),
    field(t('Because of'), merge?.why),
    field(t('Pull request'), pullParts(merge?.pull, t).join(' · ')),
    field(t('Checks that failed'), merge?.pull?.checks?.failed.join(', ')),
    field(t('Not seen'), merge && notSeenText(merge, remedyInEditor)),
    field(t('Forecast'), forecastText(merge, t)),
    ...linesOf(t('Would conflict with'), merge?.forecast),
    ...linesOf(t('Conflict'), merge?.state === 'conflict' ? merge.conflicts : []),
    field(t('Gates'), passed),
    field(t('Landed'), merge?.landed?.commit),
    field(t('Owner'), work.owner),
    field(t('Rig'), work.rig),
    field(t('Priority'), String(work.priority)),
    field(t('Worktree stays'), work.worktree),
  ]).trim();
}

function forecastText(merge: MergeDetailView | undefined, t: Translate): string | undefined {
  if (merge?.forecast === undefined) return undefined;
  return merge.forecast.length === 0 ? t('clean') : conflictsText(merge.forecast, merge.target, t);
}

function gateText({ name, state, took, retried }: GateResult, t: Translate): string {
  const seconds = Math.round(took / 1_000);
  if (state === 'timed-out') return t('{0} took too long ({1} s)', name, seconds);
  if (state === 'failed') return t('{0} failed ({1} s)', name, seconds);
  return retried
    ? t('{0} passed at the second attempt ({1} s)', name, seconds)
    : t('{0} passed ({1} s)', name, seconds);
}

/** The last lines of the gates that did not pass: with the branch, or on its target itself. */
function outputText({ merge }: UnitFacts, t: Translate): string[] {
  if (merge === undefined) return [];
  const { state, target, gates = [], targetRed } = merge;
  const own = gates.filter((gate) => gate.state !== 'passed');
  const red = state === 'queued' ? (targetRed?.gates ?? []) : [];
  const output = (title: string, { tail, log }: GateResult): string[] => [
    section(title),
    ...(tail === undefined ? [] : [fenced(tail)]),
    ...(log === undefined ? [] : [inline(log)]),
  ];
  return [
    ...own.flatMap((gate) => output(t('Output of {0}', gate.name), gate)),
    ...red.flatMap((gate) => output(t('Output of {0} on {1} itself', gate.name, target), gate)),
  ];
}

function changesText({ changes }: UnitFacts, t: Translate): string[] {
  if (changes === undefined || changes.files.length === 0) return [];
  const { files, commits } = changes;
  const size = files.length === 1 ? t('1 file') : t('{0} files', files.length);
  const rest = files.length - mostFiles;
  const row = (file: FileChange): string => `| ${inline(nameOf(file))} | ${fileText(file, t)} |`;
  return [
    section(`${t('Changes')} · ${size} · ${commitsText(commits.length, t)}`),
    [`| ${t('File')} | ${t('Lines')} |`, '|---|---|', ...files.slice(0, mostFiles).map(row)].join('\n'),
    ...(rest > 0 ? [escaped(t('and {0} more', rest))] : []),
    commits.map(({ commit, subject }) => `- \`${commit.slice(0, 7)}\` ${inline(subject)}`).join('\n'),
  ];
}

const nameOf = ({ path, before }: FileChange): string => (before === undefined ? path : `${before} → ${path}`);

function fileText(file: FileChange, t: Translate): string {
  const size = file.binary ? t('binary') : escaped(linesText(file));
  if (file.status === 'added') return t('new, {0}', size);
  return file.status === 'deleted' ? t('deleted, {0}', size) : size;
}

function commentsText(threads: readonly ThreadView[], t: Translate): string[] {
  if (threads.length === 0) return [];
  return [
    section(t('Comments')),
    ...threads.map((thread) =>
      [
        `**${inline(`${thread.path}:${thread.line}`)}** — ${escaped(threadLabel(thread, t))}`,
        ...thread.comments.map(({ by, body }) => quote(`${partyName(by, t)}: ${body}`)),
      ].join('\n\n'),
    ),
  ];
}

function messagesText(messages: readonly MessageView[], context: ViewContext): string[] {
  if (messages.length === 0) return [];
  const { t, clock } = context;
  const row = ({ from, to, kind, state, subject, body, sentAt }: MessageView): string =>
    `- ${escaped(clock(sentAt))} ${inline(t('{0} → {1}', partyName(from, t), partyName(to, t)))}, ${escaped(
      `${messageKindText(kind, t)}, ${messageStateText(state, t)}`,
    )}: ${inline((subject === '' ? body : subject).slice(0, 160))}`;
  return [section(t('Messages')), messages.slice(0, mostMessages).map(row).join('\n')];
}

/** Of the work and of its merge, in one line of time. */
function historyText({ work, merge }: UnitFacts, { t, clock }: ViewContext): string {
  const ofMerge = (entry: MergeHistoryEntry): { at: number; text: string } => ({
    at: entry.at,
    text: mergeEntryText(entry, t),
  });
  const entries = [
    ...work.history.map(({ at, state, by, note }) => ({ at, text: entryText(state, by, note, t) })),
    ...(merge?.history ?? []).map(ofMerge),
  ];
  return entries
    .sort((a, b) => a.at - b.at)
    .map(({ at, text }) => `- ${escaped(clock(at))} ${inline(text)}`)
    .join('\n');
}

const mergeEntryText = ({ state, by, round, note }: MergeHistoryEntry, t: Translate): string =>
  entryText(t('merge: {0}, round {1}', state, round), by, note, t);

const entryText = (state: string, by: string, note: string | undefined, t: Translate): string =>
  t('{0}, by {1}', state, partyName(by, t)) + (note === undefined ? '' : ` — ${note}`);

const section = (title: string): string => `## ${escaped(title)}`;

const inline = (text: string): string => escaped(text.replace(/\s+/g, ' ').trim());

/** Each line as it is, quoted. */
const quote = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => `> ${escaped(line.trim())}`)
    .join('  \n');
