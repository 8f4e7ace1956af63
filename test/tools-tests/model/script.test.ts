import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { directiveIn } from '../../support/model/directive.ts';
import { pieces } from '../../support/model/reply.ts';
import { answersOf, choose, defaultAnswer } from '../../support/model/script.ts';
import { parseFailure, parseSteps, ScriptError, type Step } from '../../support/model/steps.ts';
import { wireCall } from '../../support/model/tools.ts';

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ text: fc.string({ unit: 'grapheme' }) }),
  fc.record({ tool: fc.string(), args: fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' })) }),
  fc.record({ wait: fc.nat() }),
  fc.record({ status: fc.integer({ min: 400, max: 599 }), times: fc.integer({ min: 1, max: 3 }) }),
  fc.constant<Step>({ cut: true }),
  fc.constant<Step>({ hang: 'mid' }),
);
const noMark = fc.string().filter((text) => !text.includes('%%{'));

describe('directive', () => {
  it('is read back whatever surrounds it, plain or with its quotes escaped', () => {
    fc.assert(
      fc.property(fc.array(anyStep), noMark, fc.string(), (steps, before, after) => {
        const directive = `%%${JSON.stringify({ steps })}`;
        const expected = JSON.parse(JSON.stringify(steps)) as unknown;
        const clean = before.replace(/@+$/, '');
        expect(directiveIn(`${clean}${directive}${after}`)).toEqual(expected);
        expect(directiveIn(`"x ${directive} y"`.replaceAll('"', '\\"'))).toEqual(expected);
      }),
    );
  });

  it('is absent from other text, and refused with its reason where it is broken', () => {
    expect(directiveIn('write {"steps":[]} to %%file')).toBeUndefined();
    expect(() => directiveIn('%%{"steps":[{"text":"a"}')).toThrow(/cannot be read as JSON: %%\{"steps"/);
    expect(() => directiveIn('%%{"steps":[{"tekst":"a"}]}')).toThrow(
      /directive\.steps\[0\]: expected one of text, tool/,
    );
  });
});

describe('steps', () => {
  it.each([
    ['no list', {}, 'steps: expected a list'],
    ['an unknown field', [{ text: 'a', chunk: 2 }], 'steps[0]: unknown field "chunk" in a text step'],
    ['a negative wait', [{ wait: -1 }], 'steps[0].wait: expected a whole number'],
    ['a call without a name', [{ tools: [{ args: {} }] }], 'steps[0].tools[0].tool: expected a text'],
    ['a usage field that does not exist', [{ usage: { prompt: 1 } }], 'steps[0].usage: unknown field "prompt"'],
    ['a hang that is neither', [{ hang: 'end' }], 'steps[0].hang: expected true or "mid"'],
  ])('with %s are refused by place', (_what, steps, message) => {
    expect(() => parseSteps(steps)).toThrow(ScriptError);
    expect(() => parseSteps(steps)).toThrow(message);
  });

  it('that are no failure are refused as one', () => {
    expect(parseFailure({ status: 529, times: 2 }, 'fail')).toEqual({ status: 529, times: 2 });
    expect(() => parseFailure({ text: 'a' }, 'fail')).toThrow('fail: expected a failure');
  });
});

describe('answers', () => {
  it('hold what is said before a call, and what modifies them', () => {
    const answers = answersOf([
      { wait: 5 },
      { text: 'a' },
      { tool: 'bash', args: {} },
      { usage: { output: 7 } },
      { text: 'b', chunks: 3, delay: 2 },
      { text: 'c' },
    ]);
    expect(answers).toEqual([
      { said: [{ text: 'a', chunks: 1, delay: 0 }], calls: [{ tool: 'bash', args: {} }], wait: 5, usage: {} },
      {
        said: [
          { text: 'b', chunks: 3, delay: 2 },
          { text: 'c', chunks: 1, delay: 0 },
        ],
        calls: [],
        wait: 0,
        usage: { output: 7 },
      },
    ]);
  });

  it('are each served once, in order, when every call brings its results; then comes the default', () => {
    fc.assert(
      fc.property(fc.array(anyStep), (steps) => {
        const answers = answersOf([...steps, { text: 'end' }]);
        const position = { results: 0, failures: 0 };
        const served: unknown[] = [];
        for (const answer of answers) {
          for (let time = 0; time < (answer.failure?.times ?? 1); time += 1) {
            served.push(choose(answers, position));
            if (answer.failure === undefined) position.results += answer.calls.length;
            else position.failures += 1;
          }
        }
        const expected = answers.flatMap((answer) => Array.from({ length: answer.failure?.times ?? 1 }, () => answer));
        expect(served).toEqual(expected);
      }),
    );
    expect(choose(answersOf([{ tool: 'bash', args: {} }]), { results: 1, failures: 0 })).toBe(defaultAnswer);
  });
});

describe('pieces', () => {
  it('make up the text, are at most as many as asked for, none empty, no character broken', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 50 }), (text, count) => {
        const cut = pieces(text, count);
        expect(cut.join('')).toBe(text);
        expect(cut.length).toBeLessThanOrEqual(count);
        expect(cut.every((piece) => piece !== '' && !/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/.test(piece))).toBe(true);
      }),
    );
  });
});

describe('neutral tool names', () => {
  it('become the tool of the program, with its argument names', () => {
    const write = { tool: 'write', args: { path: '/a', content: 'b' } };
    expect(wireCall('openai', write)).toEqual({ name: 'write', args: { filePath: '/a', content: 'b' } });
    expect(wireCall('anthropic', write)).toEqual({ name: 'Write', args: { file_path: '/a', content: 'b' } });
    const bash = { tool: 'bash', args: { command: 'ls', description: 'lists' } };
    expect(wireCall('anthropic', bash)).toEqual({ name: 'Bash', args: { command: 'ls', description: 'lists' } });
  });

  it('ask a question in the form of either program', () => {
    const ask = {
      tool: 'ask',
      args: { question: 'Which?', header: 'Colour', options: ['Red', { label: 'Blue', description: 'b' }] },
    };
    const options = [
      { label: 'Red', description: 'Red' },
      { label: 'Blue', description: 'b' },
    ];
    const question = { question: 'Which?', header: 'Colour', options };
    expect(wireCall('openai', ask)).toEqual({
      name: 'question',
      args: { questions: [{ ...question, multiple: false }] },
    });
    expect(wireCall('anthropic', ask)).toEqual({
      name: 'AskUserQuestion',
      args: { questions: [{ ...question, multiSelect: false }] },
    });
  });

  it('leave other names alone', () => {
    const call = { tool: 'mcp__x__y', args: { path: 'z' } };
    expect(wireCall('openai', call)).toEqual({ name: 'mcp__x__y', args: { path: 'z' } });
  });
});
