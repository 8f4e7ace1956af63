/** What is in a worktree that exists nowhere else, as kinds; and what follows from it. Pure. */

/** Paths are from the worktree's top. */
export type Finding =
  /** Changed, added or deleted and not committed, or not known to git at all. */
  | { kind: 'uncommitted'; files: string[] }
  /** Ignored by git, not known to be made again, and not the same in the main checkout. */
  | { kind: 'ignored'; files: string[] }
  /** Changed, and hidden by `assume-unchanged` or `skip-worktree`. */
  | { kind: 'flagged'; files: string[] }
  /** Repositories with something of their own, and worktrees of other repositories. */
  | { kind: 'nested'; folders: string[] }
  | { kind: 'submodule'; folders: string[] }
  /** Of its HEAD, or of the branch that would go with it. */
  | { kind: 'unmerged'; commits: number }
  /** Reached only by its logs: amended, reset, made on no branch. */
  | { kind: 'loose'; commits: number }
  /** A merge, rebase and the like that has not ended. */
  | { kind: 'operation'; name: string }
  | { kind: 'locked'; reason: string }
  /** Could not look is not clean. */
  | { kind: 'unknown'; reason: string };

/** `over`: nobody needs it any more. `asked`: the user wants it gone, with what is in it kept for them. */
export type Occasion = 'over' | 'asked';

/** What is written into a rescue commit, so that it does not keep the worktree. */
const rescued: Record<Occasion, readonly Finding['kind'][]> = {
  over: ['loose'],
  asked: ['loose', 'unmerged', 'uncommitted', 'ignored', 'flagged'],
};

/** Why the worktree stays; nothing where it may go. */
export const reasonsToStay = (findings: readonly Finding[], occasion: Occasion): Finding[] =>
  findings.filter(({ kind }) => !rescued[occasion].includes(kind));

/** Where git, or somebody by its means, stands against it: the user has to deal with that. */
export const isRefusal = ({ kind }: Finding): boolean => kind === 'locked' || kind === 'unknown';

const shown = 3;

const list = (items: readonly string[]): string =>
  `${items.slice(0, shown).join(', ')}${items.length > shown ? ', …' : ''}`;

const commitsText = (count: number): string =>
  count === 1 ? '1 commit that is nowhere else' : `${count} commits that are nowhere else`;

function textOf(finding: Finding): string {
  switch (finding.kind) {
    case 'uncommitted':
      return `uncommitted: ${list(finding.files)}`;
    case 'ignored':
      return `ignored by git and nowhere else: ${list(finding.files)}`;
    case 'flagged':
      return `changed, but hidden from git by a flag: ${list(finding.files)}`;
    case 'nested':
      return `repositories of their own with work that is nowhere else: ${list(finding.folders)}`;
    case 'submodule':
      return `work in submodules that is nowhere else: ${list(finding.folders)}`;
    case 'unmerged':
    case 'loose':
      return commitsText(finding.commits);
    case 'operation':
      return `${finding.name} has not ended in it`;
    case 'locked':
      return finding.reason === '' ? 'git has it locked' : `git has it locked: ${finding.reason}`;
    case 'unknown':
      return finding.reason;
  }
}

/** For people, in one line: what is in it. */
export const findingsText = (findings: readonly Finding[]): string => findings.map(textOf).join('; ');
