import { join } from 'node:path';
import { DisposableStore } from '../disposable-store.ts';
import type { Disposable } from '../emitter.ts';
import { Timer } from '../timer.ts';
import { watchFile } from '../watch-file.ts';
import { gitPath } from './git-path.ts';

/** One fetch moves many of them. In ms. */
const quietMs = 500;

/** Calls when one of these refs (`refs/remotes/origin/main`) has moved, come or gone, once for those that do so together. No process runs meanwhile. */
export async function watchRefs(
  repository: string,
  refs: readonly string[],
  onChange: () => void,
): Promise<Disposable> {
  const common = await gitPath(repository, ['--git-common-dir']);
  const disposables = new DisposableStore();
  const timer = disposables.add(new Timer(onChange));
  for (const ref of refs) {
    const stop = watchFile(join(common, ...ref.split('/')), () => timer.set(quietMs));
    disposables.add({ dispose: stop });
  }
  return disposables;
}
