import type { Params } from '../channel/protocol.ts';
import { checkWorkerName } from '../domain/names.ts';
import { ownedStates } from '../domain/work-state.ts';
import { GasTownError } from '../platform/errors.ts';
import type { StoredWork } from '../store/work.ts';
import type { Town } from './town.ts';

/**
 * Lets the host sling a unit as soon as it may: when what it waits for is over, and in its turn by priority. Rejects with
 * `work-conflict` where a session has it, and with what is wrong about the agent or the name.
 */
export function queueUnit(town: Town, order: Params<'work.queue'>, by: string): StoredWork {
  const { work: id, agent, backend, name, message, setup } = order;
  const { name: rig } = town.rigs.get(order.rig);
  const unit = town.work.get(id);
  if (ownedStates.includes(unit.state))
    throw new GasTownError('work-conflict', `${id} is ${unit.state} already: ${unit.owner ?? 'a session'} has it.`);
  if (name !== undefined) checkWorkerName(name);
  town.agents.agentFor({ role: 'polecat', rig, name: name ?? '', agent, backend });
  const waits = town.dependencies.text({ id, rig });
  return town.work.move(
    unit,
    'queued',
    { by, note: waits === '' ? `queued by ${by}` : `waits for ${waits}` },
    {
      owner: null,
      rig,
      attempts: 0,
      notBefore: null,
      dispatch: {
        ...(agent === undefined ? {} : { agent }),
        ...(backend === undefined ? {} : { backend }),
        ...(name === undefined ? {} : { name }),
        ...(setup === false ? { bare: true as const } : {}),
        ...(message === undefined ? {} : { note: message }),
        ...(waits === '' ? {} : { waits: true as const }),
      },
    },
  );
}
