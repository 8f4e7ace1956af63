import type { Delivery } from '../domain/delivery.ts';
import { sanitize, sanitizeLine, quoted } from '../platform/sanitize.ts';
import type { StoredMessage } from '../store/messages.ts';
import type { StoredWork } from '../store/work.ts';
import { titled } from '../work/title.ts';
import { host, overseer } from '../domain/message.ts';
import { deliveryMark } from '../domain/delivery.ts';

/** An entry of the outbox with the unit that it is about. */
export interface Entry {
  message: StoredMessage;
  work?: StoredWork | undefined;
  /** It need not be put before the model any more, for this reason; but an earlier attempt may have done so. */
  pointless?: string;
}

/** Another agent is not the user, whatever it says: its text is information, not an order. */
function speaker(sender: string): string {
  if (sender === overseer) return 'the user';
  return sender === host ? 'Gas Town' : `${sanitizeLine(sender)} (an agent, not the user)`;
}

/** The words of a message: the user's as they are, an agent's quoted line by line. */
function words({ from, body }: StoredMessage): string {
  if (from === overseer) return ` ${sanitize(body)}`;
  if (from !== host) return `\n${quoted(body)}`;
  // We say a thing in one line: what follows is somebody's whom we cite.
  const [first = '', ...cited] = sanitize(body).split('\n');
  return cited.length === 0 ? ` ${first}` : ` ${first}\n${quoted(cited.join('\n'))}`;
}

const nameOf = (sender: string): string => (sender === overseer ? 'the user' : sanitizeLine(sender));

/**
 * The text by which entries of the outbox are put before a model, in the given order and in one turn. Each carries its
 * own mark, so that what the model saw can be matched with what was sent, entry by entry. Pure.
 */
export function composeDelivery(entries: readonly [Entry, ...Entry[]]): Delivery {
  const ids = entries.map(({ message }) => message.id);
  return {
    id: entries[0].message.id,
    text: entries.map(textOf).join('\n\n'),
    heading: entries.map(headOf).join('\n'),
    ...(ids.length === 1 ? {} : { carries: ids }),
  };
}

/** Its mark, and what and whose it is. */
function headOf({ message, work }: Entry): string {
  const again = message.repeated ? ' (possibly repeated: if you have had this one already, ignore it)' : '';
  const mark = `${deliveryMark(message.id)}${again}${message.priority === 'urgent' ? ' Urgent.' : ''}`;
  switch (message.kind) {
    case 'nudge':
      return `${mark} Nudge from ${speaker(message.from)}`;
    case 'broadcast':
      return `${mark} Broadcast from ${speaker(message.from)}`;
    case 'mail':
      return `${mark} You have mail from ${speaker(message.from)}`;
    case 'work':
      return work
        ? `${mark} Your work: ${work.id} (${work.type}): ${sanitizeLine(titled(work).title)}`
        : `${mark} Your work`;
    case 'reminder':
      return `${mark} Your turn ended, but ${message.workId ?? 'your work'} is still open`;
  }
}

/** Pure. One entry as the model reads it. */
export function textOf(entry: Entry): string {
  const { message, work } = entry;
  const head = headOf(entry);
  switch (message.kind) {
    case 'nudge':
    case 'broadcast':
      return `${head}:${words(message)}`;
    case 'mail':
      return `${head}: "${sanitizeLine(message.subject)}". Read it with: gt mail inbox`;
    case 'work':
      return work ? workText(head, message, work) : `${head}:${words(message)}`;
    case 'reminder':
      return (
        `${head}. If it is finished, run: gt done -m "<what you did>". ` +
        'If you cannot finish it, run: gt done --status escalated -m "<why>". Otherwise go on.'
      );
  }
}

function workText(head: string, message: StoredMessage, work: StoredWork): string {
  const { title, description } = titled(work);
  return [
    head,
    '',
    ...(description === '' || description === title ? [] : [quoted(description), '']),
    ...(message.body === '' ? [] : [`Note from ${nameOf(message.from)}:${words(message)}`, '']),
    ...(work.branch
      ? [`Its branch is ${work.branch}, in a worktree of its own. Commit there; do not push to the main branch.`]
      : []),
    'When it is finished and committed, run: gt done -m "<what you did, in one line>". Going idle does not count as done.',
  ].join('\n');
}
