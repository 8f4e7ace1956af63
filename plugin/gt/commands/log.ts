import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { Params, Results } from '../../../shared/channel/protocol.ts';
import { addCommand, given } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { oneLine } from '../table.ts';

export function addLogCommand(program: Command, gt: Gt): void {
  addCommand(
    program,
    'log [session]',
    'print what happened to a session: its states, what it asked and who answered, its messages and its work',
  )
    .option('--limit <number>', 'so many of the newest entries; 200 when left out', countOf)
    .action(async (session: string | undefined, { limit, ...options }: CommonOptions & { limit?: number }) => {
      gt.print(options, await gt.request('session.log', given<Params<'session.log'>>({ session, limit })), lines);
    });
}

function countOf(value: string): number {
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1 && count <= 10_000) return count;
  throw new InvalidArgumentError('Allowed is a whole number from 1 to 10000.');
}

function lines({ session, entries }: Results['session.log']): string {
  if (entries.length === 0) return `Nothing has happened to ${session} yet.`;
  return entries.map(({ at, text }) => `${new Date(at).toISOString()}  ${oneLine(text)}`).join('\n');
}
