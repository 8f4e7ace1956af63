import type { Command } from 'commander';
import type { Params } from '../../../shared/channel/protocol.ts';
import type { MessageView } from '../../../shared/town/snapshot.ts';
import { exitCode, Failure } from '../failure.ts';
import { addCommand, given } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { oneLine, printable, table } from '../table.ts';

export function addMessageCommands(program: Command, gt: Gt): void {
  addCommand(program, 'nudge <session> <text...>', 'put a short message before a session; "-" reads standard input')
    .action(async (to: string, words: string[], options: CommonOptions) => {
      const sent = await gt.request('message.send', { to, type: 'nudge', body: await bodyOf(gt, words) });
      gt.print(options, sent, receipt);
    });

  addCommand(program, 'broadcast <text...>', 'send a message to all sessions; "-" reads standard input')
    .option('--to <session>', 'only to this one (repeat it, or separate several by commas)', collect)
    .action(async (words: string[], { to, ...options }: CommonOptions & { to?: string[] }) => {
      const params = given<Params<'message.broadcast'>>({ to, body: await bodyOf(gt, words) });
      const sent = await gt.request('message.broadcast', params);
      gt.print(options, sent, ({ results }) =>
        table(['TO', 'MESSAGE', 'ERROR'], results.map((result) => [result.to, result.messageId, result.error])),
      );
      if (sent.results.some(({ error }) => error !== undefined)) gt.exitCode = exitCode.failed;
    });

  const mail = program.command('mail').description('send and read mail');

  addCommand(mail, 'send <to>', 'send mail to a session, an address, or the person (overseer)')
    .option('-s, --subject <text>', 'what it is about')
    .requiredOption('-m, --message <text>', 'the text; "-" reads standard input')
    .action(async (to: string, { subject, message, ...options }: CommonOptions & { subject?: string; message: string }) => {
      const body = await bodyOf(gt, [message]);
      const sent = await gt.request('message.send', given<Params<'message.send'>>({ to, type: 'mail', subject, body }));
      gt.print(options, sent, receipt);
    });

  addCommand(mail, 'inbox', 'read the mail of this session, in a terminal of your own: yours')
    .option('--all', 'also what has been read before')
    .option('--session <session>', 'of another session')
    .action(async ({ all, session, ...options }: CommonOptions & { all?: boolean; session?: string }) => {
      const { messages } = await gt.request('mail.inbox', given<Params<'mail.inbox'>>({ all, session }));
      gt.print(options, messages, () => (messages.length === 0 ? 'No mail.' : messages.map(letter).join('\n\n')));
    });
}

async function bodyOf(gt: Gt, words: readonly string[]): Promise<string> {
  const body = await gt.text(words.join(' '));
  if (body.trim() === '') throw new Failure('The message is empty, so it was not sent.', exitCode.usage);
  return body;
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, ...value.split(',').filter((name) => name !== '')];
}

function receipt({ id, kind, to, state, reason }: MessageView): string {
  return `${kind} ${id} to ${to}: ${state}${reason === undefined ? '' : ` (${oneLine(reason)})`}.`;
}

function letter({ id, from, subject, body, sentAt }: MessageView): string {
  const head = [`${id} from ${from} at ${new Date(sentAt).toISOString()}`, ...(subject ? [`Subject: ${oneLine(subject)}`] : [])];
  return [...head, '', printable(body)].join('\n');
}
