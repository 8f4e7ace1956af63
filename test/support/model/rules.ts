import { directiveIn } from './directive.ts';
import type { Dialect, Item } from './request.ts';
import { field, list } from './text.ts';
import { parseSteps, ScriptError, type Step } from './steps.ts';

/** What a rule is asked about: one user text, with what the model knows around it. */
export interface RuleContext {
  /** The user text that is to be answered. */
  readonly text: string;
  readonly system: string;
  readonly history: readonly Item[];
  readonly dialect: Dialect;
  readonly conversation: string;
  readonly model: string;
  /** Ordinal of this text among the conversation's user texts, from 1. */
  readonly turn: number;
  /** Names of the tools offered. */
  readonly tools: readonly string[];
  /**
   * What the tools said since this text; a rule's function may act on it (it is asked again on every request of the
   * turn).
   */
  readonly results: readonly string[];
}

/**
 * A scripted behaviour. Rules are asked in the order they were added; one with a known name takes the old one's place.
 */
export interface Rule {
  readonly name: string;
  readonly match: RegExp | ((context: RuleContext) => boolean);
  readonly steps: readonly Step[] | ((context: RuleContext) => readonly Step[]);
}

/** What is scripted for a text, and by whom (`directive` or the rule's name; undefined: nobody). */
export interface Plan {
  readonly rule?: string;
  readonly steps: readonly Step[];
}

/** The rules in force. */
export class Rulebook {
  #rules: Rule[] = [];

  /** Adds a rule; returns what takes it away again. */
  add(rule: Rule): () => void {
    const known = this.#rules.findIndex(({ name }) => name === rule.name);
    if (known < 0) this.#rules.push(rule);
    else this.#rules[known] = rule;
    return () => {
      this.#rules = this.#rules.filter((other) => other !== rule);
    };
  }

  clear(): void {
    this.#rules = [];
  }

  names(): string[] {
    return this.#rules.map(({ name }) => name);
  }

  /** A directive in the text wins, then the first rule that matches. Throws ScriptError for an unreadable directive. */
  planFor(context: RuleContext): Plan {
    const directive = directiveIn(context.text);
    if (directive !== undefined) return { rule: 'directive', steps: directive };
    const rule = this.#rules.find(({ match }) =>
      match instanceof RegExp ? context.text.search(match) >= 0 : match(context),
    );
    if (rule === undefined) return { steps: [] };
    return { rule: rule.name, steps: typeof rule.steps === 'function' ? rule.steps(context) : rule.steps };
  }
}

/**
 * A rule from JSON, for a separate process: `{name, match, system?, steps}` with regular expressions as strings
 * (`match` for the text, `system` for the system text, both must fit). `{{name}}` in the steps' texts stands for the
 * named group of `match`. Throws ScriptError.
 */
function ruleFromJson(value: unknown): Rule {
  const name = field(value, 'name');
  if (typeof name !== 'string') throw new ScriptError('rule.name: expected a text');
  const match = expression(field(value, 'match'), `rule "${name}": match`);
  const system = expression(field(value, 'system') ?? '', `rule "${name}": system`);
  const steps = parseSteps(field(value, 'steps'), `rule "${name}": steps`);
  return {
    name,
    match: (context) => match.test(context.text) && system.test(context.system),
    steps: (context) => filledIn(steps, match.exec(context.text)?.groups ?? {}) as Step[],
  };
}

/** The rules in a request's body: one rule, a list, or `{rules: […]}`. */
export function rulesFromJson(body: unknown): Rule[] {
  const many = Array.isArray(body) ? body : field(body, 'rules');
  return many === undefined ? [ruleFromJson(body)] : list(many).map(ruleFromJson);
}

function expression(source: unknown, where: string): RegExp {
  if (typeof source !== 'string') throw new ScriptError(`${where}: expected a regular expression as text`);
  try {
    return new RegExp(source);
  } catch (error) {
    throw new ScriptError(`${where}: ${String(error)}`);
  }
}

function filledIn(value: unknown, groups: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return value.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => groups[name] ?? whole);
  if (Array.isArray(value)) return value.map((entry: unknown) => filledIn(entry, groups));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, filledIn(entry, groups)]));
}
