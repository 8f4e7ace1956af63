import { deliveryMark } from '../backends/driver.ts';
import type { StoredMessage } from '../store/messages.ts';
import type { StoredWork } from '../store/work.ts';
import { overseer } from './message.ts';

const nameOf = (sender: string): string => (sender === overseer ? 'the person' : sender);

/**
 * The text by which an entry of the outbox is put before a model. It carries the entry's id, so that what the model saw
 * can be matched with what was sent, and says who speaks: another agent is not the person.
 */
export function composeDelivery(message: StoredMessage, work: StoredWork | undefined): string {
  const mark = deliveryMark(message.id);
  switch (message.kind) {
    case 'nudge':
      return `${mark} Nudge from ${nameOf(message.from)}: ${message.body}`;
    case 'broadcast':
      return `${mark} Broadcast from ${nameOf(message.from)}: ${message.body}`;
    case 'mail':
      return `${mark} You have mail from ${nameOf(message.from)}: "${message.subject}". Read it with: gt mail inbox`;
    case 'work':
      return composeWork(mark, message, work);
    case 'reminder':
      return (
        `${mark} Your turn ended, but ${message.workId ?? 'your work'} is still open. If it is finished, run: gt done -m "<what you did>". ` +
        'If you cannot finish it, run: gt done --status escalated -m "<why>". Otherwise go on.'
      );
  }
}

function composeWork(mark: string, message: StoredMessage, work: StoredWork | undefined): string {
  if (!work) return `${mark} ${message.body}`;
  const lines = [
    `${mark} Your work: ${work.id} (${work.type}): ${work.title}`,
    '',
    ...(work.description === '' || work.description === work.title ? [] : [work.description, '']),
    ...(message.body === '' ? [] : [`Note from ${nameOf(message.from)}: ${message.body}`, '']),
    ...(work.branch ? [`You are on branch ${work.branch}, in a worktree of your own. Commit there; do not push to the main branch.`] : []),
    'When it is finished and committed, run: gt done -m "<what you did, in one line>". Going idle does not count as done.',
  ];
  return lines.join('\n');
}
