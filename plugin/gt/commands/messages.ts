import { Option } from 'commander';
import type { Command } from 'commander';
import { quoted } from '../../../shared/platform/sanitize.ts';
import type { Params } from '../../../shared/channel/protocol.ts';
import type { MessageView } from '../../../shared/channel/views.ts';
import { exitCode, Failure } from '../failure.ts';
import { addCommand, given } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { oneLine, table } from '../table.ts';

export function addMessageCommands(program: Command, gt: Gt): void {
  addCommand(
    program,
    'nudge <session> <text...>',
    'put a short message before a session, or each of a group (@<rig>, @town); "-" reads standard input',
  )
    .addOption(urgentOption())
    .action(async (to: string, words: string[], { urgent, ...options }: UrgentOptions) => {
      await send(gt, options, { to, type: 'nudge', body: await bodyOf(gt, words), priority: priorityOf(urgent) });
    });

  addCommand(program, 'broadcast <text...>', 'send a message to all sessions; "-" reads standard input')
    .option(
      '--to <address>',
      'only to this session, or to all of @<rig> (repeat it, or separate several by commas)',
      collect,
    )
    .addOption(urgentOption())
    .action(async (words: string[], { to, urgent, ...options }: UrgentOptions & { to?: string[] }) => {
      await fanOut(gt, options, { to, body: await bodyOf(gt, words), priority: priorityOf(urgent) });
    });

  const mail = program.command('mail').description('send and read mail');

  addCommand(mail, 'send <to>', 'send mail to a session, an address, a group (@<rig>, @town), or the user (overseer)')
    .option('-s, --subject <text>', 'what it is about')
    .requiredOption('-m, --message <text>', 'the text; "-" reads standard input')
    .addOption(urgentOption())
    .action(
      async (
        to: string,
        { subject, message, urgent, ...options }: UrgentOptions & { subject?: string; message: string },
      ) => {
        await send(gt, options, {
          to,
          type: 'mail',
          subject,
          body: await bodyOf(gt, [message]),
          priority: priorityOf(urgent),
        });
      },
    );

  addCommand(mail, 'inbox', 'read the mail of this session, in a terminal of your own: yours')
    .option('--all', 'also what has been read before, but not what is archived')
    .option('--session <session>', 'of another session')
    .action(async ({ all, session, ...options }: CommonOptions & { all?: boolean; session?: string }) => {
      const { messages } = await gt.request('mail.inbox', given<Params<'mail.inbox'>>({ all, session }));
      gt.print(options, messages, () => (messages.length === 0 ? 'No mail.' : messages.map(letter).join('\n\n')));
    });

  addCommand(mail, 'archive <message...>', 'put mail away that is done with; reading alone does not').action(
    async (ids: string[], options: CommonOptions) => {
      const archived: MessageView[] = [];
      for (const id of ids) archived.push(await gt.request('mail.archive', { id }));
      gt.print(options, archived, () => `Archived ${archived.map(({ id }) => id).join(', ')}.`);
    },
  );

  addCommand(mail, 'status <message>', 'tell how far a message of yours has come: any nudge, mail or broadcast').action(
    async (id: string, options: CommonOptions) => {
      gt.print(options, await gt.request('message.show', { id }), status);
    },
  );

  addCommand(mail, 'sent', 'list what you have sent, the newest first, with how far each has come')
    .option('-n, --limit <count>', 'at most so many; 20 when absent', Number)
    .action(async ({ limit = 20, ...options }: CommonOptions & { limit?: number }) => {
      const { messages } = await gt.request('message.list', { sent: true, limit });
      const rows = messages.map((message) => [
        message.id,
        message.kind,
        message.to,
        stateOf(message),
        timeOf(message.sentAt),
        message.subject,
      ]);
      gt.print(options, messages, (_listed, width) =>
        messages.length === 0
          ? 'Nothing sent.'
          : table(['MESSAGE', 'KIND', 'TO', 'STATE', 'SENT', 'SUBJECT'], rows, { width, cut: ['SUBJECT', 'TO'] }),
      );
    });
}

/** What may be left out stands as undefined here, and is left out of the request. */
type Wanted<T> = { [K in keyof T]: T[K] | undefined };

/** To one recipient, or to each of a group: then every one has its own receipt. */
async function send(
  gt: Gt,
  options: CommonOptions,
  { to, ...message }: Wanted<Params<'message.send'>> & { to: string },
): Promise<void> {
  if (to.startsWith('@')) await fanOut(gt, options, { to: [to], ...message });
  else gt.print(options, await gt.request('message.send', given<Params<'message.send'>>({ to, ...message })), receipt);
}

async function fanOut(gt: Gt, options: CommonOptions, message: Wanted<Params<'message.broadcast'>>): Promise<void> {
  const sent = await gt.request('message.broadcast', given<Params<'message.broadcast'>>(message));
  gt.print(options, sent, ({ results }, width) =>
    table(
      ['TO', 'MESSAGE', 'ERROR'],
      results.map((result) => [result.to, result.messageId, result.error]),
      { width, whole: true },
    ),
  );
  if (sent.results.some(({ error }) => error !== undefined)) gt.exitCode = exitCode.failed;
}

type UrgentOptions = CommonOptions & { urgent?: true };

function urgentOption(): Option {
  return new Option('--urgent', 'goes before what else waits for the recipient');
}

const priorityOf = (urgent: true | undefined): 'urgent' | undefined => (urgent ? 'urgent' : undefined);

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

const timeOf = (at: number): string => new Date(at).toISOString();

const stateOf = ({ state, repeated }: MessageView): string => (repeated ? `${state} (possibly repeated)` : state);

/** Every state that it has been in, with its time. */
function status(message: MessageView): string {
  const { from, state, sentAt, deliveredAt, readAt, actedAt, closedAt, expiresAt, attempts, runId } = message;
  const ended = state === 'refused' || state === 'expired' || state === 'dead' ? state : 'archived';
  const times: [string, number | undefined][] = [
    ['accepted', sentAt],
    ['delivered', deliveredAt],
    ['read', readAt],
    ['acted', actedAt],
    [ended, closedAt],
    ['expires', state === 'accepted' ? expiresAt : undefined],
  ];
  return [
    `${receipt(message)}${message.repeated ? ' Possibly repeated.' : ''}`,
    ...times.flatMap(([name, at]) => (at === undefined ? [] : [`${name}: ${timeOf(at)}`])),
    `from: ${from}`,
    `attempts: ${attempts}`,
    ...(runId ? [`run: ${runId}`] : []),
  ].join('\n');
}

function letter({ id, from, subject, body, sentAt }: MessageView): string {
  const head = [
    `${id} from ${from} at ${new Date(sentAt).toISOString()}`,
    ...(subject ? [`Subject: ${oneLine(subject)}`] : []),
  ];
  return [...head, '', quoted(body)].join('\n');
}
