import type { CommandName } from '../commands/command-ids.ts';
import type { Role } from '../../shared/domain/orchestrator.ts';
import type { StateIcon } from './session-icon.ts';

/** What a row stands for, so that a command called from it need not ask. */
export type RowTarget =
  | { kind: 'town' }
  | { kind: 'rig'; rig: string }
  | { kind: 'role'; rig: string; role: Role }
  | { kind: 'session'; session: string }
  /** Something that the session waits for; without an ask where only its terminal tells what. */
  | { kind: 'ask'; session: string; run: string; ask?: string }
  | { kind: 'child'; session: string; child: string }
  | { kind: 'work'; work: string }
  | { kind: 'escalation'; escalation: string; session?: string }
  | { kind: 'message'; message: string }
  | { kind: 'group' };

/** A row before it meets the editor. Plain data: two builds of the same snapshot are deeply equal. */
export interface TreeNode {
  /** Stable for as long as the thing it shows exists; unique in its view. */
  id: string;
  label: string;
  description: string;
  icon: StateIcon;
  /** The whole row as one sentence. */
  aria: string;
  /** For menus; grammar in `package.json`'s `when` clauses: `session.<backend>.<class>…`, `ask.<kind>.<where>`, … */
  contextValue: string;
  /** Whether the row opens by itself when it is new. */
  expanded: boolean;
  target: RowTarget;
  /** What a click on the row does besides selecting it: one of our commands, called with the row's id. */
  opens?: CommandName;
  children: TreeNode[];
}
