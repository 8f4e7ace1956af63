/**
 * Claude Code's SessionStart hook of our sessions (HTTP hooks do not run for this event): tells the host that the session
 * has begun, and gives the model its role context. Says nothing and succeeds everywhere else: a hook that fails or hangs
 * disturbs the person's session.
 */
import { readFile } from 'node:fs/promises';
import { ChannelClient } from '../../shared/channel/client.ts';

/** Claude waits for us; in ms. Its own limit is 5 s. */
const bound = 4000;
/** One JSON object comes at once; whether our input is closed after it is not waited for. In ms. */
const inputBound = 800;

const { GT_SOCKET: socket, GT_TOKEN: token, GT_CONTEXT_FILE: contextFile } = process.env;

async function main(): Promise<void> {
  if (!socket || !token) return;
  const payload = await readPayload();
  if (payload === undefined) return;
  const additionalContext = await ask(socket, token, payload).catch(() => storedContext());
  if (!additionalContext) return;
  const answer = { hookSpecificOutput: { hookEventName: 'SessionStart', additionalContext } };
  await new Promise<void>((resolve) => process.stdout.write(JSON.stringify(answer), () => resolve()));
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
      // The object's end closes its outermost brace; only then is it worth a look.
      if (input.trimEnd().endsWith('}') && parse(input)) done();
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

/** Rejects when no host answers in time, whether it does not take the connection, the greeting or the question. */
async function ask(path: string, secret: string, payload: Record<string, unknown>): Promise<string | undefined> {
  const late = AbortSignal.timeout(bound);
  const timeout = new Promise<never>((_, reject) => {
    late.addEventListener('abort', () => reject(new Error('The host does not answer.')));
  });
  return Promise.race([report(path, secret, payload), timeout]);
}

async function report(path: string, secret: string, payload: Record<string, unknown>): Promise<string | undefined> {
  const client = await ChannelClient.connect(path, { protocol: 1, token: secret, client: 'claude-hook' }, bound);
  try {
    return (await client.request('inside.hook', { name: 'SessionStart', payload })).additionalContext;
  } finally {
    client.close();
  }
}

/** The host keeps the newest context in this file, for when it is away itself. */
async function storedContext(): Promise<string | undefined> {
  return contextFile ? readFile(contextFile, 'utf8').catch(() => undefined) : undefined;
}

await main();
// Nothing may keep the hook alive; what had to be written has been.
process.exit(0);
