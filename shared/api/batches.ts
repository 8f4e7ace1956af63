import type { CallerView, Params, Results } from '../channel/protocol.ts';
import type { BatchView } from '../channel/views.ts';
import type { ApiParts } from './context.ts';
import { nameOfCaller } from './caller.ts';

export function createBatch(town: ApiParts, { title, work }: Params<'batch.create'>, caller: CallerView): BatchView {
  return town.views.batch(town.batches.create(title, work, nameOfCaller(caller)));
}

export function addToBatch(town: ApiParts, { batch, work }: Params<'batch.add'>, caller: CallerView): BatchView {
  return town.views.batch(town.batches.add(town.batches.get(batch), work, nameOfCaller(caller)));
}

export function listBatches(town: ApiParts, { all = false }: Params<'batch.list'>): Results['batch.list'] {
  return { batches: all ? town.store.batches.all().map((batch) => town.views.batch(batch)) : town.views.batches() };
}

export function showBatch(town: ApiParts, { batch }: Params<'batch.show'>): Results['batch.show'] {
  const view = town.views.batch(town.batches.get(batch));
  return { ...view, work: view.units.map((id) => town.views.work(town.work.get(id))) };
}
