/** What a forge says of a pull request, in our words. Pure. */
import type { CheckState, PullChecks, PullView } from '../domain/pull-request.ts';
import { withoutUndefined } from '../platform/objects.ts';
import type { PullCheck, PullFacts } from '../platform/github/pull-requests.ts';

const states = { OPEN: 'open', MERGED: 'merged', CLOSED: 'closed' } as const;

const reviews: Readonly<Record<string, NonNullable<PullView['review']>>> = {
  APPROVED: 'approved',
  CHANGES_REQUESTED: 'changes-requested',
  REVIEW_REQUIRED: 'required',
};

export function pullView(facts: PullFacts): PullView {
  const { number, url, headRefOid: head, isDraft, mergeable, reviewDecision, mergeCommit, statusCheckRollup } = facts;
  const state = states[facts.state];
  return {
    number,
    url,
    state,
    head,
    ...withoutUndefined({
      isDraft: isDraft ? (true as const) : undefined,
      checks: checksOf(statusCheckRollup ?? []),
      review: reviews[reviewDecision ?? ''],
      conflicts: state === 'open' && mergeable === 'CONFLICTING' ? (true as const) : undefined,
      merged: state === 'merged' ? (mergeCommit?.oid ?? head) : undefined,
    }),
  };
}

function checksOf(all: readonly PullCheck[]): PullChecks | undefined {
  const newest = new Map<string, PullCheck>();
  for (const check of all) {
    const key = `${check.workflowName ?? ''}/${nameOf(check)}`;
    const known = newest.get(key);
    // One that ran once more is there twice.
    if (known === undefined || (known.startedAt ?? '') <= (check.startedAt ?? '')) newest.set(key, check);
  }
  const checks = [...newest.values()];
  if (checks.length === 0) return undefined;
  const failed = checks.filter((check) => stateOf(check) === 'failed').map(nameOf);
  const isPending = checks.some((check) => stateOf(check) === 'pending');
  return { state: failed.length > 0 ? 'failed' : isPending ? 'pending' : 'passed', failed, count: checks.length };
}

const nameOf = ({ name, context }: PullCheck): string => name ?? context ?? '';

const passed = ['SUCCESS', 'NEUTRAL', 'SKIPPED'];
const failed = ['FAILURE', 'ERROR', 'TIMED_OUT', 'ACTION_REQUIRED', 'CANCELLED', 'STARTUP_FAILURE'];

/** As `gh pr checks` counts them; what it does not know is not over. */
function stateOf({ status, conclusion, state }: PullCheck): CheckState {
  const end = state ?? (status === 'COMPLETED' ? (conclusion ?? '') : '');
  if (passed.includes(end)) return 'passed';
  return failed.includes(end) ? 'failed' : 'pending';
}
