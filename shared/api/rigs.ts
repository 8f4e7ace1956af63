import type { CallerView, Params, Results } from '../channel/protocol.ts';
import type { ApiContext } from './context.ts';
import { nameOfCaller } from './caller.ts';
import { unblockQueued } from '../orchestration/unblock.ts';

/** The user has looked at what the rig brings, and agrees: what waits for that goes on. */
export async function trustRig(
  town: ApiContext,
  { rig, hash }: Params<'rig.trust'>,
  caller: CallerView,
): Promise<Results['rig.trust']> {
  const review = await town.consents.agree(rig, hash);
  town.log.info(`[orchestration] ${nameOfCaller(caller)} has agreed to what the rig ${rig} brings (${hash})`);
  unblockQueued(town, `what ${rig} brings is agreed to`);
  town.changed();
  return review;
}

/** The user has changed their mind: nothing that the rig brings is started any more, restarts included. */
export async function untrustRig(
  town: ApiContext,
  { rig }: Params<'rig.untrust'>,
  caller: CallerView,
): Promise<Results['rig.untrust']> {
  const review = await town.consents.withdraw(rig);
  town.log.info(`[orchestration] ${nameOfCaller(caller)} has withdrawn the agreement to what the rig ${rig} brings`);
  town.changed();
  return review;
}
