import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DisposableStore } from '../platform/disposable-store.ts';
import type { Disposable } from '../platform/emitter.ts';
import { unlessMissing } from '../platform/files.ts';
import { gitPath } from '../platform/git/git-path.ts';
import { changedInCheckout } from '../platform/git/land.ts';
import { listWorktrees } from '../platform/git/worktree.ts';
import { Timer } from '../platform/timer.ts';
import { watchFile } from '../platform/watch-file.ts';

/** Several files change with one act of the user's; what is done with them comes after the last. In ms. */
const quietMs = 500;
/** So many changed files of a checkout are watched themselves: an editor that undoes a change tells git nothing. */
const mostFiles = 50;

/**
 * Calls when what keeps a branch from being moved may be gone: it is at another commit, or the checkout that has it was
 * changed. Also where that was so
 * after `since`, when it could not be (epoch milliseconds). `words` are git's, which name a file that is in the way. No process runs meanwhile.
 */
export async function watchTarget(
  repository: string,
  target: string,
  { words, since }: { words: string; since: number },
  onChange: () => void,
): Promise<Disposable> {
  const disposables = new DisposableStore();
  const timer = disposables.add(new Timer(onChange));
  const watch = (file: string, changed: () => void): void => {
    const stop = watchFile(file, changed);
    disposables.add({ dispose: stop });
  };
  const soon = (): void => timer.set(quietMs);
  watch(join(await gitPath(repository, ['--git-common-dir']), 'refs', 'heads', ...target.split('/')), soon);
  const checkout = (await listWorktrees(repository)).find(({ branch }) => branch === target);
  if (!checkout) return disposables;
  const admin = await gitPath(checkout.path, ['--git-dir']);
  const index = join(admin, 'index');
  const before = await stamp(index);
  const changedAt = (await unlessMissing(stat(index)))?.mtimeMs ?? 0;
  if (changedAt > since) soon();
  // Git's look at the checkout may write it anew as it was.
  watch(index, () => void stamp(index).then((now) => (now === before ? undefined : soon())));
  for (const name of ['HEAD', 'MERGE_HEAD']) watch(join(admin, name), soon);
  for (const name of await changedInCheckout(checkout.path, mostFiles)) watch(join(checkout.path, name), soon);
  const inWay = /Untracked working tree file '(.+)' would be overwritten/.exec(words)?.[1];
  if (inWay !== undefined) watch(join(checkout.path, inWay), soon);
  return disposables;
}

async function stamp(file: string): Promise<string> {
  const facts = await unlessMissing(stat(file));
  return facts === undefined ? '' : `${facts.ino} ${facts.mtimeMs} ${facts.size}`;
}
