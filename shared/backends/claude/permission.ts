/** The `PermissionRequest` hook as an ask of ours, and our answers in its words. Pure. */
import * as z from 'zod/mini';
import { GasTownError } from '../../platform/errors.ts';
import { orElse } from '../../platform/or-else.ts';
import type { Ask, Question, ToolCall } from '../../domain/activity.ts';
import type { AskAnswer } from '../../domain/run.ts';
import type { PermissionRequest } from './hook-payloads.ts';

const questionsSchema = z.object({
  questions: z.array(
    z.object({
      question: z.string(),
      options: orElse(z.array(z.object({ label: z.string(), description: z.optional(z.string()) })), []),
      multiSelect: orElse(z.boolean(), false),
    }),
  ),
});

const maxTitle = 120;

export function askOfRequest(id: string, request: PermissionRequest, at: number): Ask {
  const { tool_name: tool, tool_input: input } = request;
  if (tool === 'ExitPlanMode') {
    const plan = typeof input['plan'] === 'string' ? input['plan'] : JSON.stringify(input, undefined, 2);
    return {
      id,
      kind: 'plan',
      title: 'Plan is ready for approval',
      detail: plan,
      options: [],
      resolvable: true,
      since: at,
    };
  }
  if (tool === 'AskUserQuestion') return question(id, input, at);
  const detail = JSON.stringify(input, undefined, 2);
  const calls = callOf(tool, input);
  return {
    id,
    kind: 'permission',
    title: titleOf(tool, input),
    detail,
    options: [],
    ...(calls ? { calls } : {}),
    resolvable: true,
    since: at,
  };
}

function question(id: string, input: Record<string, unknown>, at: number): Ask {
  const questions = questionsSchema.safeParse(input).data?.questions ?? [];
  const [first] = questions;
  const detail = questions
    .map(({ question, options }) => [question, ...options.map(optionLine)].join('\n'))
    .join('\n\n');
  const only = questions.length === 1 ? first : undefined;
  return {
    id,
    kind: 'question',
    title: oneLine(first?.question ?? 'Question'),
    detail,
    options: only?.options.map(({ label }) => label) ?? [],
    ...(questions.length < 2 && !only?.multiSelect ? {} : { questions: questions.map(asQuestion) }),
    resolvable: questions.length > 0,
    since: at,
  };
}

type ClaudeQuestion = z.output<typeof questionsSchema>['questions'][number];

const asQuestion = ({ question, options, multiSelect }: ClaudeQuestion): Question => ({
  text: question,
  options: options.map(({ label }) => label),
  multiple: multiSelect,
});

const optionLine = ({ label, description }: { label: string; description?: string | undefined }): string =>
  description === undefined || description === label ? `- ${label}` : `- ${label}: ${description}`;

/** The argument that says most about a call, by tool. */
const telling = ['command', 'file_path', 'notebook_path', 'url', 'query', 'pattern', 'path', 'description', 'prompt'];

function titleOf(tool: string, input: Record<string, unknown>): string {
  const value = telling.map((key) => input[key]).find((candidate) => typeof candidate === 'string');
  return oneLine(typeof value === 'string' ? `${tool}: ${value}` : tool);
}

/** Of the tools that we know: the argument that says what they do. Of any other tool, all of its input counts. */
const tools: Readonly<Record<string, [key: string, kind: ToolCall['kind']]>> = {
  Bash: ['command', 'shell'],
  Read: ['file_path', 'path'],
  Edit: ['file_path', 'path'],
  Write: ['file_path', 'path'],
  NotebookEdit: ['notebook_path', 'path'],
  WebFetch: ['url', 'text'],
  WebSearch: ['query', 'text'],
};

/** Undefined where a pattern must not stand for the call: it leaves the sandbox, or its argument is missing. */
function callOf(tool: string, input: Record<string, unknown>): ToolCall[] | undefined {
  if (input['dangerouslyDisableSandbox'] === true) return undefined;
  const known = Object.hasOwn(tools, tool) ? tools[tool] : undefined;
  if (!known) return [{ tool, argument: JSON.stringify(input), kind: 'text' }];
  const [key, kind] = known;
  const argument = input[key];
  return typeof argument === 'string' ? [{ tool, argument, kind }] : undefined;
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= maxTitle ? line : `${line.slice(0, maxTitle - 1)}…`;
}

/** The hook's answer. Throws `bad-input` where the answer does not fit what was asked. */
export function decisionOf(request: PermissionRequest, answer: AskAnswer): Record<string, unknown> {
  return { hookSpecificOutput: { hookEventName: 'PermissionRequest', decision: decide(request, answer) } };
}

function decide(request: PermissionRequest, answer: AskAnswer): Record<string, unknown> {
  const isQuestion = request.tool_name === 'AskUserQuestion';
  switch (answer.kind) {
    case 'deny':
      return { behavior: 'deny', message: answer.message ?? 'The user said no.' };
    case 'allow':
      if (isQuestion) throw new GasTownError('bad-input', 'This is a question: choose one of its answers.');
      // A plan is accepted only with its input: a bare "allow" leaves Claude's dialog open.
      if (request.tool_name === 'ExitPlanMode') return { behavior: 'allow', updatedInput: request.tool_input };
      if (!answer.remember) return { behavior: 'allow' };
      // For this session only: Claude's own suggestion would write into the repository's settings.
      return {
        behavior: 'allow',
        updatedPermissions: request.permission_suggestions.map((rule) => ({ ...rule, destination: 'session' })),
      };
    case 'answers': {
      if (!isQuestion) throw new GasTownError('bad-input', 'This is no question: allow or deny it.');
      const questions = questionsSchema.safeParse(request.tool_input).data?.questions ?? [];
      if (questions.length !== answer.answers.length) {
        throw new GasTownError(
          'bad-input',
          `There are ${questions.length} questions, but ${answer.answers.length} answers.`,
        );
      }
      const answers = Object.fromEntries(
        questions.map(({ question }, index) => [question, (answer.answers[index] ?? []).join(', ')]),
      );
      return { behavior: 'allow', updatedInput: { ...request.tool_input, answers } };
    }
  }
}
