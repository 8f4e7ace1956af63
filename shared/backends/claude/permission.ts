/** The `PermissionRequest` hook as an ask of ours, and our answers in its words. Pure. */
import { z } from 'zod';
import { GasTownError } from '../../errors.ts';
import type { Ask } from '../../sessions/activity.ts';
import type { AskAnswer } from '../driver.ts';
import type { PermissionRequest } from './hook-payloads.ts';

const questionsSchema = z.object({
  questions: z.array(
    z.object({
      question: z.string(),
      options: z.array(z.object({ label: z.string(), description: z.string().optional() })).catch([]),
    }),
  ),
});

const maxTitle = 120;

export function askOfRequest(id: string, request: PermissionRequest, at: number): Ask {
  const { tool_name: tool, tool_input: input } = request;
  if (tool === 'ExitPlanMode') {
    const plan = typeof input['plan'] === 'string' ? input['plan'] : JSON.stringify(input, undefined, 2);
    return { id, kind: 'plan', title: 'Plan is ready for approval', detail: plan, options: [], resolvable: true, since: at };
  }
  if (tool === 'AskUserQuestion') return question(id, input, at);
  const detail = JSON.stringify(input, undefined, 2);
  return { id, kind: 'permission', title: titleOf(tool, input), detail, options: [], resolvable: true, since: at };
}

function question(id: string, input: Record<string, unknown>, at: number): Ask {
  const questions = questionsSchema.safeParse(input).data?.questions ?? [];
  const [first] = questions;
  const detail = questions
    .map(({ question, options }) => [question, ...options.map(optionLine)].join('\n'))
    .join('\n\n');
  // A row offers one list of options, so several questions are answered in the terminal.
  const single = questions.length === 1 ? first : undefined;
  return {
    id,
    kind: 'question',
    title: oneLine(first?.question ?? 'Question'),
    detail,
    options: single?.options.map((option) => option.label) ?? [],
    resolvable: single !== undefined,
    since: at,
  };
}

const optionLine = ({ label, description }: { label: string; description?: string | undefined }): string =>
  description === undefined || description === label ? `- ${label}` : `- ${label}: ${description}`;

/** The argument that says most about a call, by tool. */
const telling = ['command', 'file_path', 'notebook_path', 'url', 'query', 'pattern', 'path', 'description', 'prompt'];

function titleOf(tool: string, input: Record<string, unknown>): string {
  const value = telling.map((key) => input[key]).find((candidate) => typeof candidate === 'string');
  return oneLine(typeof value === 'string' ? `${tool}: ${value}` : tool);
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
      return { behavior: 'deny', message: answer.message ?? 'The person said no.' };
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
        throw new GasTownError('bad-input', `There are ${questions.length} questions, but ${answer.answers.length} answers.`);
      }
      const answers = Object.fromEntries(
        questions.map(({ question }, index) => [question, (answer.answers[index] ?? []).join(', ')]),
      );
      return { behavior: 'allow', updatedInput: { ...request.tool_input, answers } };
    }
  }
}
