/**
 * A scripted `gh`: so much of GitHub's program as the merge queue uses, with its words, exit codes and JSON. They follow gh
 * 2.23.0 (Debian 12), which was run beside it, and api/export_pr.go of cli/cli for what is in a check; what it is asked for
 * is the same in 2.83. Arguments: the state's file, then those of gh.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readForge, writeForge } from './forge-state.ts';
import type { ForgePull, ForgeState } from './forge-state.ts';

const [file = '', ...args] = process.argv.slice(2);
const state = readForge(file);
state.calls.push(args);
writeForge(file, state);

const address = 'https://forge.example/acme/alpha/pull/';

function fail(words: string, code = 1): never {
  process.stderr.write(`${words}\n`);
  process.exit(code);
}

/** What one asks of it, as gh finds out: the sign-in first, then the remotes, then the network. */
function reach(): void {
  if (!state.signedIn)
    fail(
      'To get started with GitHub CLI, please run:  gh auth login\nAlternatively, populate the GH_TOKEN environment variable with a GitHub API authentication token.',
      4,
    );
  if (execFileSync('git', ['remote'], { encoding: 'utf8' }).trim() === '') fail('no git remotes found');
  if (!state.known)
    fail(
      'none of the git remotes configured for this repository point to a known GitHub host. To tell gh about a new GitHub host, please use `gh auth login`',
    );
  if (!state.online)
    fail('error connecting to forge.example\ncheck your internet connection or https://githubstatus.com');
}

function headOf({ head, branch, owner }: Pick<ForgePull, 'head' | 'branch' | 'owner'>): string {
  if (head !== undefined) return head;
  const repository = state.repositories[owner] ?? '';
  try {
    return execFileSync('git', ['-C', repository, 'rev-parse', '--verify', '--quiet', `refs/heads/${branch}`], {
      encoding: 'utf8',
    }).trim();
  } catch {
    return '';
  }
}

function fieldsOf(pull: ForgePull, wanted: string): Record<string, unknown> {
  const known: Record<string, unknown> = {
    number: pull.number,
    url: `${address}${pull.number}`,
    state: pull.state,
    title: pull.title,
    body: pull.body,
    baseRefName: pull.base,
    headRefName: pull.branch,
    headRefOid: headOf(pull),
    isCrossRepository: pull.owner !== 'acme',
    headRepositoryOwner: { id: `id-${pull.owner}`, login: pull.owner },
    isDraft: pull.isDraft,
    mergeable: pull.mergeable,
    reviewDecision: pull.reviewDecision,
    mergeCommit: pull.mergeCommit === undefined ? null : { oid: pull.mergeCommit },
    statusCheckRollup: pull.checks.length === 0 ? null : pull.checks,
  };
  return Object.fromEntries(
    wanted.split(',').map((name) => {
      if (!(name in known)) fail(`Unknown JSON field: "${name}"`);
      return [name, known[name]];
    }),
  );
}

function options(names: readonly string[], given: string[]) {
  return parseArgs({
    args: given,
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    allowPositionals: true,
  });
}

const pullAt = ({ pulls }: ForgeState, number: string | undefined): ForgePull =>
  pulls.find((pull) => pull.number === Number(number)) ??
  fail(`GraphQL: Could not resolve to a PullRequest with the number of ${number}. (repository.pullRequest)`);

function list(given: string[]): void {
  const { values } = options(['head', 'state', 'json'], given);
  reach();
  const wanted = values['state'] === 'all' ? state.pulls : state.pulls.filter((pull) => pull.state === 'OPEN');
  const found = wanted.filter(({ branch }) => branch === values['head']).reverse();
  process.stdout.write(JSON.stringify(found.map((pull) => fieldsOf(pull, values['json'] ?? ''))));
}

function view(given: string[]): void {
  const { values, positionals } = options(['json'], given);
  reach();
  const pull = pullAt(state, positionals[0]?.split('/').at(-1));
  process.stdout.write(JSON.stringify(fieldsOf(pull, values['json'] ?? '')));
}

function create(given: string[]): void {
  const { values } = options(['head', 'base', 'title', 'body-file'], given);
  reach();
  if (values['body-file'] !== '-') fail(`open ${values['body-file']}: no such file or directory`);
  const body = readFileSync(0, 'utf8');
  const label = values['head'] ?? '';
  const base = values['base'] ?? '';
  const [owner, branch] = label.includes(':') ? (label.split(':') as [string, string]) : ['acme', label];
  const open = state.pulls.find((pull) => pull.state === 'OPEN' && pull.branch === branch && pull.owner === owner);
  if (open)
    fail(`a pull request for branch "${label}" into branch "${base}" already exists:\n${address}${open.number}`);
  if (headOf({ branch, owner }) === '')
    fail(
      `pull request create failed: GraphQL: Head sha can't be blank, Base sha can't be blank, No commits between ${base} and ${label}, Head ref must be a branch (createPullRequest)`,
    );
  const number = state.pulls.length + 1;
  const made = { number, title: values['title'] ?? '', body, base, branch, owner, state: 'OPEN' as const };
  state.pulls.push({ ...made, isDraft: false, mergeable: 'UNKNOWN', reviewDecision: '', checks: [] });
  const { afterCreate } = state;
  delete state.afterCreate;
  writeForge(file, state);
  if (afterCreate === 'cut') fail('Post "https://forge.example/graphql": read tcp: connection reset by peer');
  if (afterCreate === 'hang') setInterval(() => undefined, 60_000);
  else process.stdout.write(`${address}${number}\n`);
}

/** `PATCH repos/OWNER/REPOSITORY/pulls/NUMBER` with a new body. */
function api(given: string[]): void {
  const { values, positionals } = parseArgs({
    args: given,
    options: {
      method: { type: 'string' },
      hostname: { type: 'string' },
      field: { type: 'string' },
      silent: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  reach();
  const number = /^repos\/acme\/alpha\/pulls\/(\d+)$/.exec(positionals[0] ?? '')?.[1];
  if (values.method !== 'PATCH' || values.hostname !== 'forge.example' || values.field !== 'body=@-')
    fail('gh: Not Found (HTTP 404)');
  pullAt(state, number).body = readFileSync(0, 'utf8');
  writeForge(file, state);
}

const [first, second, ...rest] = args;
if (first === 'pr' && second === 'list') list(rest);
else if (first === 'pr' && second === 'view') view(rest);
else if (first === 'pr' && second === 'create') create(rest);
else if (first === 'api') api(args.slice(1));
else fail(`unknown command "${first}" for "gh"`);
