import * as vscode from 'vscode';

/** Every `when` key that we set, and what it says. All are false before activation and after deactivation. */
const contextKeys = {
  /** The search for a town has ended, with or without one. */
  searched: 'gastown.searched',
  /** The workspace is not trusted: no town is looked for. */
  untrusted: 'gastown.untrusted',
  /** There is a town, but it could not be opened: the message of the Sessions view says why. */
  joinFailed: 'gastown.joinFailed',
  /** The town was removed while this window was in it; its settings are still there. */
  removed: 'gastown.removed',
  /** A town lies above the opened folders, and the user has not agreed to open it. */
  townAbove: 'gastown.townAbove',
  /** This window is in a town. */
  hasTown: 'gastown.hasTown',
  hasRigs: 'gastown.hasRigs',
  hasSessions: 'gastown.hasSessions',
  /** A session waits for the user. */
  hasWaiting: 'gastown.hasWaiting',
  /** The active editor shows a finished unit that the user can decide about. */
  reviewing: 'gastown.reviewing',
  /** The Messages view shows some only. */
  messagesFiltered: 'gastown.messagesFiltered',
  /** The town has answered what messages there are. */
  messagesKnown: 'gastown.messagesKnown',
  /** Neither backend's program was found, and no session runs. */
  noAgentProgram: 'gastown.noAgentProgram',
} as const;

type ContextKey = keyof typeof contextKeys;

/** Sets only what changed: each call goes to the editor's main process. */
export class ContextKeys {
  private readonly values = new Map<ContextKey, boolean>();

  set(values: Partial<Record<ContextKey, boolean>>): void {
    for (const key of Object.keys(values) as ContextKey[]) {
      const value = values[key] ?? false;
      if ((this.values.get(key) ?? false) === value) continue;
      this.values.set(key, value);
      void vscode.commands.executeCommand('setContext', contextKeys[key], value);
    }
  }

  dispose(): void {
    this.set(Object.fromEntries(Object.keys(contextKeys).map((key) => [key, false])));
  }
}
