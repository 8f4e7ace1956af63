import { GasTownError } from '../platform/errors.ts';
import { problemInBranch } from '../platform/git/branch-name.ts';
import { isDeviceName } from '../domain/names.ts';

const longest = 100;

/**
 * Throws `bad-input` unless a unit may have this id. It becomes the last part of a branch, and so of a file's name in
 * `.git/refs`: what git or a file system refuses is refused here, where the id is made.
 */
export function checkWorkId(id: string): void {
  const problem = problemIn(id);
  if (problem !== undefined)
    throw new GasTownError('bad-input', `${JSON.stringify(id.slice(0, 2 * longest))} cannot be a work id: ${problem}.`);
}

function problemIn(id: string): string | undefined {
  if (id.length > longest || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(id)) {
    return `use letters, digits, ".", "_" and "-", beginning with a letter or digit, at most ${longest}`;
  }
  const problem = problemInBranch(id);
  if (problem !== undefined) return `its branch would end with it, and ${problem}`;
  return isDeviceName(id) ? 'Windows has no files of that name, and the branch is one' : undefined;
}
