import type { Command } from 'commander';
import type { OpenBreaker } from '../../../shared/domain/circuit-breaker.ts';
import type { Activity } from '../../../shared/domain/activity.ts';
import type { BackendView, SessionView } from '../../../shared/channel/views.ts';
import { addCommand } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { oneLine, table } from '../table.ts';

export function addAgentCommands(program: Command, gt: Gt): void {
  addCommand(program, 'agents', 'list all sessions of the town')
    .option('-l, --long', 'also show what each one does, its session id and its agent')
    .action(async (options: CommonOptions & { long?: true }) => {
      const { sessions, backends } = await gt.request('session.list', {});
      const notes = [...backends.flatMap(troubleOf), ...sessions.flatMap(problemOf)];
      gt.print(options, sessions, (_listed, width) =>
        [agentsTable(sessions, options.long === true, width), ...notes].join('\n'),
      );
    });

  addCommand(
    program,
    'stop <session>',
    'stop a session and everything that it started; give up one that has failed',
  ).action(async (session: string, options: CommonOptions) => {
    const stopped = await gt.request('session.stop', { session });
    gt.print(options, stopped, () => `${stopped.id} is ${stopped.state}.`);
  });

  addCommand(program, 'dismiss <session>', 'take a session that has ended off the list, for good').action(
    async (session: string, options: CommonOptions) => {
      const dismissed = await gt.request('session.dismiss', { session });
      gt.print(options, dismissed, () => `${dismissed.id} is dismissed.`);
    },
  );

  addCommand(
    program,
    'reset <session>',
    'start a session again that has ended, also one that is quarantined because it failed too often',
  ).action(async (session: string, options: CommonOptions) => {
    const again = await gt.request('session.reset', { session });
    gt.print(options, again, () => `${again.id} is ${again.state} again.`);
  });
}

/** A line below the table for each backend, rig or agent's program on which nothing is started now. */
function troubleOf({ name, breaker, parts = [] }: BackendView): string[] {
  return [
    ...(breaker ? [troubleLine(name, breaker)] : []),
    ...parts.map((part) =>
      troubleLine(
        part.program === undefined
          ? `${name} in ${part.rig === '' ? "the town's folder" : part.rig}`
          : `agent ${part.program}`,
        part.breaker,
      ),
    ),
  ];
}

function troubleLine(of: string, { until, reason }: OpenBreaker): string {
  const bound = until === undefined ? '' : ` until ${new Date(until).toISOString()}`;
  return `! ${of}: nothing new is started${bound}: ${oneLine(reason)}`;
}

const problemOf = ({ id, problem }: SessionView): string[] =>
  problem === undefined ? [] : [`! ${id}: ${oneLine(problem)}`];

function agentsTable(sessions: readonly SessionView[], long: boolean, width: number | undefined): string {
  return table(
    ['BACKEND', 'ROLE', 'NAME', 'RIG', 'STATE', ...(long ? ['ACTIVITY', 'SESSION', 'AGENT'] : [])],
    sessions.map((session) => [
      session.backend,
      session.role,
      session.agentName,
      session.rig,
      session.endedUnseen ? 'ended' : session.state,
      ...(long
        ? [session.quarantined ? 'quarantined' : activityText(session.activity), session.id, session.agent]
        : []),
    ]),
    { width, cut: ['ACTIVITY', 'AGENT', 'BACKEND'] },
  );
}

function activityText(activity: Activity): string {
  if (activity.kind === 'attention') return `waits: ${activity.ask}`;
  if (activity.kind === 'rate-limited') {
    const until = new Date(activity.until).toISOString();
    return activity.failing ? `provider fails, tries again at ${until}` : `rate-limited until ${until}`;
  }
  return activity.kind;
}
