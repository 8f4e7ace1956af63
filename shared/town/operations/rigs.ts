import type { CallerView, Params, Results } from '../../channel/protocol.ts';
import type { TownParts } from '../parts.ts';
import { nameOfCaller } from '../parts.ts';
import { unblockQueued } from '../unblock.ts';

/** The user has looked at what the rig brings, and agrees: what waits for that goes on. */
export async function trustRig(
  town: TownParts,
  { rig, hash }: Params<'rig.trust'>,
  caller: CallerView,
): Promise<Results['rig.trust']> {
  const review = await town.consents.agree(rig, hash);
  town.log.info(`[orchestration] ${nameOfCaller(caller)} has agreed to what the rig ${rig} brings (${hash})`);
  unblockQueued(town, `what ${rig} brings is agreed to`);
  town.changed();
  return review;
}
