import type { Command } from 'commander';
import type { BatchView } from '../../../shared/channel/views.ts';
import { addCommand } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { oneLine, table } from '../table.ts';
import { workTable } from './work.ts';

export function addBatchCommands(program: Command, gt: Gt): void {
  const parent = program.command('batch').description('group units of work that belong together');

  addCommand(parent, 'create <title> <work...>', 'begin a batch; you hear once when it is finished or stuck').action(
    async (title: string, work: string[], options: CommonOptions) => {
      gt.print(options, await gt.request('batch.create', { title, work }), summary);
    },
  );

  addCommand(parent, 'add <batch> <work...>', 'put units into a batch, by its id or title').action(
    async (batch: string, work: string[], options: CommonOptions) => {
      gt.print(options, await gt.request('batch.add', { batch, work }), summary);
    },
  );

  addCommand(parent, 'list', 'list the batches that go on, and those of the last day')
    .option('--all', 'all of them')
    .action(async ({ all, ...options }: CommonOptions & { all?: true }) => {
      const { batches } = await gt.request('batch.list', all ? { all } : {});
      gt.print(options, batches, (_listed, width) =>
        table(
          ['ID', 'STATE', 'DONE', 'STARTED BY', 'TITLE'],
          batches.map(({ id, state, done, total, startedBy, title }) => [
            id,
            state,
            `${done}/${total}`,
            startedBy,
            title,
          ]),
          { width, cut: ['TITLE', 'STARTED BY'] },
        ),
      );
    });

  addCommand(parent, 'show <batch>', 'show a batch with its units').action(
    async (name: string, options: CommonOptions) => {
      const batch = await gt.request('batch.show', { batch: name });
      gt.print(options, batch, (_shown, width) => `${summary(batch)}\n\n${workTable(batch.work, width)}`);
    },
  );
}

const summary = ({ id, title, done, total, state }: BatchView): string =>
  `${id} ${oneLine(title)}: ${done}/${total} done, ${state}`;
