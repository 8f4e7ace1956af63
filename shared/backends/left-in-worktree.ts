/**
 * What agents have left in a worktree with nothing of their session in its environment (`env -i`, a program that writes its
 * own title over it). The folder alone proves nothing: the user's shell, editor or server may be there, too.
 */
import { join } from 'node:path';
import { isMarked } from '../platform/descent-mark.ts';
import { allProcesses, ancestorsIn, descendantsIn, folderOf, variableOf } from '../platform/process-table.ts';
import type { ProcessRow } from '../platform/process-source.ts';
import type { ProcessIdentity } from '../platform/process-table.ts';

export interface Left {
  /** They descend from an agent's program, and hang below nothing that lives of ours; with all below them. */
  agents: ProcessIdentity[];
  /** Somebody has emptied their environment, and their descent is not known. */
  doubtful: ProcessIdentity[];
}

/** A session's program, or a server of several, and all that they start have one of these. */
const ours = ['GT_RUN', 'GT_SERVER'];

/** Nothing where the system does not tell of descent. */
export async function leftIn(worktree: string): Promise<Left> {
  const hostIsMarked = await isMarked(process.pid);
  if (hostIsMarked === undefined) return { agents: [], doubtful: [] };
  const rows = await allProcesses();
  const inside = (await Promise.all(rows.map(async (row) => ((await isIn(worktree, row)) ? [row] : [])))).flat();
  const agents = new Map<number, ProcessRow>();
  const doubtful: ProcessRow[] = [];
  for (const row of inside) {
    if (await hangsBelowOurs(rows, row.pid)) continue;
    // Where this host descends from an agent itself, so may all that the user has begun in its editor.
    if (!hostIsMarked && (await isMarked(row.pid)))
      for (const each of [row, ...descendantsIn(rows, row.pid)]) agents.set(each.pid, each);
    else if ((await variableOf(row.pid, 'HOME')) === undefined) doubtful.push(row);
  }
  return { agents: [...agents.values()].map(identityOf), doubtful: doubtful.map(identityOf) };
}

async function isIn(worktree: string, { pid }: ProcessRow): Promise<boolean> {
  const folder = await folderOf(pid);
  return folder === worktree || folder?.startsWith(join(worktree, '/')) === true;
}

/** It belongs to this host, or to a run or server that lives: theirs are ended with them. */
async function hangsBelowOurs(rows: ProcessRow[], pid: number): Promise<boolean> {
  const chain = ancestorsIn(rows, pid);
  if (chain.includes(process.pid) || ancestorsIn(rows, process.pid).includes(pid)) return true;
  const values = await Promise.all(chain.flatMap((each) => ours.map((name) => variableOf(each, name))));
  return values.some((value) => value !== undefined && value !== '');
}

const identityOf = ({ pid, startTime }: ProcessRow): ProcessIdentity => ({ pid, startTime });
