import type { Town } from './town.ts';

/** What kept queued units from being started has changed: they are tried. */
export function unblockQueued(town: Pick<Town, 'store' | 'work'>, note: string): void {
  for (const unit of town.store.work.unfinished()) {
    if (unit.state !== 'queued' || !unit.dispatch?.blocked) continue;
    const { blocked: _blocked, ...dispatch } = unit.dispatch;
    town.work.move(unit, 'queued', { by: 'host', note }, { notBefore: null, dispatch });
  }
}
