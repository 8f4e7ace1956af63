import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { identify, isAlive, killAll, waitForEnd } from '../../../shared/platform/process-table.ts';
import type { Report } from '../../support/driver-host.ts';
import { ClaudeTown, directive, makeRepository, roleContext } from './town.ts';
import { patience } from '../../support/patience.ts';

let town: ClaudeTown;
beforeAll(async () => {
  town = await ClaudeTown.create();
});
afterEach(async () => {
  town.model.reset();
  await town.terminals.closeAll();
});
afterAll(() => town.close());

const signal = (): AbortSignal => AbortSignal.timeout(patience(60_000));
/** A tool call that runs until it is ended, with a child of its own. (Claude refuses to `sleep`.) */
const endless = directive('Run for ever', [
  { tool: 'bash', args: { command: 'tail -f /dev/null & tail -f /dev/null' } },
]);

async function running(): Promise<ReturnType<ClaudeTown['spec']>> {
  const spec = await town.idle({ permissions: 'autonomous' });
  await town.say(spec, endless);
  await town.host.until('the tool', () =>
    town.host.reports.find(({ cause, runId }) => runId === spec.runId && cause === 'uses Bash'),
  );
  await expect.poll(async () => (await town.processes(spec)).length, { timeout: patience() }).toBeGreaterThanOrEqual(3);
  return spec;
}

describe('start', () => {
  test('with its first prompt: the model has it, with the role context, and the receipt comes', async () => {
    const firstPrompt = { id: 'msg_first', text: 'Begin with\nissue-1 – "now".' };
    const spec = town.spec({ firstPrompt });
    await town.driver.start(spec, signal());
    await town.host.until('receipt', () => town.host.deliveries.find(({ deliveryId }) => deliveryId === 'msg_first'));
    const request = await town.model.waitFor((entry) => entry.kind === 'turn');
    expect(request.text).toBe(firstPrompt.text);
    await town.untilIdle(spec.runId);
    expect(town.model.seen(roleContext)).toHaveLength(1);
    expect(town.host.turns).toEqual([spec.runId]);
    expect(town.host.pids.get(spec.runId)).toBe(town.terminal(spec).pid);
    await town.driver.stop(spec.runId);
    expect(town.host.status(spec.runId).state).toBe('stopped');
  });

  test('E11: is ready by its events, whatever the screen looks like: vim mode, full screen, no-break spaces', async () => {
    const file = join(town.configDir, 'settings.json');
    await mkdir(town.configDir, { recursive: true });
    await writeFile(
      file,
      JSON.stringify({
        editorMode: 'vim',
        tui: 'fullscreen',
        statusLine: { type: 'command', command: 'printf "\\302\\240-- INSERT --\\302\\240❯"' },
      }),
    );
    try {
      const spec = await town.idle();
      await expect.poll(() => town.terminal(spec).lastOutput(), { timeout: patience() }).toContain('-- INSERT --');
      expect(await town.deliver(spec, 'ihjkl: typed as it is')).toEqual({ kind: 'delivered' });
      expect((await town.model.waitFor((entry) => entry.text.includes('typed as it is'))).text).toBe(
        'ihjkl: typed as it is',
      );
      await town.untilIdle(spec.runId);
      await town.driver.stop(spec.runId);
    } finally {
      await rm(file);
    }
  });

  test('the agent may do everything in an autonomous session, and nobody is asked', async () => {
    const spec = await town.idle({ permissions: 'autonomous' });
    const command = 'echo "$GT_SESSION ${PATH%%:*} [$GT_TEST_MARK]" > told.txt; cat told.txt';
    await town.say(spec, directive('Look around', [{ tool: 'bash', args: { command } }]));
    const { results } = await town.model.waitFor((entry) => entry.results.length > 0);
    expect(results[0]).toContain(`sample-dagny ${join(town.folder, 'bin')} []`);
    expect(town.host.facts(spec.runId).filter(({ kind }) => kind === 'asked')).toEqual([]);
    await town.driver.stop(spec.runId);
  });

  test('D7: what it leaves in its worktree ends with it, also with an emptied environment', async () => {
    const spec = await town.idle({ permissions: 'autonomous', worktree: town.repository });
    const file = join(town.folder, 'emptied.pid');
    const command = `env -i setsid sh -c 'echo $$ > ${file}; exec tail -f /dev/null' > /dev/null 2>&1 & echo begun`;
    await town.say(spec, directive('Leave it', [{ tool: 'bash', args: { command } }]));
    await town.model.waitFor((entry) => entry.results.some((result) => result.includes('begun')));
    await expect.poll(() => readFile(file, 'utf8'), { timeout: patience() }).toMatch(/\n$/);
    const left = (await identify(Number(await readFile(file, 'utf8'))))!;
    onTestFinished(async () => void (await killAll([left], 0)));
    await town.driver.stop(spec.runId);
    expect(await isAlive(left)).toBe(false);
  });

  test('permissions are bypassed in a sandbox without a dialog', async () => {
    const base = town.spec();
    const spec = await town.idle({ permissions: 'autonomous', agent: { ...base.agent, env: { IS_SANDBOX: '1' } } });
    expect(await town.settings(spec)).toContain('"skipDangerousModePermissionPrompt": true');
    await town.say(spec, directive('Do it', [{ tool: 'bash', args: { command: 'echo by-passed' } }]));
    await town.model.waitFor((entry) => entry.results.some((result) => result.includes('by-passed')));
    await town.driver.stop(spec.runId);
  });

  test('the settings file is private, and holds no secret', async () => {
    const spec = await town.idle();
    const file = join(spec.runDir, 'settings.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await town.settings(spec)).not.toContain(spec.env['GT_TOKEN']);
    await town.driver.stop(spec.runId);
    expect(existsSync(file)).toBe(false);
  });

  test('fails with the words of the program when it ends at once', async () => {
    const base = town.spec();
    const spec = town.spec({ agent: { ...base.agent, args: ['--no-such-flag'] } });
    await expect(town.driver.start(spec, signal())).rejects.toThrow(
      /ended with code 1[\s\S]*unknown option '--no-such-flag'/,
    );
    expect(await town.processes(spec)).toEqual([]);
    expect(existsSync(join(spec.runDir, 'settings.json'))).toBe(false);
  });

  test.each<[string, string, (program: string) => string[]]>([
    ['env', 'env', (program) => ['FOO=1', program, '--model', 'sonnet']],
    ['a shell', 'bash', (program) => ['-c', `exec ${program} "$@"`, 'claude', '--model', 'sonnet']],
    ['a shell that waits for it', 'bash', (program) => ['-c', `${program} "$@"; exit $?`, 'claude']],
  ])('D4: through %s', async (_what, command, argsOf) => {
    const base = town.spec();
    const spec = await town.idle({ agent: { ...base.agent, name: 'mine', command, args: argsOf(town.program) } });
    expect(await town.deliver(spec, 'Say something.')).toEqual({ kind: 'delivered' });
    await town.untilIdle(spec.runId);
    await town.driver.stop(spec.runId);
    expect(await town.processes(spec)).toEqual([]);
    expect(town.host.status(spec.runId).state).toBe('stopped');
  });

  test('D3: a warning that the user has not accepted is named, and a start that ends at it says so', async () => {
    const base = town.spec();
    const agent = { ...base.agent, args: ['--dangerously-skip-permissions'], env: { IS_SANDBOX: '1' } };
    const spec = town.spec({ agent });
    const started = town.driver.start(spec, signal());
    const words = /ended with code 1[^]*The next start asks again. Claude asks whether to run/;
    const message: unknown = expect.stringMatching(words);
    const failed = expect(started).rejects.toMatchObject({ code: 'spawn-failed', about: 'question', message });
    const report = await town.host.until('dialog', () =>
      town.host.reports.find(({ fact, runId }) => runId === spec.runId && fact.kind === 'waiting'),
    );
    expect(report.cause).toMatch(/^Claude asks whether to run without asking .*No, ends it\); answer in the terminal$/);
    const terminal = town.terminal(spec);
    await expect.poll(() => terminal.lastOutput(), { timeout: patience() }).toMatch(/❯ ?No, ?exit/);
    // What it stands on.
    terminal.write('\r');
    await failed;
    expect(await town.processes(spec)).toEqual([]);
    await mkdir(town.configDir, { recursive: true });
    const settings = join(town.configDir, 'settings.json');
    await writeFile(settings, JSON.stringify({ skipDangerousModePermissionPrompt: true }));
    try {
      await town.driver.stop((await town.idle({ agent })).runId);
    } finally {
      await rm(settings);
    }
  });

  test('says when the program is missing or too old', async () => {
    const base = town.spec();
    const missing = town.spec({ agent: { ...base.agent, command: 'no-claude-here' } });
    await expect(town.driver.start(missing, signal())).rejects.toMatchObject({ code: 'agent-missing' });
    const old = join(town.folder, 'old-claude');
    await writeFile(old, '#!/bin/sh\necho "1.0.33 (Claude Code)"\n');
    await chmod(old, 0o755);
    const tooOld = town.spec({ agent: { ...base.agent, command: old } });
    await expect(town.driver.start(tooOld, signal())).rejects.toMatchObject({ code: 'agent-too-old' });
    expect(town.terminals.terminals).toEqual([]);
  });

  test('can be cancelled, and leaves nothing behind', async () => {
    const spec = town.spec();
    const controller = new AbortController();
    const started = town.driver.start(spec, controller.signal);
    void town.host.until('pid', () => town.host.pids.get(spec.runId)).then(() => controller.abort());
    await expect(started).rejects.toMatchObject({ code: 'cancelled' });
    expect(await town.processes(spec)).toEqual([]);
    await expect.poll(() => town.terminals.terminals).toEqual([]);
  });

  test('an untrusted folder: the terminal is shown with the reason, and the session waits until it is stopped', async () => {
    const cwd = join(town.folder, 'untrusted');
    await makeRepository(cwd);
    const spec = town.spec({ cwd });
    const started = town.driver.start(spec, signal());
    const failed = expect(started).rejects.toMatchObject({ code: 'spawn-failed' });
    const isDialog = ({ fact, runId }: Report) =>
      runId === spec.runId && fact.kind === 'waiting' && fact.ask === 'dialog';
    const report = await town.host.until('dialog', () => town.host.reports.find(isDialog));
    expect(report).toMatchObject({ cause: `Claude asks whether to trust ${cwd}; answer in the terminal` });
    expect(town.host.status(spec.runId)).toMatchObject({
      state: 'starting',
      activity: { kind: 'attention', ask: 'dialog' },
    });
    expect(town.terminal(spec).shown).toBe(1);
    await town.driver.stop(spec.runId);
    await failed;
    expect(await town.processes(spec)).toEqual([]);
  });

  test('an untrusted folder: the session goes on when the person has trusted it', async () => {
    const cwd = join(town.folder, 'trusted-later');
    await makeRepository(cwd);
    const firstPrompt = { id: 'msg_trust', text: 'Wait behind the dialog.' };
    const spec = town.spec({ cwd, firstPrompt });
    const started = town.driver.start(spec, signal());
    await town.host.until('dialog', () =>
      town.host.reports.find(({ fact, runId }) => runId === spec.runId && fact.kind === 'waiting'),
    );
    // "No, exit" comes first.
    const terminal = town.terminal(spec);
    terminal.write('\u001b[A');
    await expect
      .poll(() => terminal.lastOutput(), { timeout: patience() })
      .toMatch(/Yes, I trust[^]*❯[^]*Yes, I trust|❯ ?\d?\.? ?Yes, I trust/);
    terminal.write('\r');
    await started;
    await town.model.waitFor((entry) => entry.text === firstPrompt.text);
    await town.driver.stop(spec.runId);
  });
});

describe('end', () => {
  test('stop ends a running tool and its children too', async () => {
    const spec = await running();
    const before = await town.processes(spec);
    const terminal = town.terminal(spec);
    await town.driver.stop(spec.runId);
    expect(await waitForEnd(before, 0)).toEqual([]);
    // The pty tells of it a moment later.
    await terminal.exited;
    expect(town.terminals.terminals).toEqual([]);
    expect(town.host.status(spec.runId)).toMatchObject({ state: 'stopped' });
    await town.driver.stop(spec.runId);
  });

  test('a killed program is a failure, and its tools are ended', async () => {
    const spec = await running();
    const before = await town.processes(spec);
    process.kill(town.terminal(spec).pid, 'SIGKILL');
    await town.host.until('failure', () => town.host.status(spec.runId).state === 'failed', 2000);
    expect(town.host.status(spec.runId).cause).toMatch(/killed/);
    expect(await waitForEnd(before, 0)).toEqual([]);
  });

  test('a terminal that the user closes is their stop, also in the middle of a turn', async () => {
    const spec = await running();
    const before = await town.processes(spec);
    town.terminal(spec).trash();
    await town.host.until('the end', () => town.host.status(spec.runId).state === 'stopped');
    expect(town.host.status(spec.runId).cause).toBe('the user closed its terminal');
    expect(await waitForEnd(before, 0)).toEqual([]);
  });

  test('a terminal that the user closes while the session starts ends the start, and is not opened again', async () => {
    const spec = town.spec({ firstPrompt: { id: 'msg_trashed', text: 'Never mind.' } });
    const started = expect(town.driver.start(spec, signal())).rejects.toMatchObject({
      code: 'cancelled',
      message: expect.stringContaining('the user closed its terminal'),
    });
    await expect.poll(() => town.terminals.terminals.length).toBe(1);
    town.terminal(spec).trash();
    await started;
    expect(await town.processes(spec)).toEqual([]);
    expect(town.terminals.terminals).toEqual([]);
  });

  test('a person who leaves by /exit has ended it in order', async () => {
    const spec = await town.idle();
    town.terminal(spec).write('/exit');
    await expect.poll(() => town.terminal(spec).lastOutput(), { timeout: patience() }).toContain('/exit');
    const pressing = setInterval(() => town.terminals.terminals[0]?.write('\r'), 500);
    await town.host
      .until('the end', () => town.host.status(spec.runId).state === 'stopped')
      .finally(() => clearInterval(pressing));
  });

  test('closing the terminal ends the session in order', async () => {
    const spec = await town.idle();
    town.terminal(spec).close();
    await town.host.until('the end', () => town.host.status(spec.runId).state === 'stopped');
    expect(await town.processes(spec)).toEqual([]);
  });
});

test('B8: hooks that are not heard any more are a problem of the session, until they are heard again', async () => {
  const reporter = join(town.folder, 'reporter.ts');
  const target = town.reporter;
  await symlink(target, reporter);
  town.reporter = reporter;
  town.newDriver();
  const spec = await town.idle();
  town.reporter = target;
  // As when the editor has removed the version of the extension that the session was started with.
  await rm(reporter);
  const submit = async (text: string): Promise<void> => {
    town.terminal(spec).write(text);
    await delay(patience(500));
    town.terminal(spec).write('\r');
  };
  await submit('say something');
  const problem = await town.host.until('the problem', () => town.host.problems.get(spec.runId));
  expect(problem).toMatch(/hooks are not heard any more/);
  await symlink(target, reporter);
  await submit('say it again');
  await town.host.until(
    'heard',
    () => town.host.problems.has(spec.runId) && town.host.problems.get(spec.runId) === undefined,
  );
  await town.driver.stop(spec.runId);
});

describe('a restart of the host', () => {
  const recordOf = (spec: ReturnType<ClaudeTown['spec']>) => ({
    sessionId: spec.sessionId,
    runId: spec.runId,
    reference: structuredClone(town.host.references.get(spec.runId) ?? {}),
    spec,
  });

  test('takes the session up again, hooks and all', async () => {
    const spec = await town.idle();
    const record = recordOf(spec);
    await town.driver.dispose();
    town.newDriver();
    expect(await town.driver.adopt(record)).toBe(true);
    await town.untilIdle(spec.runId);
    expect(await town.deliver(spec, 'after the restart')).toEqual({ kind: 'delivered' });
    await town.untilIdle(spec.runId);
    await town.say(spec, directive('Ask', [{ tool: 'bash', args: { command: 'touch adopted.txt' } }]));
    const ask = await town.host.until('an ask', () => town.host.status(spec.runId).asks[0]);
    await town.driver.answer(spec.runId, ask.id, { kind: 'allow' });
    await town.model.waitFor((entry) => entry.text.startsWith('Ask') && entry.results.length > 0);
    await town.driver.stop(spec.runId);
    expect(await town.processes(spec)).toEqual([]);
  });

  test('a dialog that was open is still there for the person', async () => {
    const spec = await town.idle();
    await town.say(spec, directive('Ask', [{ tool: 'bash', args: { command: 'touch open.txt' } }]));
    await town.host.until('the dialog', () =>
      town.host.reports.find(({ fact, runId }) => runId === spec.runId && fact.kind === 'waiting'),
    );
    const record = recordOf(spec);
    await town.driver.dispose();
    const told = town.host.reports.length;
    town.newDriver();
    expect(await town.driver.adopt(record)).toBe(true);
    expect(town.host.reports.slice(told).map(({ fact }) => fact)).toContainEqual({
      kind: 'waiting',
      ask: 'permission',
    });
    await town.driver.stop(spec.runId);
  });

  test('a session of an older version goes on without its hooks, and is named', async () => {
    const spec = await town.idle();
    const record = recordOf(spec);
    await town.driver.dispose();
    town.newDriver();
    expect(await town.driver.adopt({ ...record, reference: { ...record.reference, hookPort: 49_152 } })).toBe(true);
    await town.untilIdle(spec.runId);
    expect(town.host.problems.get(spec.runId)).toMatch(/older version.*Restart it/s);
    expect(await town.deliver(spec, 'still heard')).toEqual({ kind: 'delivered' });
    await town.driver.stop(spec.runId);
  });

  test('a session whose conversation cannot be read goes on', async () => {
    const spec = await town.idle();
    const record = recordOf(spec);
    await town.driver.dispose();
    await mkdir(join(town.configDir, 'projects', 'odd', `${String(record.reference['claudeSession'])}.jsonl`), {
      recursive: true,
    });
    town.newDriver();
    expect(await town.driver.adopt({ ...record, unconfirmed: ['msg_unknown'] })).toBe(true);
    await rm(join(town.configDir, 'projects', 'odd'), { recursive: true });
    await town.untilIdle(spec.runId);
    expect(await town.deliver(spec, 'after all')).toEqual({ kind: 'delivered' });
    await town.driver.stop(spec.runId);
  });

  test('a session that was not taken up is ended by a stop all the same', async () => {
    const spec = await town.idle();
    await town.driver.dispose();
    town.newDriver();
    const before = await town.processes(spec);
    expect(before).not.toEqual([]);
    await town.driver.stop(spec.runId);
    expect(await waitForEnd(before, 0)).toEqual([]);
  });

  test('a session whose program is gone is not taken up', async () => {
    const spec = await town.idle();
    const record = recordOf(spec);
    await town.driver.dispose();
    await town.terminals.closeAll();
    town.newDriver();
    expect(await town.driver.adopt(record)).toBe(false);
  });

  test('a session whose terminal is gone is ended', async () => {
    const spec = await town.idle();
    const record = recordOf(spec);
    await town.driver.dispose();
    town.newDriver();
    const before = await town.processes(spec);
    expect(await town.driver.adopt({ ...record, reference: { ...record.reference, terminal: 'another' } })).toBe(false);
    expect(await waitForEnd(before, 0)).toEqual([]);
  });
});

test('health says what is wrong', async () => {
  const agent = { ...town.spec().agent, command: 'claude' };
  await expect(town.driver.health(agent, signal())).rejects.toMatchObject({ code: 'agent-missing' });
  const bin = join(town.folder, 'health');
  await mkdir(bin);
  await writeFile(join(bin, 'claude'), '#!/bin/sh\necho "2.1.330 (Claude Code)"\n');
  await chmod(join(bin, 'claude'), 0o755);
  const path = town.environment['PATH'] ?? '';
  town.environment['PATH'] = `${bin}:${path}`;
  await town.driver.health(agent, signal());
  town.environment['PATH'] = path;
});
