/** GitHub's own command line program, which knows the user's sign-in: we know none, and keep none. */
import { GasTownError, messageOf } from '../errors.ts';
import { findProgram } from '../find-program.ts';
import { inheritedEnvironment } from '../inherited-environment.ts';
import { runProgram } from '../git/git.ts';
import { withoutSecrets } from '../git/without-secrets.ts';

type GhRefusal = 'no-gh' | 'signed-out' | 'no-remote' | 'unknown-forge' | 'unreachable' | 'refused';

/** It did not do what it was asked for; the message is what it said. */
export class GhRefused extends Error {
  readonly kind: GhRefusal;

  constructor(kind: GhRefusal, words: string) {
    super(words);
    this.kind = kind;
  }
}

interface GhOptions {
  signal?: AbortSignal | undefined;
  /** What it reads; nothing when absent. */
  input?: string;
}

/** It waits for its server as long as that takes. In ms. */
const boundMs = 60_000;
const mostWords = 500;

/** Nobody can answer it, what it prints is read by us, and nothing of its requests is for a log. */
const quiet = {
  GH_PROMPT_DISABLED: '1',
  GH_NO_UPDATE_NOTIFIER: '1',
  GH_FORCE_TTY: '',
  GH_DEBUG: '',
  DEBUG: '',
  NO_COLOR: '1',
};

/** Runs it in a checkout, whose remotes tell it where to ask. Resolves with what it printed; rejects with `GhRefused`, or `cancelled`. */
export async function gh(cwd: string, args: readonly string[], { signal, input }: GhOptions = {}): Promise<string> {
  const file = await findProgram('gh', inheritedEnvironment(process.env));
  if (file === undefined) throw new GhRefused('no-gh', 'there is no gh on PATH');
  const what = `gh ${args.slice(0, 2).join(' ')}`;
  const options = { signal, boundMs, env: quiet, ...(input === undefined ? {} : { input }) };
  const { code, stdout, stderr } = await runProgram(cwd, { file, what }, args, options).catch((error: unknown) => {
    if (signal?.aborted || !GasTownError.is(error)) throw error;
    // It was too slow, or cannot be run.
    throw new GhRefused('unreachable', messageOf(error));
  });
  if (code === 0) return stdout;
  throw refusalOf(code, stderr.trim() === '' ? stdout : stderr);
}

/** Pure. It has one exit code for a sign-in that is missing, and no other way than its words to tell the rest apart (2.23 to 2.83). */
function refusalOf(code: number, printed: string): GhRefused {
  const words = withoutSecrets(printed.replace(/\s+/g, ' ').trim()).slice(0, mostWords);
  const kind = kinds.find(([, pattern]) => pattern.test(printed))?.[0] ?? 'refused';
  return new GhRefused(code === authenticationNeeded ? 'signed-out' : kind, words === '' ? 'it said nothing' : words);
}

const authenticationNeeded = 4;

const kinds: readonly (readonly [GhRefusal, RegExp])[] = [
  ['no-remote', /no git remotes found/i],
  ['unknown-forge', /known GitHub host/i],
  ['signed-out', /gh auth login|HTTP 401|Bad credentials/i],
  [
    'unreachable',
    /error connecting to|dial tcp|no such host|proxyconnect|i\/o timeout|timed out|TLS handshake|connection re(fused|set)/i,
  ],
];
