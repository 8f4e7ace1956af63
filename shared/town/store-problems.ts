import type { TownParts } from './parts.ts';
import type { Problem } from './snapshot.ts';

/** What is wrong with the town's database, in words for people. */
export function storeProblems({ store }: Pick<TownParts, 'store'>): Problem[] {
  const { trouble } = store.backlog;
  if (!trouble) return [];
  const { message, waiting } = trouble;
  const kept = waiting === 0 ? '' : ` ${waiting} thing${waiting === 1 ? '' : 's'} that happened since wait to be recorded: close no window until this is gone.`;
  return [{ message: `${message}${kept}` }];
}
