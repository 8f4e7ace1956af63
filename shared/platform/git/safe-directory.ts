import { sep } from 'node:path';
import { runGit } from './git.ts';

/**
 * Whether the user has told git that a folder of another user's may be obeyed: `safe.directory` in their own or the
 * system's configuration, as editors write it in containers. What a repository says of itself does not count.
 */
export async function isSafeDirectory(folder: string): Promise<boolean> {
  const lists = await Promise.all(
    ['--global', '--system'].map((scope) => runGit(sep, ['config', scope, '--get-all', 'safe.directory'])),
  );
  return isListed(
    folder,
    lists.map(({ stdout }) => stdout.split('\n')),
  );
}

/** Pure. Within a list an empty value takes back those before it. */
export function isListed(folder: string, lists: readonly (readonly string[])[]): boolean {
  return lists.some((lines) => {
    const values = lines.at(-1) === '' ? lines.slice(0, -1) : lines;
    return values
      .slice(values.lastIndexOf('') + 1)
      .some(
        (value) => value === '*' || value === folder || (value.endsWith('/*') && folder.startsWith(value.slice(0, -1))),
      );
  });
}
