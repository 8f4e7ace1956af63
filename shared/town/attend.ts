import { Overdue } from '../attention/overdue.ts';
import { followAllowList } from '../attention/policy.ts';
import { defaultEscalateAfter } from '../config/attention-settings.ts';
import type { TownParts } from './parts.ts';

/** What is done about waits for the person, as the town's settings say: some are answered, and old ones are escalated. */
export function attend(town: TownParts): Overdue {
  const { asks, escalations, store, log, manager, settings } = town;
  followAllowList({
    asks,
    log,
    platform: process.platform,
    patterns: (role) => settings.value.attention?.allow?.[role] ?? [],
  });
  const minutes = (): number => settings.value.attention?.escalate_after_minutes ?? defaultEscalateAfter;
  const overdue = new Overdue({ asks, escalations, store, minutes, now: () => manager.now() });
  settings.onDidChange(() => overdue.review());
  return overdue;
}
