import type { OverlapView } from '../../shared/channel/views.ts';
import type { Translate } from '../translate.ts';

/** Pure. `issue-2 (myproject-toast) changes src/a.ts, too.`, of the one with the most files, and how many others there are. */
export function overlapText(
  { overlaps, more }: { overlaps: readonly OverlapView[]; more: number },
  t: Translate,
): string | undefined {
  const [first, ...others] = overlaps;
  if (!first) return undefined;
  const { work, session, files, moreFiles } = first;
  const who = session === undefined ? work : `${work} (${session})`;
  const named =
    moreFiles + files.length === 1
      ? files.join('')
      : t('{0} and {1} more', files[0] ?? '', moreFiles + files.length - 1);
  const rest = others.length + more;
  if (rest === 0) return t('{0} changes {1}, too.', who, named);
  return rest === 1
    ? t('{0} changes {1}, too; and so does 1 more unit.', who, named)
    : t('{0} changes {1}, too; and so do {2} more units.', who, named, rest);
}
