import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { spawn } from 'node-pty';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import { readServerRecord } from '../../../shared/backends/opencode/server-record.ts';
import { descendants, identify, isAlive, killAll, startedWith } from '../../../shared/platform/process-table.ts';
import { makeRepository } from '../../support/core.ts';
import { makeOpencodeTown, scripted, shellOf } from '../../support/opencode/town.ts';
import type { Host, OpencodeTown } from '../../support/opencode/town.ts';
import { patience } from '../../support/patience.ts';

const never = new AbortController().signal;

describe('Opencode sessions', () => {
  let town: OpencodeTown;
  let own: Host;
  /** A session that is there all the time, so that not every test waits for a server of its own. */
  let keeper: RunSpec;

  beforeAll(async () => {
    town = await makeOpencodeTown();
    own = await town.makeHost();
    keeper = await town.makeSpec();
    await own.driver.start(keeper, never);
  });
  afterAll(() => town.close());

  const turnsOf = (runId: string): number => own.host.turns.filter((id) => id === runId).length;
  /** What the tools told the model so far. */
  const resultsSeen = (): string => town.model.requests.flatMap(({ results }) => results).join('\n');
  const serverPid = (): number => {
    const folder = path.join(town.root, '.runtime', 'opencode');
    return readServerRecord(path.join(folder, readdirSync(folder)[0]!))!.pid!;
  };

  it('takes its first prompt, and reports receipt and end of the turn', async () => {
    const text = scripted({ tool: 'bash', args: { command: 'env > env.txt; echo done' } }, { text: 'All done.' });
    const spec = await town.makeSpec({ firstPrompt: { id: 'msg_first', text } });
    await own.driver.start(spec, never);
    await own.host.until('the turn', () => turnsOf(spec.runId) === 1);

    expect(own.host.deliveries).toContainEqual({ runId: spec.runId, deliveryId: 'msg_first' });
    expect(town.model.seen('Do your work.')).not.toEqual([]);
    expect(own.host.status(spec.runId)).toMatchObject({ state: 'running', activity: { kind: 'idle' } });
    expect(own.host.references.get(spec.runId)).toMatchObject({ directory: spec.cwd });

    const shell = Object.fromEntries(
      readFileSync(path.join(spec.cwd, 'env.txt'), 'utf8')
        .split('\n')
        .map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]),
    );
    expect(shell).toMatchObject({
      ...spec.env,
      OPENCODE_SERVER_PASSWORD: '',
      GT_SERVER: '',
      GT_SOCKET: '',
      TMPDIR: '/tmp',
    });
    expect(
      town.model.requests.some((request) => JSON.stringify(request).includes(`Role context of ${spec.sessionId}`)),
    ).toBe(true);
    await own.driver.stop(spec.runId);
  });

  it('runs three sessions at once on one server', async () => {
    const specs = await Promise.all([1, 2, 3].map(() => town.makeSpec()));
    await Promise.all(specs.map((spec) => own.driver.start(spec, never)));
    const outcomes = await Promise.all(
      specs.map((spec) =>
        own.driver.deliver(spec.runId, { id: `msg_${spec.runId}`, text: scripted({ text: spec.runId }) }, never),
      ),
    );
    expect(outcomes).toEqual(specs.map(() => ({ kind: 'accepted' })));
    await own.host.until('three turns', () => specs.every((spec) => turnsOf(spec.runId) === 1));
    expect(
      own.host.deliveries
        .filter(({ runId }) => specs.some((spec) => spec.runId === runId))
        .map(({ deliveryId }) => deliveryId),
    ).toEqual(expect.arrayContaining(specs.map((spec) => `msg_${spec.runId}`)));
    expect(readdirSync(path.join(town.root, '.runtime', 'opencode'))).toHaveLength(1);
    await Promise.all(specs.map((spec) => own.driver.stop(spec.runId)));
  });

  it('does not disturb a session in the middle of a turn', async () => {
    const spec = await town.makeSpec({
      firstPrompt: { id: 'msg_hold', text: scripted({ hold: 'gate' }, { text: 'On.' }) },
    });
    await own.driver.start(spec, never);
    await own.host.until('busy', () => own.host.status(spec.runId).activity.kind === 'busy');
    expect(await own.driver.deliver(spec.runId, { id: 'msg_more', text: 'more' }, never)).toMatchObject({
      kind: 'not-now',
    });
    town.model.release('gate');
    await own.host.until('idle', () => turnsOf(spec.runId) === 1);
    await own.driver.stop(spec.runId);
  });

  it('has delivered nothing while the provider is silent, and says so when it answers', async () => {
    const text = `To a silent one. ${scripted({ hold: 'door' }, { status: 429, times: 1 }, { text: 'On.' })}`;
    const spec = await town.makeSpec({ firstPrompt: { id: 'msg_silent', text } });
    await own.driver.start(spec, never);
    await town.model.waitFor((request) => request.text.includes('To a silent one.'));
    await own.host.until('busy', () => own.host.status(spec.runId).activity.kind === 'busy');
    const receipts = () => own.host.deliveries.filter(({ runId }) => runId === spec.runId);
    expect(receipts()).toEqual([]);
    town.model.release('door');
    await own.host.until('the turn', () => turnsOf(spec.runId) === 1);
    expect(receipts()).toContainEqual({ runId: spec.runId, deliveryId: 'msg_silent' });
    await own.driver.stop(spec.runId);
  });

  it('asks for a permission, and goes on when it is given', async () => {
    const text = scripted({ tool: 'bash', args: { command: 'echo hello > said.txt' } }, { text: 'Said.' });
    const spec = await town.makeSpec({ permissions: 'interactive', firstPrompt: { id: 'msg_ask', text } });
    await own.driver.start(spec, never);
    const ask = await own.host.until('the ask', () => own.host.status(spec.runId).asks[0]);
    expect(ask).toMatchObject({ kind: 'permission', title: 'bash: echo hello > said.txt', resolvable: true });
    expect(own.host.status(spec.runId).activity).toEqual({ kind: 'attention', ask: 'permission' });
    await own.driver.answer(spec.runId, ask.id, { kind: 'allow' });
    await own.host.until('the turn', () => turnsOf(spec.runId) === 1);
    expect(readFileSync(path.join(spec.cwd, 'said.txt'), 'utf8')).toBe('hello\n');
    await expect(own.driver.answer(spec.runId, ask.id, { kind: 'allow' })).rejects.toMatchObject({ code: 'refused' });
    await own.driver.stop(spec.runId);
  });

  it('passes on why a permission is denied', async () => {
    const text = scripted({ tool: 'bash', args: { command: 'touch forbidden' } }, { text: 'Then not.' });
    const spec = await town.makeSpec({ permissions: 'interactive', firstPrompt: { id: 'msg_deny', text } });
    await own.driver.start(spec, never);
    const ask = await own.host.until('the ask', () => own.host.status(spec.runId).asks[0]);
    await own.driver.answer(spec.runId, ask.id, { kind: 'deny', message: 'Not on a Monday.' });
    await own.host.until('the turn', () => turnsOf(spec.runId) === 1);
    expect(resultsSeen()).toContain('Not on a Monday.');
    expect(existsSync(path.join(spec.cwd, 'forbidden'))).toBe(false);
    await own.driver.stop(spec.runId);
  });

  it('asks a question, and hands over the answer', async () => {
    const text = scripted(
      { tool: 'ask', args: { question: 'Which colour?', options: ['Red', 'Blue'] } },
      { text: 'Thanks.' },
    );
    const spec = await town.makeSpec({ permissions: 'interactive', firstPrompt: { id: 'msg_question', text } });
    await own.driver.start(spec, never);
    const ask = await own.host.until('the question', () => own.host.status(spec.runId).asks[0]);
    expect(ask).toMatchObject({ kind: 'question', title: 'Which colour?', options: ['Red', 'Blue'] });
    await own.driver.answer(spec.runId, ask.id, { kind: 'answers', answers: [['Blue']] });
    await own.host.until('the turn', () => turnsOf(spec.runId) === 1);
    expect(resultsSeen()).toContain('"Which colour?"="Blue"');
    expect(own.host.status(spec.runId).asks).toEqual([]);
    await own.driver.stop(spec.runId);
  });

  it('leaves no shell child behind when it is stopped', async () => {
    const command = 'setsid sleep 1001 & sleep 1000';
    const spec = await town.makeSpec({
      firstPrompt: { id: 'msg_sleep', text: scripted({ tool: 'bash', args: { command } }) },
    });
    await own.driver.start(spec, never);
    await shellOf(spec, 2);
    await own.driver.stop(spec.runId);
    expect(await startedWith('GT_RUN', spec.runId)).toEqual([]);
  });

  it('D7: leaves nothing in its worktree whose environment was emptied', async () => {
    const cwd = makeRepository(path.join(town.folder, 'emptied'));
    const file = path.join(town.folder, 'emptied.pid');
    const command = `env -i setsid sh -c 'echo $$ > ${file}; exec sleep 1002' > /dev/null 2>&1 & sleep 0.2`;
    const text = scripted({ tool: 'bash', args: { command } }, { text: 'Left.' });
    const spec = await town.makeSpec({ cwd, worktree: cwd, firstPrompt: { id: 'msg_left', text } });
    await own.driver.start(spec, never);
    await own.host.until('the turn', () => turnsOf(spec.runId) === 1);
    const left = (await identify(Number(readFileSync(file, 'utf8'))))!;
    onTestFinished(async () => void (await killAll([left], 0)));
    expect(await startedWith('GT_RUN', spec.runId)).toEqual([]);
    await own.driver.stop(spec.runId);
    expect(await isAlive(left)).toBe(false);
  });

  it('is watched in a terminal', async () => {
    const spec = await town.makeSpec({
      firstPrompt: { id: 'msg_seen', text: scripted({ text: 'Seen by the user.' }) },
    });
    await own.driver.start(spec, never);
    await own.host.until('the turn', () => turnsOf(spec.runId) === 1);
    const target = await own.driver.attach(spec.runId);
    if (target.kind !== 'program') throw new Error('a program was expected');
    const { program, args, cwd, env } = target;
    const terminal = spawn(program, args, { cwd, env, cols: 120, rows: 40 });
    const ended = new Promise<void>((resolve) => terminal.onExit(() => resolve()));
    try {
      await new Promise<void>((resolve, reject) => {
        let screen = '';
        const bound = setTimeout(() => reject(new Error(`the session is not on the screen: ${screen}`)), patience());
        terminal.onData((data) => {
          screen += data;
          // The program positions each word by itself.
          if (!/Seen[^a-z]+by[^a-z]/.test(withoutControls(screen))) return;
          clearTimeout(bound);
          resolve();
        });
      });
    } finally {
      terminal.kill('SIGKILL');
      await ended;
    }
    await own.driver.stop(spec.runId);
  });

  it('shows why a prompt failed', async () => {
    const agent = {
      name: 'broken',
      backend: 'opencode' as const,
      command: 'opencode',
      args: ['--model', 'scripted/nope'],
      env: {},
    };
    const spec = await town.makeSpec({ agent, firstPrompt: { id: 'msg_model', text: 'Hello' } });
    await own.driver.start(spec, never);
    const cause = await own.host.until('the error', () =>
      own.host.reports.find(({ runId, cause }) => runId === spec.runId && /not found/i.test(cause)),
    );
    expect(cause.cause).toMatch(/Model not found: scripted\/nope/);
    await own.host.until('the end of the turn', () => turnsOf(spec.runId) === 1);
    await own.driver.stop(spec.runId);
  });

  it('shows a rate limit with its end', async () => {
    town.model.fail({ status: 429, headers: { 'retry-after': '2' }, match: /limited/, times: 1 });
    const spec = await town.makeSpec({ firstPrompt: { id: 'msg_429', text: 'be limited' } });
    await own.driver.start(spec, never);
    const fact = await own.host.until('the limit', () =>
      own.host.facts(spec.runId).find((found) => found.kind === 'rate-limited'),
    );
    expect(fact).toMatchObject({ kind: 'rate-limited', until: expect.any(Number) });
    await own.host.until('the end of the turn', () => turnsOf(spec.runId) === 1);
    await own.driver.stop(spec.runId);
  });

  it('has a database of its own, and no process left when its last session has ended', async () => {
    const identity = (await identify(serverPid()))!;
    const folder = path.join(town.root, '.runtime', 'opencode');
    expect(existsSync(path.join(folder, readdirSync(folder)[0]!, 'opencode.db'))).toBe(true);
    const children = await descendants(identity.pid);
    await own.driver.stop(keeper.runId);
    expect(await Promise.all([identity, ...children].map(isAlive))).not.toContain(true);
  });
});

function withoutControls(screen: string): string {
  return screen
    .split(String.fromCharCode(27))
    .map((part) => part.replace(/^\[[0-9;?]*[a-zA-Z]/, ''))
    .join(' ');
}
