import type { SoakReport } from './figures.ts';

/** A unit of work, as the store has it in the end. */
export interface Unit {
  id: string;
  state: string;
  owner?: string;
  note?: string;
}

export interface WorkBooks {
  units: readonly Unit[];
  /** Units that the host has confirmed to whoever added or slung them. */
  confirmed: ReadonlySet<string>;
  /** What `gt done` told an agent: unit → state. */
  reported: ReadonlyMap<string, string>;
  /** Sessions that can work. */
  live: ReadonlySet<string>;
  /** Moments in which a unit had two owners; see ownership.ts. */
  twice: readonly string[];
}

export interface WorkVerdict {
  figures: SoakReport['work'];
  problems: string[];
}

const owned = ['assigned', 'running', 'stalled'];

/** Pure. Judges the units when everything has come to rest. */
export function judgeWork({ units, confirmed, reported, live, twice }: WorkBooks): WorkVerdict {
  const lost: string[] = [];
  const ownerless: string[] = [];
  const known = new Map(units.map((unit) => [unit.id, unit]));
  for (const id of confirmed) if (!known.has(id)) lost.push(`unit ${id} was taken on, but the store does not know it`);
  for (const [id, state] of reported) {
    const unit = known.get(id);
    // What was reported as failed or escalated may be given to somebody again.
    if (state === 'done' && unit?.state !== 'done')
      lost.push(`unit ${id} was reported as done, but is ${unit?.state ?? 'unknown'}`);
  }
  for (const { id, state, owner, note } of units) {
    if (!owned.includes(state)) continue;
    const why = note === undefined ? '' : ` (${note})`;
    if (owner === undefined) ownerless.push(`unit ${id} is ${state}, and nobody has it${why}`);
    else if (!live.has(owner)) ownerless.push(`unit ${id} is ${state}, and ${owner}, which has it, does not run${why}`);
    else if (state !== 'stalled') lost.push(`unit ${id} is ${state}, but ${owner}, which has it, is at rest${why}`);
  }
  return {
    figures: { units: units.length, lost: lost.length, ownerless: ownerless.length, doubleOwned: twice.length },
    problems: [
      ...lost.map((line) => `lost: ${line}`),
      ...ownerless.map((line) => `ownerless: ${line}`),
      ...twice.map((line) => `two owners: ${line}`),
    ],
  };
}
