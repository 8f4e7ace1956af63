/** Words and looks of a pull request. Pure. */
import type { CheckState, PullProblemKind, PullRequest } from '../../shared/domain/pull-request.ts';
import type { Translate } from '../translate.ts';

/** What is to be known of it, the most important first, then `pull request #12`. Empty where there is none. */
export function pullParts(pull: PullRequest | undefined, t: Translate): string[] {
  if (pull?.number === undefined) return [];
  const { number, state, isDraft, checks, review, conflicts, problem } = pull;
  const name = t('pull request #{0}', number);
  if (state === 'merged') return [t('{0} merged', name)];
  if (state === 'closed') return [t('{0} closed', name)];
  return [
    ...(conflicts ? [t('conflicts with its target')] : []),
    ...(checks === undefined ? [] : [checksText(checks.state, t)]),
    ...(review === undefined ? [] : [reviewText(review, t)]),
    ...(isDraft ? [t('draft')] : []),
    ...(problem === undefined ? [] : [t('not seen: {0}', pullProblemText(problem.kind, t))]),
    name,
  ];
}

function checksText(state: CheckState, t: Translate): string {
  switch (state) {
    case 'passed':
      return t('checks passed');
    case 'failed':
      return t('checks failed');
    case 'pending':
      return t('checks running');
  }
}

function reviewText(review: NonNullable<PullRequest['review']>, t: Translate): string {
  switch (review) {
    case 'approved':
      return t('approved there');
    case 'changes-requested':
      return t('changes requested');
    case 'required':
      return t('review required');
  }
}

/** Why it could not be made or looked at, in a few words; what to do next stands with it. */
export function pullProblemText(kind: PullProblemKind, t: Translate): string {
  switch (kind) {
    case 'no-gh':
      return t('gh is not installed');
    case 'signed-out':
      return t('gh is not signed in');
    case 'no-remote':
      return t('there is no remote');
    case 'unknown-forge':
      return t('gh does not know the remote');
    case 'unreachable':
      return t('the remote cannot be reached');
    case 'foreign-commits':
      return t('the remote has other commits');
    case 'push-refused':
      return t('the push was refused');
    case 'refused':
      return t('it was refused');
  }
}
