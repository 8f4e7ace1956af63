import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerOf, clientFor } from '../../../shared/backends/opencode/client.ts';
import type { OpencodeReference } from '../../../shared/backends/opencode/reference.ts';
import { readServerRecord } from '../../../shared/backends/opencode/server-record.ts';
import type { ServerRecord } from '../../../shared/backends/opencode/server-record.ts';
import type { RunSpec } from '../../../shared/backends/driver.ts';
import { descendants, isAlive, startedWith, waitForEnd } from '../../../shared/platform/process-table.ts';
import type { ProcessIdentity } from '../../../shared/platform/process-table.ts';
import { makeOpencodeTown, scripted, shellOf } from '../../support/opencode/town.ts';
import type { Host, OpencodeTown } from '../../support/opencode/town.ts';
import { patience } from '../../support/patience.ts';

const never = new AbortController().signal;

describe('the Opencode server', () => {
  let town: OpencodeTown;
  let own: Host;

  const open = async (options: { leaseMs?: number } = {}): Promise<void> => {
    town = await makeOpencodeTown(options);
    own = await town.makeHost();
  };
  afterEach(() => town.close());

  const folder = (): string => path.join(town.root, '.runtime', 'opencode');
  const record = (): ServerRecord & ProcessIdentity => {
    const found = readServerRecord(path.join(folder(), readdirSync(folder())[0] ?? 'none'));
    if (found?.pid === undefined || found.startTime === undefined) throw new Error('no server was started');
    return { ...found, pid: found.pid, startTime: found.startTime };
  };
  const recordOf = (spec: RunSpec, host = own) => ({
    sessionId: spec.sessionId,
    runId: spec.runId,
    reference: host.host.references.get(spec.runId)!,
    spec,
  });
  /** An agent whose program is a script. */
  const fakeAgent = (script: string): RunSpec['agent'] => {
    const command = path.join(town.folder, 'fake-opencode');
    writeFileSync(command, `#!/bin/sh\n${script}\n`);
    chmodSync(command, 0o755);
    return { name: 'fake', backend: 'opencode', command, args: [], env: {} };
  };

  describe('and a host that comes back', () => {
    beforeEach(() => open());

    it('is taken up with its sessions, in the middle of a turn', async () => {
      const text = scripted({ hold: 'gate' }, { text: 'Back again.' });
      const spec = await town.makeSpec({ firstPrompt: { id: 'msg_a', text } });
      const idle = await town.makeSpec();
      await own.driver.start(spec, never);
      await own.driver.start(idle, never);
      const before = record();
      const file = path.join(folder(), before.launch, 'server.json');
      expect(statSync(file).mode & 0o777).toBe(0o600);
      await own.leave();
      expect(await isAlive(before)).toBe(true);

      const later = await town.makeHost();
      expect(await later.driver.adopt(recordOf(spec))).toBe(true);
      expect(await later.driver.adopt(recordOf(idle))).toBe(true);
      await later.host.until('the plugin', () => later.inside.some(({ name }) => name === 'plugin.loaded'));
      expect(later.host.facts(spec.runId)).toContainEqual({ kind: 'busy' });
      expect(later.host.facts(idle.runId)).toContainEqual({ kind: 'idle' });
      town.model.release('gate');
      await later.host.until('idle', () => later.host.facts(spec.runId).at(-1)?.kind === 'idle');
      expect(await later.driver.deliver(idle.runId, { id: 'msg_b', text: 'And you?' }, never)).toEqual({
        kind: 'accepted',
      });
      await later.host.until('its turn', () => later.host.turns.includes(idle.runId));
      expect(record().pid).toBe(before.pid);

      await later.driver.stop(spec.runId);
      await later.driver.stop(idle.runId);
      await later.leave();
      expect(await waitForEnd([before], 1)).toEqual([]);
    });

    it("has its identity meanwhile in a shell that the user's own words begin", async () => {
      const identityFile = path.join(town.folder, 'identity.json');
      const spec = await town.makeSpec({ identityFile });
      writeFileSync(identityFile, JSON.stringify(spec.env), { mode: 0o600 });
      await own.driver.start(spec, never);
      const { port, password } = record();
      const { session } = own.host.references.get(spec.runId) as unknown as OpencodeReference;
      await own.leave();
      const text = scripted(
        { tool: 'bash', args: { command: 'env > env.part; mv env.part env.txt' } },
        { text: 'Done.' },
      );
      await answerOf(
        'take the prompt',
        clientFor(port!, password).session.promptAsync({ sessionID: session, parts: [{ type: 'text', text }] }),
      );
      const file = path.join(spec.cwd, 'env.txt');
      await expect.poll(() => existsSync(file), { timeout: patience() }).toBe(true);
      expect(readFileSync(file, 'utf8').split('\n')).toEqual(
        expect.arrayContaining(Object.entries(spec.env).map(([name, value]) => `${name}=${value}`)),
      );
      const later = await town.makeHost();
      expect(await later.driver.adopt(recordOf(spec))).toBe(true);
      await later.driver.stop(spec.runId);
    });

    it('cleans up after a server that died meanwhile', async () => {
      const text = scripted({ tool: 'bash', args: { command: 'sleep 1000' } });
      const spec = await town.makeSpec({ firstPrompt: { id: 'msg_a', text } });
      await own.driver.start(spec, never);
      await own.host.until('busy', () => own.host.status(spec.runId).activity.kind === 'busy');
      await own.leave();
      process.kill(record().pid, 'SIGKILL');
      const later = await town.makeHost();
      expect(await later.driver.adopt(recordOf(spec))).toBe(false);
      expect(await startedWith('GT_RUN', spec.runId)).toEqual([]);
    });
  });

  it('has its record again when that is deleted, and says that its conversations end with it when its database is', async () => {
    await open();
    const spec = await town.makeSpec();
    await own.driver.start(spec, never);
    const before = record();
    rmSync(path.join(folder(), before.launch), { recursive: true });
    await expect
      .poll(() => readServerRecord(path.join(folder(), before.launch)), { timeout: patience() })
      .toEqual(before);
    expect(own.host.problems.get(spec.runId)).toMatch(/opencode\.db was deleted.*cannot be resumed/);
    const later = await town.makeSpec();
    await own.driver.start(later, never);
    expect(own.host.problems.get(later.runId)).toMatch(/cannot be resumed/);
    await own.driver.stop(spec.runId);
    await own.driver.stop(later.runId);
  });

  it('reports its sessions as ended when it is killed, and ends their shells', async () => {
    await open();
    const text = scripted({ tool: 'bash', args: { command: 'echo up > up; sleep 1000' } });
    const spec = await town.makeSpec({ firstPrompt: { id: 'msg_a', text } });
    await own.driver.start(spec, never);
    const server = record();
    const shell = await shellOf(spec, 1);
    process.kill(server.pid, 'SIGKILL');
    const fact = await own.host.until('the end', () => own.host.facts(spec.runId).find(({ kind }) => kind === 'ended'));
    expect(fact).toMatchObject({ error: expect.stringContaining('ended unexpectedly') });
    expect(await waitForEnd(shell, patience())).toEqual([]);
    // A new session gets a new server.
    const next = await town.makeSpec();
    await own.driver.start(next, never);
    expect(record().pid).not.toBe(server.pid);
    await own.driver.health(next.agent, never);
  });

  it('ends itself, with the shells of its sessions, when no host comes back', async () => {
    await open({ leaseMs: 500 });
    const text = scripted({ tool: 'bash', args: { command: 'sleep 1000' } });
    const spec = await town.makeSpec({ firstPrompt: { id: 'msg_a', text } });
    await own.driver.start(spec, never);
    const server = record();
    const shell = await shellOf(spec, 1);
    const all = [server, ...(await descendants(server.pid)), ...shell];
    await own.leave();
    expect(await waitForEnd(all, patience())).toEqual([]);
  });

  it('is started once for many sessions that come at the same time, and cancelled without a trace', async () => {
    await open();
    const cancelled = new AbortController();
    const [one, two] = [await town.makeSpec(), await town.makeSpec()];
    const starts = Promise.allSettled([own.driver.start(one, never), own.driver.start(two, cancelled.signal)]);
    cancelled.abort();
    expect(await starts).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'cancelled' } },
    ]);
    expect(own.host.references.has(two.runId)).toBe(false);
    expect(readdirSync(folder())).toHaveLength(1);
  });

  it('says which program is missing', async () => {
    await open();
    const spec = await town.makeSpec({
      agent: { name: 'x', backend: 'opencode', command: 'no-such-opencode', args: [], env: {} },
    });
    await expect(own.driver.start(spec, never)).rejects.toMatchObject({
      code: 'agent-missing',
      message: expect.stringMatching(/"no-such-opencode" was not found on PATH.*npm install -g opencode-ai/),
    });
  });

  it('says that a program is too old', async () => {
    await open();
    const script = 'case "$1" in --version) echo 1.17.9;; *) echo "unknown command: $1" >&2; exit 2;; esac';
    const spec = await town.makeSpec({ agent: fakeAgent(script) });
    await expect(own.driver.start(spec, never)).rejects.toMatchObject({
      code: 'agent-too-old',
      message: expect.stringContaining('is Opencode 1.17.9'),
    });
  });

  it('repeats the last words of a start that failed, after one more try', async () => {
    await open();
    const tries = path.join(town.folder, 'tries');
    const spec = await town.makeSpec({
      agent: fakeAgent(`[ "$1" = serve ] && echo x >> ${tries}; echo "disk is on fire" >&2; exit 1`),
    });
    await expect(own.driver.start(spec, never)).rejects.toMatchObject({
      code: 'spawn-failed',
      message: expect.stringMatching(/it exited with 1[^]*disk is on fire/),
    });
    expect(readFileSync(tries, 'utf8')).toBe('x\nx\n');
    expect(readServerRecord(path.join(folder(), readdirSync(folder())[0]!))).toBeUndefined();
  });

  it('refuses args that belong to a process, and a work dir that is none', async () => {
    await open();
    const agent = { name: 'x', backend: 'opencode' as const, command: 'opencode', args: ['--print-logs'], env: {} };
    await expect(own.driver.start(await town.makeSpec({ agent }), never)).rejects.toMatchObject({ code: 'bad-config' });
    const cwd = path.join(town.folder, 'gone');
    await expect(own.driver.start(await town.makeSpec({ cwd }), never)).rejects.toMatchObject({ code: 'spawn-failed' });
  });

  it('puts the plugin where the agent says, out of sight of git, and works with both copies loaded', async () => {
    await open();
    const hooks = { dir: '.opencode/plugins', settingsFile: 'gastown.js' };
    const agent = { name: 'x', backend: 'opencode' as const, command: 'opencode', args: [], env: {}, hooks };
    const spec = await town.makeSpec({ agent, firstPrompt: { id: 'msg_a', text: 'Hello' } });
    await own.driver.start(spec, never);
    await own.host.until('the turn', () => own.host.turns.includes(spec.runId));
    expect(statSync(path.join(spec.cwd, '.opencode/plugins/gastown.js')).isFile()).toBe(true);
    expect(readFileSync(path.join(spec.cwd, '.git/info/exclude'), 'utf8')).toContain('/.opencode/plugins/gastown.js');
    const created = own.inside.filter(({ name }) => name === 'session.created');
    expect(created).toHaveLength(1);
  });
});
