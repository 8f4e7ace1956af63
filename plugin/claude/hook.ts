/**
 * The reporter that Claude Code's hooks in our sessions run: tells the host what happens, gives the model its role
 * context (SessionStart), refuses for it a prompt that is not what was typed (UserPromptSubmit), and holds a permission
 * request until the user has decided (PermissionRequest), unless it is too large for the host. It speaks with nobody but
 * the host, over the host's own socket. Says nothing and succeeds everywhere else: a hook that fails or hangs disturbs the
 * user's session.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askOnce, TooLargeError } from '../../shared/channel/ask-once.ts';
import { atHost } from '../../shared/channel/at-host.ts';
import { report } from './report.ts';
import { untilAnswered } from './until-answered.ts';

/** How long Claude, which waits for us, is kept waiting by a host that does not answer. In ms; its own limits are above. */
const bounds = { SessionStart: 4000, others: 2000 };
/** One JSON object comes at once; whether our input is closed after it is not waited for. In ms. */
const inputBound = 800;

const { GT_SOCKET: socket, GT_TOKEN: token, GT_CONTEXT_FILE: contextFile, GT_ROOT: root } = process.env;
const hostFile = root ? join(root, '.runtime', 'host.json') : undefined;
const begunAt = Math.round(performance.timeOrigin);

async function main(): Promise<void> {
  if (!socket || !token) return;
  const payload = await readPayload();
  const name = payload?.['hook_event_name'];
  if (payload === undefined || typeof name !== 'string') return;
  const ask = (params: { ask?: string; signal?: AbortSignal } = {}) => {
    const { signal, ...others } = params;
    const hook = { name, payload: report(payload), at: begunAt, ...others };
    const question = { token, client: 'claude-hook', method: 'inside.hook', params: hook } as const;
    return atHost(socket, hostFile, (at) => askOnce({ ...question, socket: at, ...(signal ? { signal } : {}) }));
  };
  if (name === 'SessionStart') {
    const heard = await ask({ signal: AbortSignal.timeout(bounds.SessionStart) }).catch(() => undefined);
    const additionalContext = heard ? heard.additionalContext : await storedContext();
    if (additionalContext) await say({ hookSpecificOutput: { hookEventName: name, additionalContext } });
  } else if (name === 'PermissionRequest') {
    // The same ask for every host that hears of it.
    const id = randomUUID();
    try {
      const { answer } = await untilAnswered(socket, () => ask({ ask: id }));
      if (answer) await say(answer);
    } catch (error) {
      if (!(error instanceof TooLargeError)) throw error;
      // Without a decision Claude asks in its own dialog (2.1.330 shows that, and no word of ours beside it).
      await say({ systemMessage: `Gas Town cannot show this request: ${error.message} Answer it here.` });
    }
  } else {
    // Nobody is there, or late: the session's state file and record tell the next host.
    const heard = await ask({ signal: AbortSignal.timeout(bounds.others) }).catch(() => undefined);
    if (heard?.answer) await say(heard.answer);
  }
}

function say(answer: object): Promise<void> {
  return new Promise((resolve) => process.stdout.write(JSON.stringify(answer), () => resolve()));
}

/** Undefined where no object comes in time. */
function readPayload(): Promise<Record<string, unknown> | undefined> {
  return new Promise((resolve) => {
    let input = '';
    const done = (): void => {
      clearTimeout(late);
      resolve(parse(input));
    };
    const late = setTimeout(done, inputBound);
    process.stdin.setEncoding('utf8');
    process.stdin.on('data', (chunk: string) => {
      input += chunk;
      late.refresh();
      // The object's end closes its outermost brace; only then is it worth a look.
      if (chunk.trimEnd().endsWith('}') && parse(input)) done();
    });
    process.stdin.once('end', done);
    process.stdin.once('error', done);
  });
}

function parse(input: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(input);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    // Not called by Claude Code.
    return undefined;
  }
}

/** The host keeps the newest context in this file, for when it is away itself. */
async function storedContext(): Promise<string | undefined> {
  return contextFile ? readFile(contextFile, 'utf8').catch(() => undefined) : undefined;
}

// An error has no place to go: what we print, Claude would show the user or the model.
await main().catch(() => undefined);
// Nothing may keep the hook alive; what had to be written has been.
process.exit(0);
