import * as vscode from 'vscode';
import { messageOf } from '../../shared/platform/errors.ts';
import type { TownSnapshot } from '../../shared/channel/views.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import { changesSetting, settings } from '../settings.ts';
import type { CurrentTown } from './current-town.ts';
import { hostEnvironment } from './host-environment.ts';
import { anyAgentProgram } from './known-agents.ts';

/**
 * Whether any agent program of the town is on this machine. Looked for when the town or its rigs change, and on demand.
 */
export class AgentPrograms {
  private readonly disposables = new DisposableStore();
  private readonly changed = this.disposables.add(new vscode.EventEmitter<void>());
  readonly onDidChange = this.changed.event;
  private readonly town: CurrentTown;
  private readonly log: vscode.LogOutputChannel;
  private lookedAt = '';
  private present = true;

  constructor(town: CurrentTown, log: vscode.LogOutputChannel) {
    this.town = town;
    this.log = log;
    this.disposables.add(town.onDidChange((snapshot) => void this.look(snapshot)));
    this.disposables.add(
      vscode.workspace.onDidChangeConfiguration((event) => {
        // The programs are found through the host's environment, which is made when the town is joined.
        if (changesSetting(event, 'agents.path')) void town.refresh(true).then(() => this.check());
      }),
    );
  }

  /** True until it is known to be otherwise. */
  get found(): boolean {
    return this.present;
  }

  async check(): Promise<void> {
    const { snapshot } = this.town;
    if (!snapshot) return;
    try {
      const environment = hostEnvironment(process.env, settings.agentsPath());
      const present = await anyAgentProgram(snapshot, environment);
      if (present === this.present) return;
      this.present = present;
      this.changed.fire();
    } catch (error) {
      // The views then go on as if there were one; starting it tells what is wrong.
      this.log.warn(`Looking for agent programs failed: ${messageOf(error)}`);
    }
  }

  dispose(): Promise<void> {
    return this.disposables.dispose();
  }

  private async look(snapshot: TownSnapshot | undefined): Promise<void> {
    const place = snapshot ? JSON.stringify([snapshot.root, snapshot.rigs, snapshot.problems]) : '';
    if (place === this.lookedAt) return;
    this.lookedAt = place;
    await this.check();
  }
}
