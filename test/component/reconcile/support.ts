import { expect, vi } from 'vitest';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';

/** The polecat that `sling` makes. */
export const toast = 'alpha-toast';

export const sling = (town: FakeTown, work = 'issue-1', name = 'toast') =>
  town.request('sling', { work, rig: 'alpha', name, message: `Do ${work}` });

export const unit = (town: FakeTown, id = 'issue-1') => town.work.get(id);

export const history = (town: FakeTown, id = 'issue-1') => town.store.work.history(id).map(({ state }) => state);

/** The open escalations. */
export const open = (town: FakeTown): string[] =>
  town.escalations.list().map(({ severity, message }) => `${severity}: ${message}`);

export const lastStart = (town: FakeTown): RunSpec => town.driver.started.at(-1)!;

/** The model of the session's run takes its first prompt. */
export function takesWork(town: FakeTown, id: string): void {
  const { runId } = town.registry.get(id);
  town.manager.delivered(runId, town.driver.started.find((spec) => spec.runId === runId)!.firstPrompt!.id);
}

export const until = (check: () => unknown): Promise<unknown> =>
  vi.waitFor(() => expect(check()).toBeTruthy(), { timeout: patience(), interval: 5 });

/** A polecat that has begun with its unit; its run. */
export async function atWork(town: FakeTown): Promise<string> {
  await sling(town);
  takesWork(town, toast);
  return town.registry.get(toast).runId;
}
