/** Pull requests, by `gh` in a checkout. Each rejects with `GhRefused`, or `cancelled`. */
import * as z from 'zod/mini';
import { gh, GhRefused } from './gh.ts';

/** One of a branch. */
export interface ListedPull {
  number: number;
  url: string;
  state: 'OPEN' | 'CLOSED' | 'MERGED';
  headRefOid: string;
  baseRefName: string;
  /** Its branch is in another repository, of `owner`: anybody may call one so. */
  isCrossRepository: boolean;
  owner: string | undefined;
  body: string;
}

/** One as it is now. */
export type PullFacts = z.output<typeof facts>;
export type PullCheck = z.output<typeof check>;

const address = /^https:\/\/[^\s()<>"'`\\/]+\/[\w.-]+\/[\w.-]+\/pull\/\d+$/;
const state = z.enum(['OPEN', 'CLOSED', 'MERGED']);
/** It is shown as a link. */
const url = z.string().check(z.regex(address));

const listed = z.looseObject({
  number: z.int(),
  url,
  state,
  headRefOid: z.string(),
  baseRefName: z.string(),
  isCrossRepository: z.boolean(),
  headRepositoryOwner: z.nullish(z.looseObject({ login: z.optional(z.string()) })),
  body: z.string(),
});

/** A check run has `name`, `status` and `conclusion`; a commit status `context` and `state`. */
const check = z.looseObject({
  name: z.optional(z.string()),
  workflowName: z.optional(z.string()),
  status: z.optional(z.string()),
  conclusion: z.nullish(z.string()),
  context: z.optional(z.string()),
  state: z.optional(z.string()),
  startedAt: z.nullish(z.string()),
});

const facts = z.looseObject({
  number: z.int(),
  url,
  state,
  headRefOid: z.string(),
  isDraft: z.boolean(),
  mergeable: z.string(),
  reviewDecision: z.nullish(z.string()),
  mergeCommit: z.nullish(z.looseObject({ oid: z.string() })),
  statusCheckRollup: z.nullish(z.array(check)),
});

const keys = (shape: object): string => Object.keys(shape).join(',');

/** All of a branch, whatever has become of them, the newest first. */
export async function listPulls(cwd: string, branch: string, signal?: AbortSignal): Promise<ListedPull[]> {
  const args = ['pr', 'list', '--head', branch, '--state', 'all', '--json', keys(listed.shape)];
  const pulls = read(z.array(listed), await gh(cwd, args, { signal }), 'gh pr list');
  return pulls.map(({ headRepositoryOwner, ...pull }) => ({ ...pull, owner: headRepositoryOwner?.login }));
}

/** How it is now. By its address: which of several remotes is asked does not matter then. */
export async function viewPull(cwd: string, address: string, signal?: AbortSignal): Promise<PullFacts> {
  const args = ['pr', 'view', address, '--json', keys(facts.shape)];
  return read(facts, await gh(cwd, args, { signal }), 'gh pr view');
}

/** `head`: the branch, with `OWNER:` before it where it is in that one's fork. It has to be there. */
export async function createPull(
  cwd: string,
  { head, base, title, body }: { head: string; base: string; title: string; body: string },
  signal?: AbortSignal,
): Promise<{ number: number; url: string }> {
  const args = ['pr', 'create', '--head', head, '--base', base, '--title', title, '--body-file', '-'];
  const printed = await gh(cwd, args, { signal, input: body });
  const made = read(url, JSON.stringify(printed.trim().split('\n').at(-1)?.trim()), 'gh pr create');
  return { url: made, number: Number(made.slice(made.lastIndexOf('/') + 1)) };
}

/**
 * Not by `gh pr edit`: before 2.82 it asks for something that GitHub no longer has, whatever is to be edited, and fails
 * (cli/cli issue 11983).
 */
export async function setPullBody(cwd: string, address: string, body: string, signal?: AbortSignal): Promise<void> {
  const { host, pathname } = new URL(address);
  const [, owner, repository, , number] = pathname.split('/');
  const place = ['--hostname', host, `repos/${owner}/${repository}/pulls/${number}`];
  await gh(cwd, ['api', '--method', 'PATCH', '--silent', ...place, '--field', 'body=@-'], { signal, input: body });
}

function read<T extends z.ZodMiniType>(schema: T, printed: string, what: string): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(printed);
  } catch {
    throw new GhRefused('refused', `${what} printed something else than was asked for`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const where = result.error.issues[0]?.path.join('.') ?? '';
  throw new GhRefused(
    'refused',
    `${what} printed something else than was asked for${where === '' ? '' : ` (${where})`}`,
  );
}
