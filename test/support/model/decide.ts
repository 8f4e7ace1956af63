import { type ModelRequest, type Pending, pendingTexts, resultsAfter } from './request.ts';
import type { RuleContext, Rulebook } from './rules.ts';
import { type Answer, answersOf, choose, defaultAnswer } from './script.ts';

/** What is remembered beyond the history that every request brings: it does not show failures. */
export interface Memory {
  /** Failures served per turn. */
  readonly failures: Map<string, number>;
  /** Texts whose turn ended without an answer: the program hung up, or was refused for good. */
  readonly givenUp: Set<string>;
}

/**
 * The answer to a request, whose script it is from, and the keys under which the memory keeps the turn and its last
 * text.
 */
export interface Decision {
  readonly answer: Answer;
  readonly rule?: string;
  readonly turnKey: string;
  readonly textKey: string;
}

const fixed = (text: string): Answer => ({ ...defaultAnswer, said: [{ text, chunks: 1, delay: 0 }] });

/** The title that every session gets. */
const title = 'Scripted session';

/** The summary that every compaction gets. */
const summary = '<summary>\nThe scripted model summarized the conversation so far.\n</summary>';

/**
 * Decides what to answer. The scripts of all texts that are still to be answered run one after the other, so that a
 * message that arrives in the middle of a turn does not undo the turn's work. Throws ScriptError for an unreadable
 * directive.
 */
export function decide(request: ModelRequest, rules: Rulebook, memory: Memory): Decision {
  const pending = notGivenUp(request, pendingTexts(request.items), memory);
  const textKey = keyOf(request, pending.at(-1));
  const turnKey = keyOf(request, pending[0]);
  if (request.kind === 'title') {
    const { jsonField } = request;
    return {
      answer: fixed(jsonField === undefined ? title : JSON.stringify({ [jsonField]: title })),
      turnKey,
      textKey,
    };
  }
  if (request.kind === 'compaction') return { answer: fixed(summary), turnKey, textKey };
  const plans = pending.map((text) => rules.planFor(contextOf(request, text)));
  const answers = answersOf(plans.flatMap(({ steps }) => steps));
  const results = resultsAfter(request.items, pending[0]?.at ?? -1).length;
  const answer = choose(answers, { results, failures: memory.failures.get(turnKey) ?? 0 });
  const names = plans.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  return { answer, turnKey, textKey, ...(names.length > 0 && { rule: names.join(', ') }) };
}

/** Texts after the last one that was given up; the newest text is always answered. */
function notGivenUp(request: ModelRequest, pending: readonly Pending[], memory: Memory): readonly Pending[] {
  const last = pending.slice(0, -1).findLastIndex((text) => memory.givenUp.has(keyOf(request, text)));
  return pending.slice(last + 1);
}

function keyOf(request: ModelRequest, text: Pending | undefined): string {
  return `${request.conversation}\n${text?.turn ?? 0}\n${text?.text ?? ''}`;
}

function contextOf(request: ModelRequest, { text, turn, at }: Pending): RuleContext {
  const { items: history, dialect, conversation, model, tools } = request;
  const results = resultsAfter(history, at);
  return { text, turn, history, dialect, conversation, model, tools, results, system: request.system.join('\n') };
}
