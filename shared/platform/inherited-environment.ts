import { delimiter } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of one kind of agent program. */
export interface AgentVariables {
  /** By which it tells what it starts where it is: of an agent around the editor. No program gets them. */
  marks: readonly RegExp[];
  /** All that are its own. */
  own: readonly RegExp[];
  /** Of its own, those that are for another process than ours. */
  refused: readonly RegExp[];
  /** It has no use for what is another kind's. */
  alone: boolean;
}

const known = new Set<AgentVariables>();

/** Whoever composes the backends tells it once, before anything is run: git gets an environment, too, and knows no agents. */
export function knowAgents(all: Iterable<AgentVariables>): void {
  for (const variables of all) known.add(variables);
}

/**
 * By which git tells the programs that it starts (editors, hooks, aliases, `rebase --exec`, difftool) which repository,
 * index, settings and command they belong to: all of `git rev-parse --local-env-vars`, and what else acts on a git that is
 * run later by somebody else. An editor that was started there hands them on to everything.
 */
export const gitLeftovers: readonly string[] = [
  ...[
    'GIT_DIR',
    'GIT_WORK_TREE',
    'GIT_IMPLICIT_WORK_TREE',
    'GIT_COMMON_DIR',
    'GIT_INDEX_FILE',
    'GIT_PREFIX',
    'GIT_NAMESPACE',
  ],
  ...[
    'GIT_OBJECT_DIRECTORY',
    'GIT_ALTERNATE_OBJECT_DIRECTORIES',
    'GIT_QUARANTINE_PATH',
    'GIT_SHALLOW_FILE',
    'GIT_GRAFT_FILE',
  ],
  ...[
    'GIT_NO_REPLACE_OBJECTS',
    'GIT_REPLACE_REF_BASE',
    'GIT_INTERNAL_SUPER_PREFIX',
    'GIT_ATTR_SOURCE',
    'GIT_NO_LAZY_FETCH',
  ],
  ...['GIT_CONFIG', 'GIT_CONFIG_PARAMETERS', 'GIT_CONFIG_COUNT'],
  ...['GIT_LITERAL_PATHSPECS', 'GIT_GLOB_PATHSPECS', 'GIT_NOGLOB_PATHSPECS', 'GIT_ICASE_PATHSPECS'],
  ...[
    'GIT_EXEC_PATH',
    'GIT_PAGER_IN_USE',
    'GIT_OPTIONAL_LOCKS',
    'GIT_PROTOCOL',
    'GIT_REFLOG_ACTION',
    'GIT_CHERRY_PICK_HELP',
  ],
  // A date is that of one commit, whoever set it.
  ...['GIT_AUTHOR_DATE', 'GIT_COMMITTER_DATE'],
];

const gitPatterns = [
  /^GIT_CONFIG_(KEY|VALUE)_\d+$/,
  /^GIT_PUSH_OPTION_/,
  /^GIT_(DIFFTOOL|MERGETOOL)_/,
  /^GIT_DIFF_(PATH_|TOOL$)/,
];

/** The editor's own, what its debuggers put into the programs that they watch, and the town of a session around it. */
const editor = [
  /^(VSCODE|ELECTRON|APPLICATION_INSIGHTS|BUN_INSPECT)_/,
  /^TERM_PROGRAM/,
  /^(NODE_OPTIONS|BUN_INSPECT)$/,
];
const town = [/^GT_/, /^BD_ACTOR$/];

/** What an agent of this kind does not get, besides what nobody gets. */
function foreignTo(recipient: AgentVariables): readonly RegExp[] {
  const others = recipient.alone ? [...known].filter((variables) => variables !== recipient) : [];
  return [...recipient.marks, ...recipient.refused, ...others.flatMap(({ own }) => own)];
}

/**
 * Pure: what a program gets of an environment that the host inherited. The user's own stays (sign-in, proxies, GIT_SSH_*,
 * GIT_ASKPASS, GIT_COMMITTER_*, ...); what was meant for another process goes. What is configured for an agent is laid
 * over it afterwards, and so wins. `recipient` is absent for programs that are no agents (git among them).
 */
export function inheritedEnvironment(inherited: Environment, recipient?: AgentVariables): Record<string, string> {
  const set = (name: string): boolean => inherited[name] !== undefined;
  const ofOneCall = [
    ...gitLeftovers,
    // Only git writes a date like this, together with the author of the one commit that it is making (by --amend: anybody).
    ...(/^@\d+ [+-]\d{4}$/.test(inherited['GIT_AUTHOR_DATE'] ?? '') ? ['GIT_AUTHOR_NAME', 'GIT_AUTHOR_EMAIL'] : []),
    // The editor's programs answer only where the editor's other variables are, and only while that window lives.
    ...(set('VSCODE_GIT_ASKPASS_MAIN') ? ['GIT_ASKPASS', 'SSH_ASKPASS', 'SSH_ASKPASS_REQUIRE'] : []),
    ...(set('VSCODE_GIT_EDITOR_MAIN') ? ['GIT_EDITOR'] : []),
    // By this git says to hooks and to `rebase --exec` that it opens no editor.
    ...['GIT_EDITOR', 'GIT_SEQUENCE_EDITOR'].filter((name) => inherited[name] === ':'),
    ...(inherited['GIT_EXTERNAL_DIFF'] === 'git-difftool--helper' ? ['GIT_EXTERNAL_DIFF', 'GIT_PAGER'] : []),
  ];
  const names = new Set(ofOneCall);
  const patterns = [
    ...gitPatterns,
    ...editor,
    ...town,
    ...[...known].flatMap(({ marks }) => marks),
    ...(recipient ? foreignTo(recipient) : []),
  ];
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(inherited)) {
    if (value === undefined || names.has(name) || patterns.some((pattern) => pattern.test(name))) continue;
    kept[name] = name.toUpperCase() === 'PATH' ? withoutFolder(value, inherited['GIT_EXEC_PATH']) : value;
  }
  return kept;
}

const proxyExceptions = ['NO_PROXY', 'no_proxy'] as const;
const loopback = ['localhost', '127.0.0.1', '::1'];

/**
 * Pure: an agent's environment in which what is on this machine is asked for directly: an agent's hooks and
 * servers are. In both spellings, since each program reads its own; behind what the user has exempted.
 */
export function exemptLoopback(environment: Readonly<Record<string, string>>): Record<string, string> {
  const exempt = { ...environment };
  for (const name of proxyExceptions) {
    const there = proxyExceptions.map((each) => environment[each] ?? '').filter((value) => value.trim() !== '');
    const own = (environment[name] ?? '').trim() === '' ? (there[0] ?? '') : (environment[name] ?? '');
    const hosts = own.split(/[\s,]+/).filter((host) => host !== '');
    // Alone it stands for every host; with others behind it some programs take it for a name.
    const more = hosts.includes('*') ? [] : loopback.filter((host) => !hosts.includes(host));
    exempt[name] = more.length === 0 ? own : [...hosts, ...more].join(',');
  }
  return exempt;
}

/** git puts its own folder first on the PATH of what it starts. */
function withoutFolder(path: string, folder: string | undefined): string {
  if (folder === undefined) return path;
  return path
    .split(delimiter)
    .filter((each) => each !== folder)
    .join(delimiter);
}
