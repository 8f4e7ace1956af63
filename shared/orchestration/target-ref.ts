import type { MergeQueuePolicy } from '../config/merge-queue-settings.ts';
import { commitAt, placesOf, trackingRefOf } from '../platform/git/remote-branch.ts';

/** Where a target is looked at: here, or where pull requests are made, at its remote, as far as that is known here. A whole ref. */
export async function targetRefOf(
  repository: string,
  target: string,
  strategy: MergeQueuePolicy['strategy'],
  signal?: AbortSignal,
): Promise<string> {
  const local = `refs/heads/${target}`;
  if (strategy === 'direct') return local;
  const { remote } = await placesOf(repository, target, signal);
  const ref = remote && trackingRefOf(remote);
  return ref !== undefined && (await commitAt(repository, ref, signal)) !== undefined ? ref : local;
}
