import { delimiter } from 'node:path';
import * as vscode from 'vscode';
import { findProgram } from '../../shared/platform/find-program.ts';
import { channelEnv } from '../../shared/channel/protocol.ts';
import { townPaths } from '../../shared/config/town-paths.ts';

const consentKey = 'gt.inTerminals';
type Consent = 'agreed' | 'declined';

/**
 * Puts `gt` into the user's terminals (DESIGN D11): first on PATH, unless another `gt` is there and the user wants
 * to keep it; then only `gastown`.
 */
export class TerminalPath {
  private readonly context: Pick<vscode.ExtensionContext, 'environmentVariableCollection' | 'globalState'>;
  private root: string | undefined;

  constructor(context: Pick<vscode.ExtensionContext, 'environmentVariableCollection' | 'globalState'>) {
    this.context = context;
    // Nothing of the town reaches a terminal that opens while the extension is not there to answer `gt`.
    context.environmentVariableCollection.persistent = false;
  }

  /** For the town's root; undefined where there is none. */
  async show(root: string | undefined): Promise<void> {
    if (root === this.root) return;
    this.root = root;
    if (root === undefined) return this.context.environmentVariableCollection.clear();
    const other = await otherGt(root);
    if (root !== this.root) return;
    const consent = this.context.globalState.get<Consent>(consentKey);
    this.apply(root, other === undefined || consent === 'agreed');
    if (other !== undefined && consent === undefined) await this.ask(root, other);
  }

  dispose(): void {
    this.context.environmentVariableCollection.clear();
  }

  private apply(root: string, asGt: boolean): void {
    const collection = this.context.environmentVariableCollection;
    const always = { applyAtProcessCreation: true, applyAtShellIntegration: true };
    collection.clear();
    collection.description = asGt
      ? vscode.l10n.t('Gas Town: `gt` of the town {0}', root)
      : vscode.l10n.t('Gas Town: `gastown` of the town {0}', root);
    // Without the second moment, a PATH set in ~/.bashrc would come first.
    const { bin, foreignBin } = townPaths(root);
    collection.prepend('PATH', (asGt ? bin : foreignBin) + delimiter, always);
    collection.replace('GT_ROOT', root, always);
    collection.replace(channelEnv.window, vscode.env.sessionId, always);
  }

  private async ask(root: string, other: string): Promise<void> {
    const agree = vscode.l10n.t("Use Gas Town's gt");
    const decline = vscode.l10n.t('Keep Mine');
    const question = vscode.l10n.t(
      "Another gt is on your PATH ({0}). Shall gt be Gas Town's in terminals here? It is always there as gastown.",
      other,
    );
    const chosen = await vscode.window.showInformationMessage(question, agree, decline);
    // Closed without an answer: asked again next time, and the user's gt stays until then.
    if (chosen === undefined) return;
    const consent: Consent = chosen === agree ? 'agreed' : 'declined';
    await this.context.globalState.update(consentKey, consent);
    if (root === this.root) this.apply(root, consent === 'agreed');
  }
}

/** A `gt` on the PATH that is not the town's. */
function otherGt(root: string): Promise<string | undefined> {
  const ours = townPaths(root).runtime;
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.startsWith(ours));
  return findProgram('gt', { ...process.env, PATH: path.join(delimiter) });
}
