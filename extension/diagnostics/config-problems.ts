import { resolve } from 'node:path';
import * as vscode from 'vscode';
import type { TownSnapshot } from '../../shared/channel/views.ts';
import { DisposableStore } from '../../shared/platform/disposable-store.ts';
import type { CurrentTown } from '../town/current-town.ts';
import type { Problem } from '../../shared/domain/problem.ts';
import { problemWords } from './problem-words.ts';

/** What is wrong in the town's settings: in the Problems view at its line, and once as a message. */
export class ConfigProblems {
  private readonly disposables = new DisposableStore();
  private readonly collection = this.disposables.add(vscode.languages.createDiagnosticCollection('gastown'));
  private known = new Set<string>();

  constructor(town: CurrentTown) {
    this.disposables.add(town.onDidChange((snapshot) => this.show(snapshot)));
  }

  dispose(): Promise<void> {
    return this.disposables.dispose();
  }

  private show(snapshot: TownSnapshot | undefined): void {
    const problems = snapshot?.problems ?? [];
    const keys = new Set(problems.map((problem) => JSON.stringify(problem)));
    if (keys.size === this.known.size && [...keys].every((key) => this.known.has(key))) return;
    const fresh = problems.filter((problem) => !this.known.has(JSON.stringify(problem)));
    this.known = keys;
    this.publish(problems, snapshot?.root ?? '');
    // Warnings change nothing: the Problems view is place enough for them.
    for (const problem of fresh) if (problem.severity !== 'warning') void tell(problem, snapshot?.root ?? '');
  }

  private publish(problems: readonly Problem[], root: string): void {
    const byFile = new Map<string, vscode.Diagnostic[]>();
    for (const problem of problems) {
      if (problem.file === undefined) continue;
      const file = resolve(root, problem.file);
      byFile.set(file, [...(byFile.get(file) ?? []), diagnostic(problem)]);
    }
    this.collection.clear();
    for (const [file, diagnostics] of byFile) this.collection.set(vscode.Uri.file(file), diagnostics);
  }
}

function diagnostic(problem: Problem): vscode.Diagnostic {
  const severity = problem.severity === 'warning' ? vscode.DiagnosticSeverity.Warning : vscode.DiagnosticSeverity.Error;
  const made = new vscode.Diagnostic(lineOf(problem), problemWords(problem), severity);
  made.source = 'Gas Town';
  return made;
}

/** The whole line: problems count lines from 1 and know no columns. */
function lineOf({ line = 1 }: Problem): vscode.Range {
  return new vscode.Range(line - 1, 0, line - 1, Number.MAX_SAFE_INTEGER);
}

async function tell(problem: Problem, root: string): Promise<void> {
  const { file } = problem;
  if (file === undefined) {
    await vscode.window.showWarningMessage(problemWords(problem));
    return;
  }
  const open = vscode.l10n.t('Open File');
  const message = vscode.l10n.t('{0}: {1}', vscode.workspace.asRelativePath(resolve(root, file)), problem.message);
  if ((await vscode.window.showWarningMessage(message, open)) !== open) return;
  await vscode.window.showTextDocument(vscode.Uri.file(resolve(root, file)), { selection: lineOf(problem) });
}
