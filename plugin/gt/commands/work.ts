import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { quoted } from '../../../shared/channel/inert.ts';
import type { DoneStatus, Params, Results } from '../../../shared/channel/protocol.ts';
import type { WorkType } from '../../../shared/orchestrator.ts';
import type { WorkView } from '../../../shared/town/snapshot.ts';
import { addCommand, backendOption, given } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { oneLine, table } from '../table.ts';

// Written out, because only the core's types reach this bundle.
const workTypes: readonly WorkType[] = ['issue', 'formula', 'task'];
const doneStatuses: readonly DoneStatus[] = ['completed', 'failed', 'escalated'];

type SlingOptions = CommonOptions & Pick<Params<'sling'>, 'agent' | 'backend' | 'name' | 'message'>;
type HandoffOptions = CommonOptions &
  Pick<Params<'work.handoff'>, 'work' | 'agent' | 'backend'> & { message?: string; context?: string };
type AddOptions = CommonOptions & Pick<Params<'work.add'>, 'id' | 'rig' | 'type' | 'priority'> & { message?: string };
type DoneOptions = CommonOptions & Pick<Params<'work.done'>, 'status' | 'message' | 'id'>;

export function addWorkCommands(program: Command, gt: Gt): void {
  addCommand(program, 'sling <work> <rig>', 'give a unit of work to a polecat of a rig')
    .option('--agent <agent>', 'the configured agent to run')
    .addOption(backendOption())
    .option('--name <name>', 'name of the polecat; the next free one when left out')
    .option(
      '-m, --message <text>',
      'describes work that the town does not know yet, or adds a note; "-" reads standard input',
    )
    .action(async (work: string, rig: string, { agent, backend, name, message, ...options }: SlingOptions) => {
      const text = message === undefined ? undefined : await gt.text(message);
      const slung = await gt.request(
        'sling',
        given<Params<'sling'>>({ work, rig, agent, backend, name, message: text }),
      );
      gt.print(options, slung, ({ session }) => {
        const on = session.branch === undefined ? '' : ` on branch ${session.branch}`;
        return `Slung ${slung.work.id} to ${session.id} (${session.agent})${on}.`;
      });
    });

  addCommand(program, 'handoff <from> <to>', 'hand a unit of work, with its branch and worktree, to another session')
    .option('-m, --message <context>', 'what the new session has to know; "-" reads standard input')
    .addOption(new Option('--context <context>', 'the same').conflicts('message'))
    .option('--work <work>', 'which unit, where the session has several')
    .option('--agent <agent>', 'the configured agent to run, where <to> is the name of a new polecat')
    .addOption(backendOption())
    .action(
      async (
        from: string,
        to: string,
        { message, context: long, work, agent, backend, ...options }: HandoffOptions,
      ) => {
        const context = await gt.text(message ?? long ?? '');
        const handed = await gt.request(
          'work.handoff',
          given<Params<'work.handoff'>>({ from, to, context, work, agent, backend }),
        );
        gt.print(
          options,
          handed,
          ({ session }) => `Handed ${handed.work.id} over to ${session.id} (${session.agent}).`,
        );
      },
    );

  addCommand(program, 'hook', 'show the work of this session')
    .option('--session <session>', 'of another session')
    .action(async ({ session, ...options }: CommonOptions & { session?: string }) => {
      const mine = await gt.request('work.mine', given<Params<'work.mine'>>({ session }));
      gt.print(options, mine, ({ work }) =>
        work.length === 0 ? `${mine.session} has no work.` : work.map(details).join('\n\n'),
      );
    });

  addCommand(program, 'done', "report the end of this session's work")
    .addOption(
      new Option('--status <status>', 'how it ended (completed when left out)')
        .choices(doneStatuses)
        .argParser(lowerCase),
    )
    .option('-m, --message <text>', 'what was done, or why not; "-" reads standard input')
    .option('--id <work>', 'which unit, where the session has several')
    .action(async ({ status, message, id, ...options }: DoneOptions) => {
      const text = message === undefined ? undefined : await gt.text(message);
      const done = await gt.report(options, 'work.done', given<Params<'work.done'>>({ status, message: text, id }));
      if (done) gt.print(options, done, () => `${done.id} is reported: ${done.state}.`);
    });

  const parent = program.command('work').description('add, list and show units of work');

  addCommand(parent, 'add <title>', 'record a unit of work')
    .option('-m, --message <text>', 'the full description; "-" reads standard input')
    .option('--id <id>', 'its id; made from a counter when left out')
    .option('--rig <rig>', 'the rig that it belongs to')
    .addOption(new Option('--type <type>', 'what it is').choices(workTypes))
    .option('--priority <number>', '0 (most urgent) to 4 (least); 2 is normal', priorityOf)
    .action(async (title: string, { message, id, rig, type, priority, ...options }: AddOptions) => {
      const heading = await gt.text(title);
      const description = message === undefined ? heading : await gt.text(message);
      const params = given<Params<'work.add'>>({ title: heading, description, id, rig, type, priority });
      const added = await gt.request('work.add', params);
      gt.print(options, added, () => `Added ${added.id}: ${oneLine(added.title)}`);
    });

  addCommand(parent, 'list', 'list units of work')
    .option('--rig <rig>', 'only those of this rig')
    .action(async ({ rig, ...options }: CommonOptions & { rig?: string }) => {
      const { work } = await gt.request('town.snapshot', {});
      gt.print(
        options,
        work.filter((unit) => rig === undefined || unit.rig === rig),
        workTable,
      );
    });

  addCommand(parent, 'cancel <id>', 'nobody shall do it any more; the session that has it is told')
    .option('-m, --message <text>', 'why; "-" reads standard input')
    .action(async (id: string, { message, ...options }: CommonOptions & { message?: string }) => {
      const text = message === undefined ? undefined : await gt.text(message);
      const cancelled = await gt.request('work.cancel', given<Params<'work.cancel'>>({ id, message: text }));
      gt.print(options, cancelled, () => `${cancelled.id} is cancelled.`);
    });

  addCommand(parent, 'requeue <id>', 'give a unit another chance, whatever has become of it').action(
    async (id: string, options: CommonOptions) => {
      gt.print(
        options,
        await gt.request('work.requeue', { id }),
        (work) => `${work.id} is queued for a new session in ${work.rig}.`,
      );
    },
  );

  addCommand(parent, 'show <id>', 'show a unit of work and what has happened to it').action(
    async (id: string, options: CommonOptions) => {
      gt.print(options, await gt.request('work.show', { id }), (work) => `${details(work)}\n\n${historyTable(work)}`);
    },
  );
}

function priorityOf(value: string): number {
  const priority = Number(value);
  if (Number.isInteger(priority) && priority >= 0 && priority <= 4 && value.trim() !== '') return priority;
  throw new InvalidArgumentError('Allowed are 0, 1, 2, 3 and 4.');
}

/** Gas Town writes the status in capitals. */
function lowerCase(value: string): string {
  const status = doneStatuses.find((known) => known === value.toLowerCase());
  if (status === undefined) throw new InvalidArgumentError(`Allowed choices are ${doneStatuses.join(', ')}.`);
  return status;
}

function workTable(work: readonly WorkView[]): string {
  return table(
    ['ID', 'STATE', 'PRIORITY', 'RIG', 'OWNER', 'TITLE'],
    work.map(({ id, state, priority, rig, owner, title }) => [id, state, String(priority), rig, owner, title]),
  );
}

function details({
  id,
  type,
  title,
  state,
  rig,
  owner,
  branch,
  commits,
  result,
  note,
  description,
  attempts,
  notBefore,
}: WorkView): string {
  const facts = [
    `state: ${state}`,
    rig && `rig: ${rig}`,
    owner && `session: ${owner}`,
    ...(result === undefined ? [branch && `branch: ${withCommits(branch, commits)}`] : placesOf(result)),
    result !== undefined && result.branch !== branch && `given branch: ${branch}`,
    attempts !== undefined && `queued again: ${attempts} ${attempts === 1 ? 'time' : 'times'}`,
    notBefore !== undefined && `not before: ${new Date(notBefore).toISOString()}`,
    note && `note: ${oneLine(note)}`,
  ].filter(Boolean);
  return [`${id} (${type}) ${oneLine(title)}`, ...facts, '', quoted(description)].join('\n');
}

/** The branches that have what was done, what is checked out first. */
function placesOf({ branch, head, commits, others = [] }: NonNullable<WorkView['result']>): string[] {
  const checkedOut =
    branch === undefined
      ? `detached at ${head}: ${withCommits('no branch', commits)}`
      : `branch: ${withCommits(branch, commits)}`;
  return [checkedOut, ...others.map((each) => `also on: ${withCommits(each.branch, each.commits)}`)];
}

const withCommits = (branch: string, commits: number | undefined): string =>
  commits === undefined ? branch : `${branch} (${commits} ${commits === 1 ? 'commit' : 'commits'})`;

function historyTable({ history }: Results['work.show']): string {
  return table(
    ['AT', 'STATE', 'BY', 'NOTE'],
    history.map(({ at, state, by, note }) => [new Date(at).toISOString(), state, by, note]),
  );
}
