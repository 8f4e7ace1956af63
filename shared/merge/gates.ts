import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gate } from '../config/merge-queue-settings.ts';
import type { GateResult } from '../domain/merge.ts';
import { unlessMissing } from '../platform/files.ts';
import { prepareStanding } from '../platform/git/standing-worktree.ts';
import { runCommand } from '../platform/run-command.ts';
import type { GateRun } from './queue-acts.ts';
import { setUpStanding } from './standing-set-up.ts';
import type { StandingSetUp } from './standing-set-up.ts';

export interface GateOrder {
  repository: string;
  /** The standing worktree, and the rig's folder in it (empty for its top). */
  worktree: string;
  subfolder: string;
  commit: string;
  gates: readonly Gate[];
  setUp: StandingSetUp;
  /** For the set-up and the gates. */
  env: Readonly<Record<string, string>>;
  parallel: boolean;
  /** How often one that has failed is tried again. */
  retries: number;
  /** Folder for what they print. */
  logs: string;
  signal: AbortSignal;
}

/** So many logs are kept for a rig, the newest. */
const keptLogs = 100;

/**
 * Runs gates on a commit, in the standing worktree. What they write there stays there: what lands is the commit. Rejects where
 * the worktree cannot be made; then none has run.
 */
export async function runGates(order: GateOrder): Promise<GateRun> {
  const { gates, parallel, retries, signal } = order;
  if (gates.length === 0) return { state: 'passed', results: [] };
  await prune(order.logs);
  await prepare(order);
  const unready = await setUp(order);
  if (signal.aborted) return { state: 'cancelled', results: [] };
  if (unready) return { state: 'failed', results: [unready] };
  let results = await runAll(order, gates, parallel, 1);
  for (let attempt = 2; attempt <= retries + 1 && !signal.aborted; attempt += 1) {
    const failed = gates.filter((_gate, at) => results[at]?.state !== 'passed');
    if (failed.length === 0) break;
    await prepare(order);
    const again = await runAll(order, failed, parallel, attempt);
    results = results.map((result, at) => {
      const second = again[failed.indexOf(gates[at]!)];
      return second === undefined ? result : second.state === 'passed' ? { ...second, retried: true } : second;
    });
  }
  if (signal.aborted) return { state: 'cancelled', results: [] };
  return { state: results.every(({ state }) => state === 'passed') ? 'passed' : 'failed', results };
}

const prepare = ({ repository, worktree, commit, signal }: GateOrder): Promise<unknown> =>
  prepareStanding(repository, worktree, commit, signal);

function setUp({
  repository,
  worktree,
  subfolder,
  setUp: how,
  env,
  logs,
  signal,
}: GateOrder): Promise<GateResult | undefined> {
  const log = join(logs, 'setup_command.log');
  return setUpStanding(how, { repository, worktree, cwd: join(worktree, subfolder), env, log }, signal);
}

async function runAll(
  order: GateOrder,
  gates: readonly Gate[],
  parallel: boolean,
  attempt: number,
): Promise<GateResult[]> {
  if (parallel) return Promise.all(gates.map((gate) => runOne(order, gate, attempt)));
  const results: GateResult[] = [];
  for (const gate of gates) results.push(await runOne(order, gate, attempt));
  return results;
}

async function runOne(
  { worktree, subfolder, commit, env: given, logs, signal }: GateOrder,
  { name, command, timeoutMs }: Gate,
  attempt: number,
): Promise<GateResult> {
  const log = join(logs, `${commit.slice(0, 10)}-${fileName(name)}${attempt === 1 ? '' : `-${attempt}`}.log`);
  // Test runners that would watch for changes end by themselves where they see it.
  const env = { CI: 'true', ...given };
  const cwd = join(worktree, subfolder);
  const { state, took, tail } = await runCommand({ command, cwd, env, boundMs: timeoutMs, log, signal });
  if (state === 'passed') return { name, state, took, log };
  return { name, state: state === 'timed-out' ? state : 'failed', took, log, ...(tail === '' ? {} : { tail }) };
}

/** Names of gates may be any. */
function fileName(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9._-]/g, '-');
  return plain === name ? name : `${plain}-${createHash('sha256').update(name).digest('hex').slice(0, 6)}`;
}

async function prune(logs: string): Promise<void> {
  const names = (await unlessMissing(readdir(logs))) ?? [];
  if (names.length <= keptLogs) return;
  const aged = await Promise.all(
    names.map(async (name) => ({ name, at: (await unlessMissing(stat(join(logs, name))))?.mtimeMs ?? 0 })),
  );
  const old = aged.sort((a, b) => b.at - a.at).slice(keptLogs);
  await Promise.all(old.map(({ name }) => rm(join(logs, name), { force: true })));
}
