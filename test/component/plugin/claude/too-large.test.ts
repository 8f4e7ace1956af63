import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { protocolVersion } from '../../../../shared/channel/protocol.ts';
import { ChannelServer } from '../../../../shared/channel/server.ts';
import { silentLogger } from '../../../../shared/platform/logger.ts';
import { temporaryFolder } from '../../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let server: ChannelServer;
let asked: number;
const caller = { kind: 'session', session: 'alpha-toast', runId: 'run_1' } as const;
const answer = { hookSpecificOutput: { hookEventName: 'PermissionRequest', decision: { behavior: 'allow' } } };
const socket = (): string => join(folder.path, 'private', 'host.sock');

beforeEach(async () => {
  folder = temporaryFolder('too-large');
  asked = 0;
  server = await ChannelServer.listen(
    socket(),
    {
      identify: () => caller,
      hello: () => ({ protocol: protocolVersion, town: 'test', root: '/town', host: 'here', caller }),
      handle: async () => {
        asked += 1;
        return { answer };
      },
    },
    silentLogger,
  );
});
afterEach(async () => {
  await server.close();
  folder.remove();
});

/** What Claude is told by the reporter that its hook has started. */
async function hook(toolInput: unknown): Promise<unknown> {
  const child = spawn(process.execPath, ['--no-warnings', resolve('plugin/claude/hook.ts')], {
    env: { GT_SOCKET: socket(), GT_TOKEN: 'token' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const code = new Promise((done) => child.once('exit', done));
  child.stdin.end(
    JSON.stringify({
      session_id: 's',
      hook_event_name: 'PermissionRequest',
      tool_name: 'Write',
      tool_input: toolInput,
    }),
  );
  const said = await text(child.stdout);
  expect(await code).toBe(0);
  return JSON.parse(said);
}
const megabytes = (count: number): string => 'x'.repeat(count * 2 ** 20);
const deep = (levels: number): unknown => (levels === 0 ? '' : [deep(levels - 1)]);

test.each([
  ['16 MB', { file_path: '/a', content: megabytes(17) }, 'more than 16 MB'],
  ['64 levels', deep(70), 'more than 64 levels deep'],
])(
  'a request of more than %s is left to the terminal, with the reason, and no host is asked',
  async (_, input, why) => {
    expect(await hook(input)).toEqual({
      systemMessage: `Gas Town cannot show this request: What is asked has ${why}. Answer it here.`,
    });
    expect(asked).toBe(0);
  },
);

test('one of somewhat less is asked', async () => {
  expect(await hook({ file_path: '/a', content: megabytes(16).slice(1000) })).toEqual(answer);
  expect(asked).toBe(1);
});
