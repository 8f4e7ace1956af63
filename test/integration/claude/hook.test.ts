import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gt-hook-'));
  await writeFile(join(folder, 'context.md'), 'You are the mayor.');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const event = JSON.stringify({ session_id: 's', hook_event_name: 'SessionStart', source: 'startup' });

async function hook(
  input: string,
  env: Record<string, string>,
  closes = true,
): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [resolve('plugin/claude/hook.ts')], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const code = new Promise<number | null>((done) => child.once('exit', done));
  if (closes) child.stdin.end(input);
  else child.stdin.write(input);
  return { said: await text(child.stdout), code: await code };
}

const ours = () => ({
  GT_SOCKET: join(folder, 'nobody.sock'),
  GT_TOKEN: 't',
  GT_CONTEXT_FILE: join(folder, 'context.md'),
});
const stored = { hookSpecificOutput: { hookEventName: 'SessionStart', additionalContext: 'You are the mayor.' } };

test('without a host, the model gets the stored context', async () => {
  const { code, said } = await hook(event, ours());
  expect([code, JSON.parse(said)]).toEqual([0, stored]);
});

test("a host that does not answer delays the session by less than Claude's own limit", async () => {
  const silent = createServer().listen(join(folder, 'silent.sock'));
  try {
    const { code, said } = await hook(event, { ...ours(), GT_SOCKET: join(folder, 'silent.sock') });
    expect([code, JSON.parse(said)]).toEqual([0, stored]);
  } finally {
    silent.close();
  }
});

test('E15: nothing waits for its input to be closed: neither with the event, nor without, nor outside our sessions', async () => {
  const { code, said } = await hook(event, ours(), false);
  expect([code, JSON.parse(said)]).toEqual([0, stored]);
  expect(await hook('', ours(), false)).toEqual({ code: 0, said: '' });
  expect(await hook(event.slice(0, 20), ours(), false)).toEqual({ code: 0, said: '' });
  expect(await hook('', {}, false)).toEqual({ code: 0, said: '' });
});

test('says nothing outside our sessions, and without a context', async () => {
  expect(await hook(event, {})).toEqual({ code: 0, said: '' });
  expect(await hook('no JSON', ours())).toEqual({ code: 0, said: '' });
  expect(await hook(event, { ...ours(), GT_CONTEXT_FILE: join(folder, 'missing.md') })).toEqual({ code: 0, said: '' });
});
