import { GasTownError } from './errors.ts';

/** What a user can name wrongly. */
export type NamedKind = 'rig' | 'agent' | 'role' | 'session' | 'work' | 'batch' | 'backend' | 'escalation';

const words: Record<NamedKind, { one: string; many: string }> = {
  rig: { one: 'rig', many: 'rigs' },
  agent: { one: 'agent', many: 'agents' },
  role: { one: 'role', many: 'roles' },
  session: { one: 'session', many: 'sessions' },
  work: { one: 'work unit', many: 'work units' },
  batch: { one: 'batch', many: 'batches' },
  backend: { one: 'backend', many: 'backends' },
  escalation: { one: 'open escalation', many: 'open escalations' },
};

/** Beyond this many names a message lists the first ones only. */
const listedAtMost = 20;

/** What is longer is no name that was mistyped; to compare it would take long. */
const longestName = 100;

/** Up to three known names that `given` may have been meant for, the nearest first. */
export function nearest(given: string, known: Iterable<string>): string[] {
  if (given.length > longestName) return [];
  const wanted = given.toLowerCase();
  const allowed = Math.max(1, Math.floor(wanted.length / 3));
  return [...new Set(known)]
    .filter((name) => name.length <= longestName)
    .map((name) => ({ name, distance: distanceTo(wanted, name.toLowerCase()) }))
    .filter(({ distance }) => distance <= allowed)
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map(({ name }) => name);
}

/** `Did you mean "a" or "b"?` with a leading space, or nothing. */
export function didYouMean(given: string, known: Iterable<string>): string {
  const names = nearest(given, known).map((name) => `"${name}"`);
  return names.length === 0 ? '' : ` Did you mean ${names.join(' or ')}?`;
}

/**
 * The error for a name that nobody has: the nearest names and all names. `where` tells where the name was read,
 * e.g. `role_agents.polecat of the town settings`.
 */
export function unknownName(kind: NamedKind, given: string, known: Iterable<string>, where?: string): GasTownError {
  const names = [...new Set(known)];
  const { one, many } = words[kind];
  const listed = names.slice(0, listedAtMost).join(', ');
  const more = names.length > listedAtMost ? ` and ${names.length - listedAtMost} more` : '';
  const all = names.length === 0 ? `There are no ${many} yet.` : `Known ${many}: ${listed}${more}.`;
  const source = where === undefined ? '' : ` (from ${where})`;
  return new GasTownError(
    `unknown-${kind}`,
    `There is no ${one} "${given.slice(0, longestName)}"${source}.${didYouMean(given, names)} ${all}`,
  );
}

/** Optimal string alignment: the number of letters to insert, delete, replace or swap with their neighbour. */
function distanceTo(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) best = Math.min(best, beforeLast[j - 2]! + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
