import type { Command } from 'commander';
import type { DoctorCheck, Params, RemovalItem, TownRemoval } from '../../../shared/channel/protocol.ts';
import { exitCode, Failure } from '../failure.ts';
import { addCommand, given } from '../gt.ts';
import type { CommonOptions, Gt } from '../gt.ts';
import { oneLine } from '../table.ts';
import { gtVersion } from '../version.ts';

export function addTownCommands(program: Command, gt: Gt): void {
  addCommand(program, 'prime', 'print the role context of this session')
    .option('--session <session>', 'of another session')
    .action(async ({ session, ...options }: CommonOptions & { session?: string }) => {
      const primed = await gt.request('session.prime', given<Params<'session.prime'>>({ session }));
      gt.print(options, primed, ({ text }) => text);
    });

  addCommand(program, 'doctor', 'check the town, its rigs and the agent programs').action(
    async (options: CommonOptions) => {
      const report = await gt.request('town.doctor', {});
      gt.print(options, report, ({ checks }) => checks.map(line).join('\n'));
      if (report.checks.some(({ state }) => state === 'error')) gt.exitCode = exitCode.failed;
    },
  );

  addCommand(program, 'health', 'check the agent programs; what works again is used again at once').action(
    async (options: CommonOptions) => {
      const health = await gt.request('town.health', {});
      gt.print(options, health, ({ backends }) =>
        backends.map(({ name, ok, detail }) => line({ name, state: ok ? 'ok' : 'error', detail })).join('\n'),
      );
      if (health.backends.some(({ ok }) => !ok)) gt.exitCode = exitCode.failed;
    },
  );

  addCommand(program, 'remove', 'remove the town: end its sessions and delete what it has written (not for sessions)')
    .option('--dry-run', 'show what would go and what stays')
    .option('--yes', 'do it')
    .action(async ({ dryRun, yes, ...options }: CommonOptions & { dryRun?: true; yes?: true }) => {
      if (dryRun === yes)
        throw new Failure(
          'Say which: --dry-run shows what would go and what stays, --yes removes the town.',
          exitCode.usage,
        );
      const removal = await gt.request(yes ? 'town.remove' : 'town.removal', {});
      gt.print(options, removal, (result) =>
        removalText(result, yes ? ['Ran:', 'Went:', 'Stayed:'] : ['Would run:', 'Would go:', 'Would stay:']),
      );
    });

  addCommand(program, 'version', 'print the version of gt').action((options: CommonOptions) =>
    gt.print(options, { version: gtVersion }, ({ version }) => `gt ${version}`),
  );
}

const marks: Record<DoctorCheck['state'], string> = { ok: 'ok      ', warning: 'warning ', error: 'ERROR   ' };

function line({ name, state, detail, advice }: DoctorCheck): string {
  return `${marks[state]} ${name}: ${detail}${advice === undefined ? '' : `\n         → ${advice}`}`;
}

function removalText(
  { sessions, runs, goes, stays }: TownRemoval,
  [ran, went, stayed]: [string, string, string],
): string {
  const item = ({ path, what }: RemovalItem): string => `  ${path}: ${what}`;
  return [
    ...(runs.length === 0 ? [] : [ran, ...runs.map(({ path, what }) => `  ${oneLine(what)} (in ${path})`)]),
    went,
    ...sessions.map((id) => `  ${id}: a session, which is ended`),
    ...goes.map(item),
    stayed,
    ...stays.map(item),
  ].join('\n');
}
