import type { ResolvedAgent } from '../domain/agent.ts';
import { GasTownError } from '../platform/errors.ts';
import type { OpenBreaker } from '../domain/circuit-breaker.ts';

/** Why an agent of the chain cannot be taken. */
export interface PassedOver {
  agent: string;
  reason: string;
}

export interface AgentChoice {
  agent: ResolvedAgent;
  /** Set where it is not the one that the settings name first: who was passed over, and why. */
  instead?: PassedOver[];
}

/**
 * Which of the agents that may do it does it: the first that nothing speaks against. Pure. `against` answers for each
 * why not; `explicit` means that the caller named the first one, which is then never replaced. Throws
 * `backend-unavailable` with the reasons, the alternatives and what to do.
 */
export function chooseAgent(
  candidates: readonly [ResolvedAgent, ...ResolvedAgent[]],
  options: {
    explicit: boolean;
    against: (agent: ResolvedAgent) => string | undefined;
    /** Whether the first one may be tried all the same, where no other one may take its place. */
    anyway?: (agent: ResolvedAgent) => boolean;
  },
): AgentChoice {
  const [first, ...others] = uniqueByName(candidates);
  const judged = [first, ...others].map((agent) => ({ agent, reason: options.against(agent) }));
  const passedOver = judged.flatMap(({ agent, reason }) =>
    reason === undefined ? [] : [{ agent: agent.name, reason }],
  );
  const free = judged.filter(({ reason }) => reason === undefined).map(({ agent }) => agent);
  const [chosen] = free;
  if (chosen === first) return { agent: first };
  if (chosen && !options.explicit) {
    const before = judged.slice(
      0,
      judged.findIndex(({ agent }) => agent === chosen),
    );
    return {
      agent: chosen,
      instead: passedOver.filter(({ agent }) => before.some((each) => each.agent.name === agent)),
    };
  }
  if (options.anyway?.(first)) return { agent: first };
  const why = passedOver
    .filter(({ agent }) => !options.explicit || agent === first.name)
    .map(wordsOf)
    .join(' ');
  const instead = free.map(({ name }) => `--agent ${name}`).join(', ');
  const next = instead === '' ? '' : ` What works: ${instead}.`;
  throw new GasTownError(
    'backend-unavailable',
    `${why}${next} "Gas Town: Check Health" (gt health) tries at once whether it works again.`,
  );
}

function uniqueByName(agents: readonly [ResolvedAgent, ...ResolvedAgent[]]): [ResolvedAgent, ...ResolvedAgent[]] {
  const [first, ...others] = agents;
  const names = new Set([first.name]);
  return [first, ...others.filter(({ name }) => !names.has(name) && names.add(name))];
}

const wordsOf = ({ agent, reason }: PassedOver): string => `Nothing is started with ${agent} now: ${sentence(reason)}`;

const sentence = (text: string): string => (/[.!?]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`);

/** Pure. What is open, in words. */
export function againstText({ state, until, reason }: OpenBreaker): string {
  if (until !== undefined) return `${reason} (not before ${new Date(until).toISOString()})`;
  return state === 'half-open' ? `${reason} (one try is under way)` : reason;
}

/** For histories: `on one instead of another (429, …)`. */
export function insteadText({ agent, instead }: AgentChoice): string | undefined {
  if (!instead || instead.length === 0) return undefined;
  return `on ${agent.name} instead of ${instead.map(({ agent: name, reason }) => `${name} (${reason})`).join(' and ')}`;
}
