import * as vscode from 'vscode';
import type { Role } from '../../shared/domain/orchestrator.ts';

const icons: Record<Role, string> = {
  mayor: 'organization',
  deacon: 'pulse',
  witness: 'eye',
  refinery: 'git-merge',
  crew: 'person',
  polecat: 'rocket',
};

/** The icon of a session's terminal; names of other roles get the general one. */
export function roleIcon(role: string): vscode.ThemeIcon {
  return new vscode.ThemeIcon(Object.hasOwn(icons, role) ? icons[role as Role] : 'robot');
}
