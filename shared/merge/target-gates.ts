import type { Gate } from '../config/merge-queue-settings.ts';
import type { GateResult } from '../domain/merge.ts';
import type { QueueActs } from './queue-acts.ts';

/** So many results are kept; they are about commits, so they hold for as long as the commands are the same. */
const mostKnown = 200;

/**
 * What gates say of a target as it is, without any branch: what fails there, too, is nobody's fault who comes with a branch.
 * Each is run once for a commit and a command.
 */
export class TargetGates {
  private readonly acts: Pick<QueueActs, 'gates' | 'gatesKey'>;
  /** With its failure; undefined where it passed. */
  private readonly known = new Map<string, GateResult | undefined>();

  constructor(acts: Pick<QueueActs, 'gates' | 'gatesKey'>) {
    this.acts = acts;
  }

  /** Those of `failed` that the target does not pass either, as it failed there; undefined where the host ends before that is known. */
  async redOf(
    commit: string,
    phase: Gate['phase'],
    failed: readonly GateResult[],
  ): Promise<readonly GateResult[] | undefined> {
    const keys = failed.map(({ name }) => `${commit} ${this.acts.gatesKey(name)}`);
    const open = failed.filter((_gate, at) => !this.known.has(keys[at]!));
    if (open.length > 0) {
      const names = open.map(({ name }) => name);
      const { state, results } = await this.acts.gates(commit, phase, names);
      if (state === 'cancelled') return undefined;
      for (const [at, { name }] of failed.entries())
        if (names.includes(name))
          this.know(
            keys[at]!,
            results.find((result) => result.name === name && result.state !== 'passed'),
          );
    }
    return keys.flatMap((key) => this.known.get(key) ?? []);
  }

  /** Something outside of the commit may be another: a service, a program. */
  forget(commit: string): void {
    for (const key of [...this.known.keys()]) if (key.startsWith(`${commit} `)) this.known.delete(key);
  }

  private know(key: string, result: GateResult | undefined): void {
    this.known.set(key, result);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= mostKnown) break;
      this.known.delete(oldest);
    }
  }
}
