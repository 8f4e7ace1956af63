import * as vscode from 'vscode';

/** The editor's own settings (DESIGN D10); everything about towns and agents stands in the town's files. */
export const settings = {
  /** Folders in which agent programs are looked for before PATH. */
  agentsPath: (): string[] => read('agents.path', []),
  /** Whether a session that begins to wait for the user is told by a notification. */
  notifyWaiting: (): boolean => read('notifications.waiting', true),
  /** Whether what is escalated is told by a notification. */
  notifyEscalations: (): boolean => read('notifications.escalations', true),
  /** Whether a run that has failed is. */
  notifyFailed: (): boolean => read('notifications.failed', true),
  /** Whether a worktree that was removed is. */
  notifyWorktrees: (): boolean => read('notifications.worktrees', true),
  /** Whether a batch that is finished or stuck is. */
  notifyBatches: (): boolean => read('notifications.batches', true),
  /** Whether a unit that is ready for review is, or one that was slung and came to nothing. */
  notifyFinished: (): boolean => read('notifications.finished', true),
  /** Whether a window tells while it is in the background; else it does when it is used again. */
  notifyInactiveWindows: (): boolean => read('notifications.inactiveWindows', false),
};

export type SettingKey =
  | 'agents.path'
  | `notifications.${'waiting' | 'failed' | 'escalations' | 'worktrees' | 'batches' | 'finished' | 'inactiveWindows'}`;

export function changesSetting(event: vscode.ConfigurationChangeEvent, key: SettingKey): boolean {
  return event.affectsConfiguration(`gastown.${key}`);
}

function read<T>(key: SettingKey, fallback: T): T {
  return vscode.workspace.getConfiguration('gastown').get<T>(key, fallback);
}
