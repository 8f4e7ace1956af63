import { Command, CommanderError } from 'commander';
import { ChannelError } from '../../shared/channel/client.ts';
import { addAgentCommands } from './commands/agents.ts';
import { addAttentionCommands } from './commands/attention.ts';
import { addBatchCommands } from './commands/batches.ts';
import { addEscalationCommands } from './commands/escalations.ts';
import { addLogCommand } from './commands/log.ts';
import { addMessageCommands } from './commands/messages.ts';
import { addRigCommands } from './commands/rigs.ts';
import { addRoleCommands } from './commands/roles.ts';
import { addTownCommands } from './commands/town.ts';
import { addWorktreeCommands } from './commands/worktrees.ts';
import { addMergeCommands } from './commands/merges.ts';
import { addReviewCommands } from './commands/review.ts';
import { addWorkCommands } from './commands/work.ts';
import { exitCode, Failure } from './failure.ts';
import { Gt } from './gt.ts';
import type { Io } from './io.ts';

/** Runs one `gt` command and resolves with its exit code: 0 done (or kept for the next host), 1 failed, 2 wrong usage, 3 no host. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const gt = new Gt(io);
  try {
    await makeProgram(gt).parseAsync(argv, { from: 'user' });
    return gt.exitCode;
  } catch (error) {
    // Commander has printed its message (or the help that was asked for) already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    const failure = toFailure(error);
    io.err(`gt: ${failure.message}\n`);
    return failure.exitCode;
  } finally {
    await gt.close();
  }
}

function makeProgram(gt: Gt): Command {
  const program = new Command('gt')
    .description('Gas Town: run many coding agents at once. Talks to the host of the town around the current folder.')
    .configureOutput({ writeOut: (text) => gt.io.out(text), writeErr: (text) => gt.io.err(text) })
    // What comes after a subcommand's name belongs to the subcommand, also where its parent has an option of that name.
    .enablePositionalOptions()
    .exitOverride();
  addAgentCommands(program, gt);
  addWorkCommands(program, gt);
  addReviewCommands(program, gt);
  addBatchCommands(program, gt);
  addMergeCommands(program, gt);
  addEscalationCommands(program, gt);
  addAttentionCommands(program, gt);
  addLogCommand(program, gt);
  addMessageCommands(program, gt);
  addRoleCommands(program, gt);
  addRigCommands(program, gt);
  addTownCommands(program, gt);
  addWorktreeCommands(program, gt);
  return program;
}

function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof ChannelError && error.code === 'no-host') {
    return new Failure(
      'The host went away before it answered. When it is back, look whether it has done what was asked ' +
        '(`gt agents`, `gt work list`) before you repeat it.',
      exitCode.noHost,
    );
  }
  return new Failure(error instanceof Error ? error.message : String(error));
}
