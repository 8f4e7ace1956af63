import { isDeepStrictEqual } from 'node:util';
import type { MergeConflict } from '../domain/merge.ts';

/** What is known of the open branches of a rig, by unit. */
export interface RigForecast {
  conflicts: ReadonlyMap<string, readonly MergeConflict[]>;
  /** What each changes, as git names files: from the top of the repository. */
  files: ReadonlyMap<string, readonly string[]>;
}

const nothing: RigForecast['files'] = new Map();

/** What is forecast by now, for those who show it. */
export class ForecastBoard {
  private readonly byRig = new Map<string, RigForecast>();
  private changed = new Set<string>();

  /** Undefined where it is not known (yet); nothing would conflict where it is empty. */
  of(rig: string, workId: string): readonly MergeConflict[] | undefined {
    return this.byRig.get(rig)?.conflicts.get(workId);
  }

  /** The files that each open branch changes, by unit; of those that git was asked about. */
  filesIn(rig: string): RigForecast['files'] {
    return this.byRig.get(rig)?.files ?? nothing;
  }

  set(rig: string, forecast: RigForecast): void {
    const before = this.byRig.get(rig)?.conflicts ?? new Map<string, readonly MergeConflict[]>();
    const { conflicts } = forecast;
    for (const id of new Set([...before.keys(), ...conflicts.keys()]))
      if (!isDeepStrictEqual(before.get(id), conflicts.get(id))) this.changed.add(id);
    this.byRig.set(rig, forecast);
  }

  /** The units whose forecast is another one than at the last call. */
  takeChanged(): ReadonlySet<string> {
    const taken = this.changed;
    this.changed = new Set();
    return taken;
  }
}
