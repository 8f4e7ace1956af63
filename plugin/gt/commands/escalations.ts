import { Option } from 'commander';
import type { Command } from 'commander';
import type { Params } from '../../../shared/channel/protocol.ts';
import type { EscalationView } from '../../../shared/channel/views.ts';
import type { Severity } from '../../../shared/domain/severity.ts';
import { addCommand, given } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { table } from '../table.ts';

// Written out, because only the core's types reach this bundle.
const severities: readonly Severity[] = ['low', 'medium', 'high', 'critical'];

type RaiseOptions = CommonOptions & { severity?: Severity; message?: string; work?: string };

export function addEscalationCommands(program: Command, gt: Gt): void {
  const parent = addCommand(program, 'escalate', 'tell the user that something is wrong that you cannot solve')
    .addOption(
      new Option('-s, --severity <severity>', 'how much the user is needed').choices(severities).default('medium'),
    )
    // Not required: `gt escalate list` has none. The host refuses an empty one.
    .option('-m, --message <text>', 'what is wrong, and what you need; "-" reads standard input')
    .option('--work <id>', 'the unit of work that it is about')
    .enablePositionalOptions()
    .action(async ({ severity = 'medium', message = '', work, ...options }: RaiseOptions) => {
      const text = await gt.text(message);
      const raised = await gt.report(
        options,
        'work.escalate',
        given<Params<'work.escalate'>>({ severity, message: text, work }),
      );
      if (raised) gt.print(options, raised, ({ id }) => `Escalated (${severity}): ${id}.`);
    });

  addCommand(parent, 'list', 'list what has been escalated and is open')
    .option('--all', 'also what has been closed')
    .action(async ({ all, ...options }: CommonOptions & { all?: boolean }) => {
      const { escalations } = await gt.request('escalation.list', given<Params<'escalation.list'>>({ all }));
      gt.print(options, escalations, (listed, width) =>
        listed.length === 0 ? 'Nothing is escalated.' : escalationTable(listed, width),
      );
    });

  addCommand(parent, 'close <id>', 'close an escalation that has been dealt with')
    .option('-m, --message <text>', 'what was done about it')
    .action(async (id: string, { message, ...options }: CommonOptions & { message?: string }) => {
      const closed = await gt.request('escalation.close', given<Params<'escalation.close'>>({ id, message }));
      gt.print(options, closed, () => `Closed ${closed.id}.`);
    });
}

function escalationTable(escalations: readonly EscalationView[], width: number | undefined): string {
  return table(
    ['ID', 'SEVERITY', 'BY', 'WORK', 'SINCE', 'STATE', 'MESSAGE'],
    escalations.map(({ id, severity, by, work, raisedAt, closedBy, message }) => [
      id,
      severity,
      by,
      work,
      new Date(raisedAt).toISOString(),
      closedBy === undefined ? 'open' : `closed by ${closedBy}`,
      message,
    ]),
    { width, whole: true },
  );
}
