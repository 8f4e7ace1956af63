import type { Params, Results } from '../channel/protocol.ts';
import type { OverlapView } from '../channel/views.ts';
import { hasEnded } from '../domain/session-state.ts';
import { ownedStates } from '../domain/work-state.ts';
import { namedFiles, textsIn, wordsOf } from '../merge/named-paths.ts';
import type { ApiContext } from './context.ts';

/** So many units are named, those with the most files, and so many files of each. */
const most = { units: 5, files: 5 };

/**
 * Which open branches of the rig change files that a unit, or what is said about it, names: by what is known of them
 * anyway, so no process runs. Nothing where nothing is known.
 */
export function findOverlaps(
  town: ApiContext,
  { work: id, rig, message = '' }: Params<'work.overlap'>,
): Results['work.overlap'] {
  const { subfolder } = town.rigs.get(rig);
  const unit = id === undefined ? undefined : town.work.find(id);
  const words = wordsOf([message, unit?.title ?? '', unit?.description ?? '', ...textsIn(unit?.payload)]);
  const overlaps = [...town.forecasts.filesIn(rig)]
    .flatMap(([work, files]) => {
      const named = work === id ? [] : namedFiles(files, words, subfolder);
      const who = named.length === 0 ? undefined : whoHas(town, work);
      return who === undefined ? [] : [{ work, ...who, files: named }];
    })
    .sort((a, b) => b.files.length - a.files.length || (a.work < b.work ? -1 : 1));
  return {
    overlaps: overlaps.slice(0, most.units).map(({ files, ...overlap }) => ({
      ...overlap,
      files: files.slice(0, most.files),
      moreFiles: Math.max(files.length - most.files, 0),
    })),
    more: Math.max(overlaps.length - most.units, 0),
  };
}

/** Undefined where nobody works at it any more, and nothing of it is to be merged. */
function whoHas(town: ApiContext, id: string): Pick<OverlapView, 'session' | 'state'> | undefined {
  const unit = town.work.find(id);
  const session = unit?.owner === undefined ? undefined : town.registry.find(unit.owner);
  if (unit && session && !hasEnded(session) && ownedStates.includes(unit.state))
    return { session: session.id, state: unit.state };
  const merge = town.merges.find(id);
  if (!merge || merge.state === 'merged' || merge.state === 'discarded') return undefined;
  return { state: merge.state };
}
