import type { Logger } from '../../platform/logger.ts';
import { Repetition } from '../repetition.ts';
import type { Brake } from './brake.ts';
import { signOf } from './hook-facts.ts';
import type { HookPayload } from './hook-payloads.ts';
import type { Turn } from './turn.ts';

export interface CirclesParts {
  /** Names the session in the log. */
  sessionId: string;
  turn: Pick<Turn, 'breakOff' | 'broken' | 'isOver'>;
  brake: Pick<Brake, 'set' | 'release'>;
  /** See `BackendMeans`. */
  maxRepeats: () => number;
  log: Logger;
}

/**
 * Breaks a turn off that goes in circles, as nobody else would notice: it is busy, and says a lot. The session and each of
 * its sub-agents count for themselves; whoever it is, the session's turn is over.
 */
export class Circles {
  private readonly parts: CirclesParts;
  /** By sub-agent; '' is the session itself. */
  private readonly repetitions = new Map<string, Repetition>();

  constructor(parts: CirclesParts) {
    this.parts = parts;
  }

  take(hook: HookPayload): void {
    const { turn, brake, maxRepeats, log, sessionId } = this.parts;
    const { agent_id: agent = '', prompt_id: promptId } = hook;
    if (hook.hook_event_name === 'SubagentStop') this.repetitions.delete(agent);
    const sign = signOf(hook);
    // Told beside the turn, it may be heard after its end. A sub-agent may outlive the prompt that began it.
    if (!sign || (agent === '' && turn.isOver(promptId))) return;
    // It was another one's call that was not made.
    if (turn.broken) return brake.set(turn.broken.reason);
    const known = this.repetitions.get(agent) ?? new Repetition();
    this.repetitions.set(agent, known);
    const reason = known.take(sign, maxRepeats());
    if (reason === undefined) return;
    turn.breakOff({ kind: 'circles', reason });
    brake.set(reason);
    log.warn(`claude: ${sessionId}: the turn is broken off: ${reason}`);
  }

  /** The turn is over: the next one begins to count anew, and may call tools. */
  turnOver(): void {
    this.repetitions.clear();
    this.parts.brake.release();
  }
}
