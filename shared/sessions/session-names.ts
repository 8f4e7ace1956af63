import { sessionIdOf } from '../domain/names.ts';
import type { Identity } from '../domain/names.ts';
import type { SessionId, SessionInfo } from '../domain/orchestrator.ts';
import { GasTownError } from '../platform/errors.ts';
import type { Disposable } from '../platform/emitter.ts';

/** A name that a start has taken, and that nobody else gets until it is disposed; what starts is handed it as the proof. */
export interface ReservedName extends Identity, Disposable {
  readonly id: SessionId;
}

/** The names that starts under way have taken, before there are sessions of them. */
export class SessionNames {
  private readonly reserved = new Map<string, ReservedName>();
  private readonly present: (id: SessionId) => Pick<SessionInfo, 'id' | 'state'> | undefined;

  /** `present`: the session of that name, in whatever case, that lives or is about to. */
  constructor(present: SessionNames['present']) {
    this.present = present;
  }

  /** Throws `name-taken` while a session of this name lives, or another start has it. */
  reserve({ role, rig, name }: Identity): ReservedName {
    const id = sessionIdOf(role, rig, name);
    const living = this.present(id);
    if (living) {
      throw new GasTownError(
        'name-taken',
        `There is a session named ${living.id} already (${living.state}). Attach to it, stop it first, or choose another name.`,
      );
    }
    // Names that differ in case only are one folder on some systems.
    const key = id.toLowerCase();
    const taken = this.reserved.get(key);
    if (taken) throw new GasTownError('name-taken', `${taken.id} is being started already. Choose another name.`);
    const reservation: ReservedName = {
      ...{ id, role, rig, name },
      dispose: () => {
        if (this.reserved.get(key) === reservation) this.reserved.delete(key);
      },
    };
    this.reserved.set(key, reservation);
    return reservation;
  }

  /** Those that starts under way have. */
  list(): ReservedName[] {
    return [...this.reserved.values()];
  }

  has(id: SessionId): boolean {
    return this.reserved.has(id.toLowerCase());
  }
}
