import type { Call, Failure, Step, Usage } from './steps.ts';

/** A piece of text of an answer, with the pace it is streamed at. */
export interface Said {
  readonly text: string;
  readonly chunks: number;
  readonly delay: number;
}

/** What the model does with one request: it speaks and calls tools, or fails after what it said so far. */
export interface Answer {
  readonly said: readonly Said[];
  readonly calls: readonly Call[];
  readonly failure?: Failure;
  readonly wait: number;
  readonly hold?: string;
  readonly usage: Usage;
}

/** Where a turn stands: tool results seen since it began, and failures served in it. */
export interface Position {
  readonly results: number;
  readonly failures: number;
}

/** The model's answer to a text that nothing is scripted for, and after the end of a script. */
export const defaultAnswer: Answer = {
  said: [{ text: 'Understood.', chunks: 1, delay: 0 }],
  calls: [],
  wait: 0,
  usage: {},
};

/** Groups steps into answers: each ends with the calls it makes, with a failure, or with the script. Pure. */
export function answersOf(steps: readonly Step[]): Answer[] {
  const answers: Answer[] = [];
  let open: Answer | undefined;
  const change = (more: Partial<Answer>): Answer => ({
    ...(open ?? { said: [], calls: [], wait: 0, usage: {} }),
    ...more,
  });
  const close = (more: Partial<Answer>): void => {
    answers.push(change(more));
    open = undefined;
  };
  for (const step of steps) {
    if ('text' in step) {
      const said = { text: step.text, chunks: step.chunks ?? 1, delay: step.delay ?? 0 };
      open = change({ said: [...(open?.said ?? []), said] });
    } else if ('wait' in step) open = change({ wait: (open?.wait ?? 0) + step.wait });
    else if ('hold' in step) open = change({ hold: step.hold });
    else if ('usage' in step) open = change({ usage: { ...open?.usage, ...step.usage } });
    else if ('tool' in step) close({ calls: [{ tool: step.tool, args: step.args }] });
    else if ('tools' in step) close({ calls: step.tools });
    else close({ failure: step });
  }
  if (open !== undefined) answers.push(open.said.length > 0 ? open : { ...open, said: defaultAnswer.said });
  return answers;
}

/**
 * Which answer is due. Every request carries the whole history, so the place in the script is counted, not remembered:
 * an answer with calls is over when their results are there, a failure when it was served `times` times. Pure.
 */
export function choose(answers: readonly Answer[], position: Position): Answer {
  let { results, failures } = position;
  for (const answer of answers) {
    if (answer.failure !== undefined) {
      const times = answer.failure.times ?? 1;
      if (failures < times) return answer;
      failures -= times;
    } else if (answer.calls.length > 0 && results >= answer.calls.length) results -= answer.calls.length;
    else return answer;
  }
  return defaultAnswer;
}
