import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { isObject } from '../../../shared/platform/objects.ts';
import { quoted } from '../../../shared/platform/sanitize.ts';
import type { DoneStatus, Params, Results } from '../../../shared/channel/protocol.ts';
import type { WorkType } from '../../../shared/domain/orchestrator.ts';
import type { WorkView } from '../../../shared/channel/views.ts';
import { addCommand, backendOption, given } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { Failure } from '../failure.ts';
import { oneLine, table } from '../table.ts';
import { hasCode } from '../../../shared/platform/errors.ts';

// Written out, because only the core's types reach this bundle.
const workTypes: readonly WorkType[] = ['issue', 'formula', 'task'];
const doneStatuses: readonly DoneStatus[] = ['completed', 'failed', 'escalated'];

type SlingOptions = CommonOptions &
  Pick<Params<'sling'>, 'agent' | 'backend' | 'name' | 'message' | 'setup'> & { now?: true };
type HandoffOptions = CommonOptions &
  Pick<Params<'work.handoff'>, 'work' | 'agent' | 'backend'> & { message?: string; context?: string };
type UnitOptions = CommonOptions &
  Pick<Params<'work.add'>, 'rig' | 'type' | 'priority' | 'after' | 'batch' | 'payload'> & { file?: string[] };
type AddOptions = UnitOptions & { id?: string; message?: string };
type EditOptions = UnitOptions & { title?: string; description?: string };
type DoneOptions = CommonOptions & Pick<Params<'work.done'>, 'status' | 'message' | 'id' | 'uncommitted'>;

export function addWorkCommands(program: Command, gt: Gt): void {
  addCommand(program, 'sling <work> <rig>', 'give a unit of work to a polecat of a rig')
    .option('--agent <agent>', 'the configured agent to run')
    .addOption(backendOption())
    .option('--name <name>', 'name of the polecat; the next free one when left out')
    .option(
      '-m, --message <text>',
      'describes work that the town does not know yet, or adds a note; "-" reads standard input',
    )
    .option('--no-setup', "leave out what the rig's settings say of new worktrees: fetch, copies and set-up")
    .option('--now', 'also where it waits for other units: it waits for them no more')
    .action(
      async (work: string, rig: string, { agent, backend, name, message, now, setup, ...options }: SlingOptions) => {
        let text = message === undefined ? undefined : await gt.text(message);
        const base = given<Params<'work.queue'>>({
          work,
          rig,
          agent,
          backend,
          name,
          setup: setup === false ? false : undefined,
        });
        const order = (): Params<'work.queue'> => ({ ...base, ...(text === undefined ? {} : { message: text }) });
        await tellOverlaps(gt, given<Params<'work.overlap'>>({ work, rig, message: text }));
        const sling = (): Promise<Results['sling']> => gt.request('sling', now ? { ...order(), now } : order());
        let slung: Results['sling'];
        try {
          slung = await sling().catch(async (error: unknown) => {
            text = await askWhat(gt, options, work, { error, text });
            return sling();
          });
        } catch (error) {
          if (!hasCode(error, 'waits')) throw error;
          const queued = await gt.request('work.queue', order());
          gt.print(
            options,
            { work: queued },
            () => `${work} ${queued.note ?? 'waits'}. It is queued, and begins by itself.`,
          );
          return;
        }
        gt.print(options, slung, ({ session }) => {
          const on = session.branch === undefined ? '' : ` on branch ${session.branch}`;
          return `Slung ${slung.work.id} to ${session.id} (${session.agent})${on}.`;
        });
      },
    );

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
    .option('--uncommitted', 'what is not committed is not part of it')
    .action(async ({ status, message, id, uncommitted, ...options }: DoneOptions) => {
      const text = message === undefined ? undefined : await gt.text(message);
      const done = await gt.report(
        options,
        'work.done',
        given<Params<'work.done'>>({ status, message: text, id, uncommitted }),
      );
      if (done) gt.print(options, done, () => `${done.id} is reported: ${done.state}.`);
    });

  const parent = program.command('work').description('add, list and show units of work');

  withUnitOptions(addCommand(parent, 'add [title]', 'record a unit of work, or those of documents'))
    .option('-m, --message <text>', 'the full description; "-" reads standard input')
    .option('--id <id>', 'its id; made from a counter when left out')
    .action(async (title: string | undefined, { message, id, file, ...unit }: AddOptions) => {
      const { json: _json, ...fields } = unit;
      if (file !== undefined) {
        if (title !== undefined || message !== undefined || id !== undefined || Object.keys(fields).length > 0)
          throw new Failure(
            'With -F everything stands in the documents: write title, rig and the like into their front matter.',
            2,
          );
        const { work } = await gt.request('work.import', { documents: await gt.documents(file) });
        gt.print(unit, work, () => work.map(added).join('\n'));
        return;
      }
      if (title === undefined)
        throw new Failure('Say what is to be done: gt work add "<title>", or gt work add -F <file>.', 2);
      const heading = await gt.text(title);
      const description = message === undefined ? heading : await gt.text(message);
      const params = given<Params<'work.add'>>({ title: heading, description, id, ...fields });
      gt.print(unit, await gt.request('work.add', params), added);
    });

  withUnitOptions(addCommand(parent, 'edit <id>', 'change a unit of work; the session that works on it is told'))
    .option('--title <title>', 'what it is called')
    .option('-m, --description <text>', 'what is to be done; "-" reads standard input')
    .action(async (id: string, { file, description, ...unit }: EditOptions) => {
      const { json: _json, ...fields } = unit;
      const [document] = file === undefined ? [] : await gt.documents(file.slice(-1));
      const text = description === undefined ? undefined : await gt.text(description);
      if (document === undefined && text === undefined && Object.keys(fields).length === 0)
        throw new Failure(`Say what is to be changed about ${id}: see gt work edit --help.`, 2);
      const params = given<Params<'work.edit'>>({ id, description: text, document, ...fields });
      gt.print(unit, await gt.request('work.edit', params), (work) => `${work.id} is changed: ${oneLine(work.title)}`);
    });

  addCommand(parent, 'depend <id>', 'let a unit begin after others')
    .requiredOption('--on <ids>', 'the units that it waits for, as A,B', idsOf)
    .option('--remove', 'it waits for them no more')
    .action(async (id: string, { on, remove, ...options }: CommonOptions & { on: string[]; remove?: true }) => {
      const work = await gt.request('work.depend', given<Params<'work.depend'>>({ id, on, remove }));
      const after = work.after === undefined ? 'waits for nothing' : `begins after ${work.after.join(', ')}`;
      gt.print(options, work, () => `${work.id} ${after}.`);
    });

  addCommand(parent, 'list', 'list units of work')
    .option('--rig <rig>', 'only those of this rig')
    .option('--state <state>', 'only those in this state')
    .option('--batch <batch>', 'only those of this batch, by its id or title')
    .action(
      async ({ rig, state, batch, ...options }: CommonOptions & { rig?: string; state?: string; batch?: string }) => {
        const { work } = await gt.request('town.snapshot', {});
        const units = batch === undefined ? undefined : (await gt.request('batch.show', { batch })).units;
        const isWanted = (unit: WorkView): boolean =>
          (rig === undefined || unit.rig === rig) &&
          (state === undefined || unit.state === state) &&
          (units === undefined || units.includes(unit.id));
        gt.print(options, work.filter(isWanted), workTable);
      },
    );

  addCommand(parent, 'cancel <id>', 'nobody shall do it any more; the session that has it is told')
    .option('-m, --message <text>', 'why; "-" reads standard input')
    .action(async (id: string, { message, ...options }: CommonOptions & { message?: string }) => {
      const text = message === undefined ? undefined : await gt.text(message);
      const cancelled = await gt.request('work.cancel', given<Params<'work.cancel'>>({ id, message: text }));
      gt.print(options, cancelled, () => `${cancelled.id} is cancelled.`);
    });

  addCommand(parent, 'requeue <id>', 'give a unit that is not done another chance').action(
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
      gt.print(
        options,
        await gt.request('work.show', { id }),
        (work, width) => `${details(work)}${payloadText(work)}\n\n${historyTable(work, width)}`,
      );
    },
  );
}

/**
 * What is to be done in a unit that the town does not know, from whoever sits at the terminal. Rejects with the error for a
 * program, for a session, and where nothing is said.
 */
async function askWhat(
  gt: Gt,
  { json }: CommonOptions,
  work: string,
  { error, text }: { error: unknown; text: string | undefined },
): Promise<string> {
  const mayAsk = text === undefined && hasCode(error, 'unknown-work') && !json && !gt.io.env['GT_RUN'];
  const said = mayAsk
    ? (await gt.io.ask(`The town does not know ${work} yet. What is to be done? `))?.trim()
    : undefined;
  if (!said) throw error;
  return said;
}

/** Who changes what the unit names, too: said beside the result, and no reason not to sling it. */
async function tellOverlaps(gt: Gt, about: Params<'work.overlap'>): Promise<void> {
  // What is wrong with the order, the sling itself says.
  const { overlaps, more } = await gt.request('work.overlap', about).catch(() => ({ overlaps: [], more: 0 }));
  for (const { work, session, state, files, moreFiles } of overlaps) {
    const who = session === undefined ? state : `${session}, ${state}`;
    const rest = moreFiles === 0 ? '' : ` and ${moreFiles} more`;
    gt.io.err(`Note: ${oneLine(`${work} (${who}) changes ${files.join(', ')}${rest}, too.`)}\n`);
  }
  if (more > 0) gt.io.err(`Note: ${more} more ${more === 1 ? 'unit does' : 'units do'}, too: gt queue\n`);
}

/** What can be said of a unit, new or not. */
function withUnitOptions(command: Command): Command {
  return command
    .option('--rig <rig>', 'the rig that it belongs to')
    .addOption(new Option('--type <type>', 'what it is').choices(workTypes))
    .option('--priority <number>', '0 (most urgent) to 4 (least); 2 is normal', priorityOf)
    .option('--after <ids>', 'the units that it begins after, as A,B', idsOf)
    .option('--batch <batch>', 'the batch that it belongs to, by id or title; begun where there is none')
    .option('--payload <json>', 'a JSON object that is kept with it', payloadOf)
    .option(
      '-F, --file <file>',
      'a Markdown document with front matter; "-" is standard input',
      (file, files: string[] = []) => [...files, file],
    );
}

const added = ({ id, title, batch }: WorkView): string =>
  `Added ${id}: ${oneLine(title)}${batch === undefined ? '' : ` (in ${batch})`}`;

const idsOf = (value: string): string[] =>
  value
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '');

function payloadOf(value: string): Record<string, unknown> {
  try {
    const payload: unknown = JSON.parse(value);
    if (isObject(payload)) return payload;
  } catch {
    // Said below.
  }
  throw new InvalidArgumentError('It has to be a JSON object, such as {"issue": 7}.');
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

export function workTable(work: readonly WorkView[], width: number | undefined): string {
  return table(
    ['ID', 'STATE', 'PRIORITY', 'RIG', 'OWNER', 'TITLE'],
    work.map(({ id, state, waitsFor, priority, rig, owner, title }) => [
      id,
      waitsFor === undefined || state !== 'queued' ? state : `${state} (waits for ${waitsFor.join(', ')})`,
      String(priority),
      rig,
      owner,
      title,
    ]),
    { width, cut: ['TITLE', 'OWNER', 'RIG'] },
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
  after,
  waitsFor,
  batch,
}: WorkView): string {
  const facts = [
    `state: ${state}`,
    rig && `rig: ${rig}`,
    owner && `session: ${owner}`,
    ...(result === undefined ? [branch && `branch: ${withCommits(branch, commits)}`] : placesOf(result)),
    result !== undefined && result.branch !== branch && `given branch: ${branch}`,
    attempts !== undefined && `queued again: ${attempts} ${attempts === 1 ? 'time' : 'times'}`,
    batch && `batch: ${batch}`,
    after && `begins after: ${after.join(', ')}${waitsFor ? ` (waits for ${waitsFor.join(', ')})` : ''}`,
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

const payloadText = ({ payload }: Results['work.show']): string =>
  Object.keys(payload).length === 0 ? '' : `\n\n${quoted(`payload: ${JSON.stringify(payload, null, 2)}`)}`;

function historyTable({ history }: Results['work.show'], width: number | undefined): string {
  return table(
    ['AT', 'STATE', 'BY', 'NOTE'],
    history.map(({ at, state, by, note }) => [new Date(at).toISOString(), state, by, note]),
    { width, whole: true },
  );
}
