import * as vscode from 'vscode';
import { GasTownError, messageOf } from '../../shared/errors.ts';
import type { Views } from '../views/views.ts';
import { allow, answer, deny, nextWaiting, showAsk, showWaiting } from './answer-commands.ts';
import type { CommandName } from './command-ids.ts';
import { commandNames } from './command-ids.ts';
import type { Command, CommandDeps } from './command.ts';
import { closeEscalation } from './escalation-commands.ts';
import { givenBy } from './given.ts';
import { handOffWork } from './handoff-command.ts';
import { checkHealth } from './health-command.ts';
import { broadcastMessage, sendMessage } from './message-commands.ts';
import { clearMessageFilter, copyMessageId, filterMessages, openMessage } from './message-view-commands.ts';
import { openTownAgain, removeTown } from './remove-command.ts';
import { reviewRig } from './review-rig.ts';
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
import { addRig, createTown, openRigSettings, openTownSettings } from './town-commands.ts';
import { assignWork, cancelWork, newWork, requeueWork, slingWork } from './work-commands.ts';
import { removeWorktree, restoreWorktree } from './worktree-commands.ts';

const commands: Record<CommandName, Command> = {
  createTown,
  addRig,
  newWork,
  slingWork,
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
};

export function registerCommands(deps: CommandDeps, views: Pick<Views, 'target'>): vscode.Disposable {
  const registrations = commandNames.map((name) =>
    vscode.commands.registerCommand(`gastown.${name}`, async (argument: unknown) => {
      // Whoever runs a command of ours, or answers its questions, is not typing into a terminal.
      deps.typing.elsewhere();
      try {
        await commands[name](
          givenBy(argument, (rowId) => views.target(rowId) ?? deps.messages.target(rowId)),
          deps,
        );
      } catch (error) {
        tell(name, error, deps);
      }
    }),
  );
  return vscode.Disposable.from(...registrations);
}

/** Says what went wrong; what the person cancelled needs no word. */
function tell(name: CommandName, error: unknown, { log }: CommandDeps): void {
  if (isCancellation(error)) return;
  // What the core expected has a message for people; of anything else the log keeps where it came from.
  const expected = GasTownError.is(error) || !(error instanceof Error);
  log.error(`${name}: ${expected ? messageOf(error) : (error.stack ?? error.message)}`);
  const showLog = vscode.l10n.t('Show Log');
  const review = vscode.l10n.t('Review Rig Settings…');
  const ways = needsConsent(error) ? [review] : [showLog];
  void vscode.window.showErrorMessage(messageOf(error), ...ways).then((chosen) => {
    if (chosen === showLog) log.show();
    if (chosen === review) void vscode.commands.executeCommand('gastown.reviewRig');
  });
}

const needsConsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'consent-needed';

/** The core's own error, or the same one that came over the channel. */
function isCancellation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'cancelled';
}
