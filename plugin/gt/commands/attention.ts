import type { Command } from 'commander';
import { quoted } from '../../../shared/platform/sanitize.ts';
import type { AttentionView } from '../../../shared/channel/views.ts';
import type { Params } from '../../../shared/channel/protocol.ts';
import { exitCode, Failure } from '../failure.ts';
import { addCommand } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { oneLine, table } from '../table.ts';

type Answer = Params<'session.answer'>['answer'];
type AnswerOptions = CommonOptions & { ask?: string; message?: string; remember?: true };

export function addAttentionCommands(program: Command, gt: Gt): void {
  const parent = program.command('attention').description('what waits for the user, and the answers to it');

  addCommand(parent, 'list', 'list what waits for the user, oldest first')
    .option('-l, --long', 'with everything that there is to know, such as the plan or the arguments of the tool')
    .action(async ({ long, ...options }: CommonOptions & { long?: true }) => {
      const { waits } = await gt.request('attention.list', {});
      gt.print(options, waits, (_listed, width) => {
        if (waits.length === 0) return 'Nothing waits for you.';
        return long ? waits.map((wait) => inFull(wait, width)).join('\n\n') : waitsTable(waits, width);
      });
    });

  addCommand(
    parent,
    'answer <session> [answers...]',
    'answer what a session asks: allow, deny, or the chosen options (one per question)',
  )
    .option('--ask <id>', 'which ask, where the session has several')
    .option('-m, --message <text>', 'the reason for a no, or an answer in your own words; "-" reads standard input')
    .option('--remember', 'allow it for the rest of the session')
    .action(async (session: string, given: string[], { ask, message, remember, ...options }: AnswerOptions) => {
      const { waits } = await gt.request('attention.list', {});
      const wait = chosen(
        waits.filter((each) => each.session === session),
        session,
        ask,
      );
      const text = message === undefined ? undefined : await gt.text(message);
      const answer = answerTo(wait, given, text, remember === true);
      await gt.request('session.answer', { session, ask: wait.ask ?? '', answer });
      const answered = { session, ask: wait.ask ?? '', title: wait.title, answer };
      gt.print(options, answered, () => `${session} has the answer to "${oneLine(wait.title)}".`);
    });
}

/** The ask that is meant. Where that is not certain, nothing is answered. */
function chosen(waits: readonly AttentionView[], session: string, ask: string | undefined): AttentionView {
  const found = ask === undefined ? waits : waits.filter((wait) => wait.ask === ask);
  const [only, another] = found;
  if (!only) {
    const which = ask === undefined ? '' : ` (${ask})`;
    throw new Failure(`${session} waits for no answer${which}. It may have been answered already: gt attention list`);
  }
  if (another)
    throw new Failure(`${session} asks several things. Say which, by --ask:\n\n${waitsTable(found)}`, exitCode.usage);
  if (!only.resolvable)
    throw new Failure(`"${oneLine(only.title)}" can only be answered in the terminal of ${session}.`);
  return only;
}

function answerTo(
  wait: AttentionView,
  given: readonly string[],
  message: string | undefined,
  remember: boolean,
): Answer {
  if (wait.kind === 'question') return { kind: 'answers', answers: optionsOf(wait, given, message) };
  const [verb, ...more] = given;
  if (more.length > 0 || (verb !== 'allow' && verb !== 'deny')) {
    throw new Failure(`Say "allow" or "deny" to "${oneLine(wait.title)}".`, exitCode.usage);
  }
  if (verb === 'deny') return { kind: 'deny', ...(message === undefined ? {} : { message }) };
  if (message !== undefined)
    throw new Failure('A reason (-m) goes with "deny" only. Nothing was answered.', exitCode.usage);
  return { kind: 'allow', ...(remember ? { remember: true } : {}) };
}

/** One answer per question: an option of it, or for a single question the user's own words. */
function optionsOf(wait: AttentionView, given: readonly string[], message: string | undefined): string[][] {
  const questions = wait.questions ?? [{ text: wait.title, options: wait.options, multiple: false }];
  if (message !== undefined) {
    if (given.length > 0 || questions.length > 1) {
      throw new Failure(
        'Your own words (-m) answer a single question, instead of an option. Nothing was answered.',
        exitCode.usage,
      );
    }
    return [[message]];
  }
  if (given.length !== questions.length) {
    const wanted = questions.map(({ text, options }) => `${oneLine(text)} ${choices(options)}`).join('\n');
    throw new Failure(
      `There ${questions.length === 1 ? 'is 1 question' : `are ${questions.length} questions`}, and ${given.length} answers:\n${wanted}`,
      exitCode.usage,
    );
  }
  return questions.map(({ text, options }, index) => {
    const option = options.find((each) => each === given[index]);
    if (option !== undefined) return [option];
    throw new Failure(
      `"${given[index] ?? ''}" is no answer to "${oneLine(text)}". ${choices(options)} Or use your own words: -m "<text>".`,
      exitCode.usage,
    );
  });
}

const choices = (options: readonly string[]): string =>
  options.length === 0
    ? 'It offers no answers.'
    : `Its answers: ${options.map((each) => `"${oneLine(each)}"`).join(', ')}.`;

function waitsTable(waits: readonly AttentionView[], width?: number): string {
  return table(
    ['SESSION', 'KIND', 'SINCE', 'ASK', 'WHAT'],
    waits.map(({ session, kind, since, ask, title, resolvable }) => [
      session,
      kind,
      new Date(since).toISOString(),
      resolvable ? ask : 'in its terminal',
      title,
    ]),
    { width, whole: true },
  );
}

function inFull(wait: AttentionView, width: number | undefined): string {
  const answers = wait.questions === undefined && wait.options.length > 0 ? ['', choices(wait.options)] : [];
  return [waitsTable([wait], width), '', quoted(wait.detail), ...answers].join('\n').trimEnd();
}
