/** One side of a file that is reviewed. Both sides have the same path, else the editor shows each file as renamed. Pure. */
import { reviewSides } from '../../shared/domain/merge.ts';
import type { ReviewSide } from '../../shared/domain/merge.ts';

export const reviewScheme = 'gtreview';

export interface ReviewedSide {
  work: string;
  /** A whole object name. */
  commit: string;
  side: ReviewSide;
  /** What its path has before that of the repository: it is beside a file that has, such as one of the user's checkout. */
  below?: string;
}

/** Always in this order: documents are told apart by their whole URI. */
export const toQuery = ({ work, commit, side, below }: ReviewedSide): string =>
  JSON.stringify({ work, commit, side, below });

/** Undefined for whatever is not ours. */
export function fromUri({ scheme, query }: { scheme: string; query: string }): ReviewedSide | undefined {
  if (scheme !== reviewScheme) return undefined;
  try {
    const { work, commit, side, below } = JSON.parse(query) as Record<string, unknown>;
    const known = reviewSides.find((each) => each === side);
    if (typeof work !== 'string' || typeof commit !== 'string' || known === undefined) return undefined;
    return { work, commit, side: known, ...(typeof below === 'string' ? { below } : {}) };
  } catch {
    return undefined;
  }
}

/** The path as the repository has it. */
export const pathOf = ({ path }: { path: string }, { below = '' }: Pick<ReviewedSide, 'below'>): string =>
  path.slice(below.length + 1);
