import { relative } from 'node:path';
import type { Command } from 'commander';
import type { Params } from '../../../shared/channel/protocol.ts';
import type { Role } from '../../../shared/domain/orchestrator.ts';
import type { SessionView, TownSnapshot } from '../../../shared/channel/views.ts';
import { exitCode, Failure } from '../failure.ts';
import { addCommand, backendOption, given } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';

type StartOptions = CommonOptions & Pick<Params<'session.spawn'>, 'agent' | 'backend'>;

/** Who is meant: `gt crew start <name> [rig]`, `gt refinery start [rig]`, `gt mayor start`. */
interface Who {
  role: Role;
  name?: string | undefined;
  rig?: string | undefined;
}

interface RoleCommands {
  role: Role;
  args: string;
  does: string;
  who(args: readonly string[]): Who;
}

const roleCommands: readonly RoleCommands[] = [
  { role: 'mayor', args: '', does: 'who talks with you and slings work', who: () => ({ role: 'mayor' }) },
  { role: 'deacon', args: '', does: 'who looks after the town', who: () => ({ role: 'deacon' }) },
  { role: 'witness', args: ' [rig]', does: "who watches a rig's polecats", who: ([rig]) => ({ role: 'witness', rig }) },
  {
    role: 'refinery',
    args: ' [rig]',
    does: "that reviews a rig's branches",
    who: ([rig]) => ({ role: 'refinery', rig }),
  },
  {
    role: 'crew',
    args: ' <name> [rig]',
    does: 'beside you in a rig',
    who: ([name, rig]) => ({ role: 'crew', name, rig }),
  },
];

export function addRoleCommands(program: Command, gt: Gt): void {
  for (const { role, args, does, who } of roleCommands) {
    const what = role === 'crew' ? `a crew member ${does}` : `the ${role} ${does}`;
    const parent = program.command(role).description(`start or attach to ${what}`);

    withAgent(addCommand(parent, `start${args}`, `start ${what}`)).action(async (...received: unknown[]) => {
      const { positional, options } = take(received);
      const session = await start(gt, await complete(gt, who(positional)), options);
      gt.print(options, session, () => `${session.id} is ${session.state} (${session.agent}).`);
    });

    withAgent(addCommand(parent, `attach${args}`, `show ${what}, started if necessary`)).action(
      async (...received: unknown[]) => {
        const { positional, options } = take(received);
        await attach(gt, await complete(gt, who(positional)), options);
      },
    );
  }
}

function withAgent(command: Command): Command {
  return command.option('--agent <agent>', 'the configured agent to run').addOption(backendOption());
}

/** Commander calls an action with its arguments, then the options, then the command. */
function take(received: readonly unknown[]): { positional: string[]; options: StartOptions } {
  return {
    positional: received.slice(0, -2).filter((argument) => typeof argument === 'string'),
    options: received.at(-2) as StartOptions,
  };
}

/** Roles of a rig that is not named mean the rig around the current folder, or the town's only one. */
async function complete(gt: Gt, who: Who): Promise<Who> {
  if (who.role === 'mayor' || who.role === 'deacon' || who.rig !== undefined) return who;
  const { rigs } = await gt.request('town.snapshot', {});
  // A rig may lie in another one: in a town that is a rig itself, or as a folder of a repository that is one, too.
  const [around] = rigs.filter(({ path }) => isInside(gt.io.cwd, path)).sort((a, b) => b.path.length - a.path.length);
  const rig = gt.io.env['GT_RIG'] || around?.name || (rigs.length === 1 ? rigs[0]?.name : undefined);
  if (rig) return { ...who, rig };
  const known = rigs.length === 0 ? 'The town has no rigs yet.' : `Rigs: ${rigs.map(({ name }) => name).join(', ')}.`;
  throw new Failure(`Which rig's ${who.role}? Name the rig, or go to its folder. ${known}`, exitCode.usage);
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!way.startsWith('..') && way !== path);
}

function start(gt: Gt, { role, rig, name }: Who, { agent, backend }: StartOptions): Promise<SessionView> {
  return gt.request('session.spawn', given<Params<'session.spawn'>>({ role, rig, name, agent, backend }));
}

async function attach(gt: Gt, who: Who, options: StartOptions): Promise<void> {
  const running = findRunning(await gt.request('town.snapshot', {}), who);
  if (running) refuseOther(running, options);
  const session = running ?? (await start(gt, who, options));
  const target = await gt.request('session.attach', { session: session.id });
  if (target.kind === 'shown') {
    gt.print(options, target, () => `${session.id} is shown in its terminal in the editor.`);
  } else if (options.json) {
    // The environment stays out: it may hold the password of the agent's server.
    const { kind, name, program, args, cwd } = target;
    gt.print(options, { kind, name, program, args, cwd }, () => '');
  } else {
    await gt.close();
    gt.exitCode = await gt.io.runProgram(target);
  }
}

function findRunning({ sessions }: TownSnapshot, { role, rig = '', name = '' }: Who): SessionView | undefined {
  return sessions.find(
    (session) =>
      session.role === role &&
      session.rig === rig &&
      session.agentName === name &&
      session.state !== 'stopped' &&
      session.state !== 'failed',
  );
}

function refuseOther(running: SessionView, { agent, backend }: StartOptions): void {
  const other =
    (agent !== undefined && agent !== running.agent) || (backend !== undefined && backend !== running.backend);
  if (!other) return;
  throw new Failure(
    `${running.id} runs already, with agent ${running.agent} (${running.backend}). ` +
      `Attach without --agent and --backend, or end it first: gt stop ${running.id}`,
  );
}
