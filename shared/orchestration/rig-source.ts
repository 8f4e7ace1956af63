import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** Where a rig is to come from: a folder, or what git can clone. */
export type RigSource = { readonly url: string } | { readonly folder: string };

/**
 * Pure. What people paste for a repository, as they mean it: with blanks or quotes around it, from the home folder (`~`), its
 * `.git` folder, or relative to the town. `file://…` is a URL, as for git.
 */
export function rigSource(pasted: string, townRoot: string, home = homedir()): RigSource {
  const place = unquoted(pasted.trim()).trim();
  if (isUrl(place)) return { url: place };
  const atHome = /^~(?=$|[/\\])/.exec(place) ? join(home, place.slice(1)) : place;
  const folder = isAbsolute(atHome) ? atHome : resolve(townRoot, atHome);
  return { folder: folder.replace(/[/\\]\.git[/\\]*$/, '') };
}

/** Pure. The name of a rig that is given none. */
export const nameOfSource = (pasted: string): string =>
  unquoted(pasted.trim())
    .trim()
    .replace(/[/\\]\.git[/\\]*$/, '')
    .replace(/[/\\]+$/, '')
    .replace(/^.*[/\\:]/, '')
    .replace(/\.git$/, '');

const unquoted = (text: string): string => /^(["'])(.*)\1$/.exec(text)?.[2] ?? text;

const isUrl = (source: string): boolean =>
  /^[a-z][a-z0-9+.-]*:\/\//i.test(source) || /^[^/\\\s]+@[^/\\\s]+:/.test(source);
