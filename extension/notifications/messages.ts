/** The notifications themselves: what they say, and what can be done right there. */
import * as vscode from 'vscode';
import type { BatchView, TownSnapshot, WorktreeView, WorkView } from '../../shared/channel/views.ts';
import { fullSessionName, stateText } from '../views/session-text.ts';
import { viewContext } from '../views/views.ts';
import type { Cause } from './causes.ts';
import { cutText } from '../../shared/platform/cut-text.ts';

const t = vscode.l10n.t;

type Waiting = Extract<Cause, { kind: 'waiting' }>;
type Failed = Extract<Cause, { kind: 'failed' }>;
type Escalated = Extract<Cause, { kind: 'escalated' }>;

/** Of each kind one notification at most, but of removals, which can be undone, of batches, and of units that came to nothing. */
export function tell(causes: readonly Cause[], snapshot: TownSnapshot | undefined): void {
  const waiting = causes.filter((cause): cause is Waiting => cause.kind === 'waiting');
  const failed = causes.filter((cause): cause is Failed => cause.kind === 'failed');
  if (waiting.length > 1) void tellThatManyWait(waiting);
  else if (waiting[0]) void tellThatOneWaits(waiting[0]);
  if (failed.length > 1) void tellThatManyFailed(failed);
  else if (failed[0]) void tellThatOneFailed(failed[0]);
  const escalated = causes.filter((cause): cause is Escalated => cause.kind === 'escalated');
  if (escalated.length > 1) void tellOfEscalations(escalated.length);
  else if (escalated[0]) void tellOfEscalation(escalated[0], snapshot);
  const ready = causes.flatMap((cause) => (cause.kind === 'ready' ? [cause.work] : []));
  if (ready.length > 0) void tellThatReady(ready);
  for (const cause of causes) if (cause.kind === 'ended') void tellThatEnded(cause.work);
  for (const cause of causes) if (cause.kind === 'removed') void tellOfRemoval(cause.worktree);
  for (const cause of causes) if (cause.kind === 'batch') void tellOfBatch(cause.batch);
}

async function tellThatOneWaits({ session, wait }: Waiting): Promise<void> {
  const name = fullSessionName(session, t);
  // The run, too: what a later one asks is another wait.
  const given = { session: session.id, run: wait.runId, ...(wait.ask === undefined ? {} : { ask: wait.ask }) };
  const shown = wait.atAGlance ? { shown: wait.title } : {};
  const allow = t('Allow');
  const deny = t('Deny');
  const open = t('Open');
  const review = t('Review…');
  const message =
    wait.ask === undefined
      ? t('{0} is {1}.', name, stateText(session, viewContext()))
      : t('{0} asks: {1}', name, shortened(wait.title));
  const actions = wait.ask === undefined ? [open] : wait.resolvable && wait.atAGlance ? [allow, deny, open] : [review];
  const chosen = await vscode.window.showInformationMessage(message, ...actions);
  if (chosen === allow) await vscode.commands.executeCommand('gastown.allow', { ...given, ...shown });
  if (chosen === deny) await vscode.commands.executeCommand('gastown.deny', { ...given, ...shown });
  if (chosen === open) await vscode.commands.executeCommand('gastown.attach', given);
  if (chosen === review) await vscode.commands.executeCommand('gastown.answer', given);
}

async function tellThatManyWait(causes: readonly Waiting[]): Promise<void> {
  const review = t('Review…');
  const sessions = new Set(causes.map(({ session }) => session.id)).size;
  const message =
    sessions === 1
      ? t('{0} asks several things.', fullSessionName(causes[0]!.session, t))
      : t('{0} sessions wait for you.', sessions);
  if ((await vscode.window.showInformationMessage(message, review)) === review) {
    await vscode.commands.executeCommand('gastown.nextWaiting');
  }
}

async function tellThatOneFailed({ session }: Failed): Promise<void> {
  const timeline = t('Show Timeline');
  const message = t('{0} failed: {1}', fullSessionName(session, t), shortened(session.cause));
  if ((await vscode.window.showWarningMessage(message, timeline)) === timeline) {
    await vscode.commands.executeCommand('gastown.showTimeline', { session: session.id });
  }
}

async function tellThatManyFailed(causes: readonly Failed[]): Promise<void> {
  const show = t('Show Sessions');
  const names = causes.map(({ session }) => fullSessionName(session, t)).join(', ');
  const message = t('{0} sessions failed: {1}', causes.length, shortened(names));
  if ((await vscode.window.showWarningMessage(message, show)) === show) {
    await vscode.commands.executeCommand('gastown.sessions.focus');
  }
}

async function tellOfEscalation({ escalation }: Escalated, snapshot: TownSnapshot | undefined): Promise<void> {
  const { id, severity, message, session } = escalation;
  const open = t('Open Session');
  const close = t('Close Escalation');
  const isThere = snapshot?.sessions.some((each) => each.id === session && each.state === 'running') ?? false;
  const isUrgent = severity === 'high' || severity === 'critical';
  const show = isUrgent ? vscode.window.showErrorMessage : vscode.window.showWarningMessage;
  const chosen = await show(t('Escalated: {0}', shortened(message, 200)), ...(isThere ? [open] : []), close);
  if (chosen === open) await vscode.commands.executeCommand('gastown.attach', { session });
  if (chosen === close) await vscode.commands.executeCommand('gastown.closeEscalation', { escalation: id });
}

async function tellOfEscalations(count: number): Promise<void> {
  const show = t('Show Sessions');
  if ((await vscode.window.showWarningMessage(t('{0} things were escalated to you.', count), show)) === show) {
    await vscode.commands.executeCommand('gastown.sessions.focus');
  }
}

async function tellThatReady(units: readonly WorkView[]): Promise<void> {
  const review = t('Review…');
  const [first, ...others] = units;
  if (first === undefined) return;
  const message =
    others.length === 0
      ? t('{0} is ready for review: {1}', first.id, shortened(first.title))
      : t('{0} units are ready for review: {1}', units.length, shortened(units.map(({ id }) => id).join(', '), 200));
  if ((await vscode.window.showInformationMessage(message, review)) === review)
    await vscode.commands.executeCommand('gastown.reviewWork', others.length === 0 ? { work: first.id } : {});
}

async function tellThatEnded({ id, state, note }: WorkView): Promise<void> {
  const show = t('Show Work');
  const chosen =
    state === 'failed'
      ? await vscode.window.showWarningMessage(t('{0} failed: {1}', id, shortened(note ?? '')), show)
      : await vscode.window.showInformationMessage(t('{0} is done, and has nothing to review.', id), show);
  if (chosen === show) await vscode.commands.executeCommand('gastown.work.focus');
}

async function tellOfRemoval({ id, session, rescue, commits = 0, files = 0 }: WorktreeView): Promise<void> {
  const undo = t('Undo');
  const saved = [
    ...(files === 0 ? [] : [files === 1 ? t('1 file') : t('{0} files', files)]),
    ...(commits === 0 ? [] : [commits === 1 ? t('1 commit') : t('{0} commits', commits)]),
  ].join(', ');
  const message =
    rescue === undefined || saved === ''
      ? t('The worktree of {0} is removed.', session)
      : t('The worktree of {0} is removed. What only it had is saved: {1}.', session, saved);
  if ((await vscode.window.showInformationMessage(message, undo)) === undo) {
    await vscode.commands.executeCommand('gastown.restoreWorktree', { worktree: id });
  }
}

async function tellOfBatch({ title, state, done, total }: BatchView): Promise<void> {
  const show = t('Show Work');
  const chosen =
    state === 'finished'
      ? vscode.window.showInformationMessage(t('{0} is finished: {1} of {2} are done.', title, done, total), show)
      : vscode.window.showWarningMessage(
          t('{0} is stuck: {1} of {2} are done, and the rest needs somebody.', title, done, total),
          show,
        );
  if ((await chosen) === show) await vscode.commands.executeCommand('gastown.work.focus');
}

function shortened(text: string, length = 100): string {
  return cutText(text.replace(/\s+/g, ' '), length);
}
