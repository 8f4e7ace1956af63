/**
 * What the tab of a review says. A tab tells extensions nothing but its label, so what is reviewed is read back from it: it is
 * the same in every language. Pure.
 */
import type { Commit } from '../../shared/platform/git/changes.ts';
import type { MergeView } from '../../shared/channel/views.ts';

export const wholeTitle = ({ work, round, branch }: Pick<MergeView, 'work' | 'round' | 'branch'>): string =>
  `${work} · round ${round} · ${branch}`;

export const sinceTitle = ({ work, round }: Pick<MergeView, 'work' | 'round'>): string =>
  `${work} · round ${round} · since your last review`;

export const liveTitle = (work: string, branch: string): string => `${work} · so far · ${branch}`;

export const commitTitle = (work: string, { commit, subject }: Commit): string =>
  `${work} · ${commit.slice(0, 7)} · ${subject}`;

export const compareTitle = (work: string, branch: string): string => `${work} · ${branch} ↔ working tree`;

/** The unit whose whole change, or all that is new in it, a tab shows, and in which round. */
export function reviewIn(label: string): { work: string; round: number } | undefined {
  const [, work, round] = /^(\S+) · round (\d+) · /.exec(label) ?? [];
  return work === undefined ? undefined : { work, round: Number(round) };
}
