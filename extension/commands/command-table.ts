import * as vscode from 'vscode';
import { hasCode, messageOf } from '../../shared/platform/errors.ts';
import { logText } from '../log-text.ts';
import { threadOf } from '../review/review-comments.ts';
import type { ReviewComments } from '../review/review-comments.ts';
import type { Views } from '../views/views.ts';
import { allow, answer, deny, nextWaiting, showAsk, showWaiting } from './answer-commands.ts';
import { commandNames, commentCommandNames } from './command-ids.ts';
import type { CommandName, CommentCommandName } from './command-ids.ts';
import type { Command, CommandDeps } from './command.ts';
import { closeEscalation } from './escalation-commands.ts';
import { givenBy } from './command-arguments.ts';
import { handOffWork } from './handoff-command.ts';
import { checkHealth } from './health-command.ts';
import { broadcastMessage, sendMessage } from './message-commands.ts';
import { clearMessageFilter, copyMessageId, filterMessages, openMessage } from './message-view-commands.ts';
import { openPullRequest, refreshPullRequests } from './pull-request-commands.ts';
import { openTownAgain, removeTown } from './remove-command.ts';
import {
  approveAndMerge,
  approveWork,
  compareWork,
  discardWork,
  reviewCommit,
  reviewSinceLast,
  reviewWork,
  sendBack,
  showWork,
} from './review-commands.ts';
import { reviewRig, withdrawConsent } from './review-rig.ts';
import {
  attach,
  dismissSession,
  resetSession,
  resumeSession,
  showAgents,
  spawnSession,
  startMayor,
  startRefinery,
  terminateSession,
} from './session-commands.ts';
import { exportTimeline, showTimeline } from './timeline-commands.ts';
import { addRig, createTown, openRigSettings, openTownAbove, openTownSettings } from './town-commands.ts';
import { openWorktree, openWorktreeTerminal } from './unit-place-commands.ts';
import { assignWork, cancelWork, quickWork, requeueWork, slingWork, slingWorkBare } from './work-commands.ts';
import { addSelection, editWork, newWork, saveWork } from './work-document-commands.ts';
import { removeWorktree, restoreWorktree } from './worktree-commands.ts';

const commands: Record<CommandName, Command> = {
  createTown,
  addRig,
  newWork,
  quickWork,
  editWork,
  saveWork,
  addSelection,
  slingWork,
  slingWorkBare,
  spawnSession,
  attach,
  startMayor,
  startRefinery,
  assignWork,
  handOffWork,
  sendMessage,
  broadcastMessage,
  terminateSession,
  showAgents,
  showWaiting,
  checkHealth,
  openRigSettings,
  reviewRig,
  withdrawConsent,
  openTownSettings,
  showLog: async (_given, { log }) => log.show(),
  checkAgents: (_given, deps) => deps.checkAgents(),
  openDocs: async (_given, { docs }) => {
    await vscode.commands.executeCommand('markdown.showPreview', docs);
  },
  allow,
  deny,
  answer,
  closeEscalation,
  resetSession,
  resumeSession,
  dismissSession,
  cancelWork,
  requeueWork,
  nextWaiting,
  showAsk,
  showTimeline,
  exportTimeline,
  filterMessages,
  clearMessageFilter,
  copyMessageId,
  openMessage,
  removeWorktree,
  restoreWorktree,
  removeTown,
  openTownAgain,
  openTownAbove,
  reviewWork,
  reviewSinceLast,
  reviewCommit,
  compareWork,
  approveWork,
  approveAndMerge,
  sendBack,
  discardWork,
  openPullRequest,
  refreshPullRequests,
  showWork,
  openWorktree,
  openWorktreeTerminal,
};

type CommentCommand = (
  argument: vscode.CommentThread | vscode.CommentReply | undefined,
  comments: ReviewComments,
) => Promise<void>;

const commentCommands: Record<CommentCommandName, CommentCommand> = {
  addComment: async (argument, comments) => {
    if (argument !== undefined && 'thread' in argument) await comments.add(argument);
  },
  resolveThread: (argument, comments) => comments.resolve(threadOf(argument), true),
  reopenThread: (argument, comments) => comments.resolve(threadOf(argument), false),
};

export function registerCommands(deps: CommandDeps, views: Pick<Views, 'target' | 'seen'>): vscode.Disposable {
  const registrations = commandNames.map((name) =>
    vscode.commands.registerCommand(`gastown.${name}`, async (argument: unknown) => {
      // Whoever runs a command of ours, or answers its questions, is not typing into a terminal.
      deps.typing.elsewhere();
      const given = givenBy(argument, (rowId) => views.target(rowId) ?? deps.messages.target(rowId));
      // The row may be the selected one already: then nothing else tells that the user has turned to it.
      if (given.session !== undefined) views.seen(given.session);
      try {
        await commands[name](given, deps);
      } catch (error) {
        tell(name, error, deps);
      }
    }),
  );
  const ofComments = commentCommandNames.map((name) =>
    vscode.commands.registerCommand(`gastown.${name}`, async (argument: Parameters<CommentCommand>[0]) => {
      try {
        await commentCommands[name](argument, deps.comments);
      } catch (error) {
        tell(name, error, deps);
      }
    }),
  );
  return vscode.Disposable.from(...registrations, ...ofComments);
}

/** Says what went wrong; what the user cancelled needs no word. */
function tell(name: string, error: unknown, { log }: CommandDeps): void {
  if (hasCode(error, 'cancelled')) return;
  log.error(`${name}: ${logText(error)}`);
  const showLog = vscode.l10n.t('Show Log');
  const review = vscode.l10n.t('Review Rig Settings…');
  const ways = hasCode(error, 'consent-needed') ? [review] : [showLog];
  void vscode.window.showErrorMessage(messageOf(error), ...ways).then((chosen) => {
    if (chosen === showLog) log.show();
    if (chosen === review) void vscode.commands.executeCommand('gastown.reviewRig');
  });
}
