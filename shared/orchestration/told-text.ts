import { pullText } from '../domain/pull-request.ts';
import { cutText } from '../platform/cut-text.ts';
import { resultText } from '../platform/git/result.ts';
import type { StoredMerge } from '../store/merges.ts';
import type { StoredWork } from '../store/work.ts';

/** What a slinger is told of a unit: where it, or its merge, has come. */
export type Told =
  | 'done'
  | 'failed'
  | 'stalled'
  | 'escalated'
  | 'cancelled'
  | 'sent-back'
  | 'merged'
  | 'conflict'
  | 'gate-failed'
  | 'checks-failed'
  | 'pull-closed'
  | 'discarded';

/** A report is quoted so far, in characters; `gt work show` has all of it. */
const quotedLength = 4_000;

/** Pure. Our own line with the facts and what can be done next, and below it what is quoted of others. */
export function toldText(
  told: Told,
  unit: StoredWork,
  merge: StoredMerge | undefined,
  { by, note }: { by: string; note?: string | undefined },
): string {
  const said = told === 'merged' ? undefined : (note ?? unit.note);
  const facts = [
    `${unit.id} (${cutText(unit.title, 100)}) ${happened(told, merge, by, unit)}`,
    placeText(told, unit, merge),
    ...nextSteps(told, unit.id, merge),
    ...(said === undefined ? [] : [told === 'done' ? 'Its report:' : 'What was said about it:']),
  ];
  // The first line is ours; what follows it is quoted to the model.
  return [
    facts.filter((fact) => fact !== '').join(' '),
    ...(said === undefined ? [] : [cutText(said, quotedLength)]),
  ].join('\n');
}

function happened(told: Told, merge: StoredMerge | undefined, by: string, { owner }: StoredWork): string {
  switch (told) {
    case 'done':
      return merge === undefined
        ? `is done, by ${by}.`
        : `is done, by ${by}: ${merge.state === 'review' ? 'it waits for the review of the user' : `it is ${merge.state}`}.`;
    case 'failed':
      return `has failed, by ${by}.`;
    case 'stalled':
      return `has stalled: ${owner ?? 'its session'} stopped working on it without a report.`;
    case 'escalated':
      return `is escalated, by ${by}: somebody has to decide before it goes on.`;
    case 'cancelled':
      return `was cancelled, by ${by}.`;
    case 'sent-back':
      return `was sent back, by ${by}, and is worked at again.`;
    case 'merged':
      return `is merged into ${merge?.target ?? 'its target'}.`;
    case 'conflict':
      return `cannot be merged: it conflicts with ${conflictsText(merge)}.`;
    case 'gate-failed':
      return `cannot be merged: ${failedGates(merge)} failed.`;
    case 'checks-failed':
      return `is not merged yet: ${pullText(merge?.detail.pull ?? {})}. It stays open.`;
    case 'pull-closed':
      return `was not merged: ${pullText(merge?.detail.pull ?? {})}. It waits for the review of the user.`;
    case 'discarded':
      return `was discarded, by ${by}: it will not be merged.`;
  }
}

/** Its branch, with how much there is. */
function placeText(told: Told, { result, branch }: StoredWork, merge: StoredMerge | undefined): string {
  if (told === 'merged' || told === 'cancelled') return '';
  const size = merge?.detail.size;
  const place =
    result === undefined ? (branch ?? '') : result.commits === 0 ? 'no commit of its own' : resultText(result);
  if (place === '') return '';
  const changed = size === undefined ? '' : `; ${counted(size.files, 'file')}, +${size.additions} −${size.deletions}`;
  return `Branch: ${place}${changed}.`;
}

function nextSteps(told: Told, id: string, merge: StoredMerge | undefined): string[] {
  const look = `The whole of it: gt work show ${id}.`;
  switch (told) {
    case 'done':
      return merge === undefined ? [look] : [`To look at what it changes: gt review ${id}.`, look];
    case 'failed':
    case 'stalled':
    case 'escalated':
      return [`To have it tried again: gt work requeue ${id}.`, look];
    case 'conflict':
    case 'gate-failed':
    case 'pull-closed':
    case 'sent-back':
      return [`To look at what it changes: gt review ${id}.`, look];
    case 'checks-failed':
      return [`To have its author mend it: gt send-back ${id} -m "<what fails>".`, look];
    case 'merged':
      return [];
    case 'cancelled':
    case 'discarded':
      return [look];
  }
}

export function conflictsText(merge: StoredMerge | undefined): string {
  const conflicts = merge?.detail.conflicts ?? [];
  if (conflicts.length === 0) return merge?.target ?? 'its target';
  return conflicts
    .map(({ work, files }) => `${work ?? merge?.target ?? 'its target'} in ${files.slice(0, 5).join(', ')}`)
    .join('; ');
}

export function failedGates(merge: StoredMerge | undefined): string {
  const failed = (merge?.detail.gates ?? []).filter(({ state }) => state !== 'passed').map(({ name }) => name);
  return failed.length === 0 ? 'a gate' : failed.join(', ');
}

const counted = (count: number, word: string): string => (count === 1 ? `1 ${word}` : `${count} ${word}s`);
