import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keepReport, spoolFolder } from '../../../shared/channel/spool.ts';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import { Store } from '../../../shared/store/store.ts';
import type { TownHost } from '../../../shared/host/host.ts';
import { makeBareTown } from '../../support/bare-host.ts';
import type { BareTown } from '../../support/bare-host.ts';
import { fakeAgent } from '../../support/core.ts';
import { FakeTown, gt, personToken, sessionToken, work } from '../plugin/gt/support.ts';
import { patience } from '../../support/patience.ts';

let town: BareTown;
let host: TownHost | undefined;

/** A town that nobody hosts, whose polecat has a unit, and goes on working. */
beforeEach(async () => {
  town = await makeBareTown();
  const first = await town.host();
  await first.api.request('work.add', { id: 'issue-1', description: 'Do it' });
  await first.api.request('work.add', { id: 'issue-2', description: 'Do it, too' });
  await first.dispose();
  write((store) => {
    run('run-1', store);
    own('issue-1', 'run-1', store);
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await host?.dispose();
  host = undefined;
  town.remove();
});

function write(change: (store: Store) => void): void {
  const store = new Store(town.paths.database);
  change(store);
  store.close();
}
function run(id: string, store: Store): void {
  const session = {
    id: 'alpha-toast',
    backend: 'opencode',
    role: 'polecat',
    agentName: 'toast',
    rig: 'alpha',
    agent: fakeAgent,
    workDir: town.root,
    runId: id,
    createdAt: 1,
  } as const;
  const stored = {
    id,
    sessionId: session.id,
    token: `token-${id}`,
    state: 'running',
    reference: {},
    startedAt: 1,
  } as const;
  const before = store.sessions.session(session.id)?.runId;
  if (before === undefined) store.sessions.begin(session, stored);
  else store.sessions.renew(session, stored, before);
}
function own(id: string, runId: string, store: Store): void {
  const unit = store.work.get(id)!;
  store.work.replace(
    unit,
    { ...unit, state: 'running', owner: 'alpha-toast', runId, assignedAt: 2 },
    { at: 2, state: 'running', by: 'host' },
  );
}

const inSession = (argv: string[], runId = 'run-1') =>
  gt(argv, {
    cwd: town.root,
    env: { GT_ROOT: town.root, GT_RUN: runId, GT_TOKEN: `token-${runId}`, GT_SOCKET: town.paths.socket },
  });
const unit = (id: string) => host!.snapshot.work.find((work) => work.id === id);
const problems = (): string => host!.snapshot.problems.map(({ message }) => message).join('\n');
const kept = (): string[] => readdirSync(spoolFolder(town.root)).filter((name) => name.endsWith('.json'));
const refused = (): string[] => readdirSync(join(spoolFolder(town.root), 'refused'));

describe('gt, where no host answers', () => {
  test('keeps a report for the next one, private, and says so', async () => {
    const ran = await inSession(['done', '-m', 'All green']);
    expect(ran).toMatchObject({
      code: 0,
      err: '',
      out: `No host of ${town.root} answers now. This is kept, and told to the next one: nothing more is to be done for it.\n`,
    });
    const [file = ''] = kept();
    expect(statSync(spoolFolder(town.root)).mode & 0o777).toBe(0o700);
    expect(statSync(join(spoolFolder(town.root), file)).mode & 0o777).toBe(0o600);
    const json = await inSession(['escalate', '-m', 'Stuck', '--json']);
    expect(existsSync((JSON.parse(json.out) as { kept: string }).kept)).toBe(true);
  });

  test('keeps a report also where a host hangs, before it says hello or after', async () => {
    const silent = createServer().listen(town.paths.socket);
    await once(silent, 'listening');
    try {
      expect(await inSession(['done', '-m', 'All green'])).toMatchObject({ code: 0, err: '' });
    } finally {
      silent.close();
    }
    const hanging = await FakeTown.start();
    hanging.answers = { 'work.escalate': () => new Promise<never>(() => undefined) as never };
    vi.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort());
    const env = { GT_ROOT: town.root, GT_RUN: 'run-1', GT_TOKEN: sessionToken, GT_SOCKET: hanging.socket };
    expect(await gt(['escalate', '-m', 'Stuck'], { cwd: town.root, env })).toMatchObject({ code: 0, err: '' });
    await hanging.stop();
    expect(kept()).toHaveLength(2);
  });

  test('keeps a report also where the folder of the socket is not private; where host.json names another one, that is asked', async () => {
    const host = await FakeTown.start();
    host.answers = { 'work.done': () => work({ id: 'issue-1', state: 'done' }) };
    const open = mkdtempSync(join(tmpdir(), 'gt-open-'));
    chmodSync(open, 0o777);
    const env = { GT_ROOT: host.root, GT_RUN: 'run-1', GT_TOKEN: sessionToken, GT_SOCKET: join(open, 'host.sock') };
    const done = () => gt(['done', '--id', 'issue-1', '-m', 'All green'], { cwd: host.root, env });
    const file = join(host.root, '.runtime', 'host.json');
    writeFileSync(
      file,
      JSON.stringify({ pid: 1, startTime: '', socket: host.socket, token: personToken, protocol: 1 }),
      { mode: 0o600 },
    );
    expect(await done()).toMatchObject({ code: 0, out: expect.not.stringContaining('kept') as string });
    expect(host.calls).toEqual([expect.objectContaining({ method: 'work.done' })]);
    rmSync(file);
    expect(await done()).toMatchObject({ code: 0, out: expect.stringContaining('This is kept') as string });
    expect((await gt(['hook'], { cwd: host.root, env })).err).toContain('not a private folder');
    rmSync(open, { recursive: true });
    await host.stop();
  });

  test('keeps nothing for whoever is no session, and nothing that wants an answer', async () => {
    expect(await gt(['done'], { cwd: town.root, env: { GT_ROOT: town.root } })).toMatchObject({ code: 3 });
    expect(await inSession(['hook'])).toMatchObject({ code: 3 });
    expect(await inSession(['mail', 'send', 'mayor/', '-m', 'Hello'])).toMatchObject({ code: 3 });
    expect(existsSync(spoolFolder(town.root)) ? kept() : []).toEqual([]);
  });
});

describe('the next host', () => {
  test('takes it once, before it judges: the unit is done, not stalled [holds 4]', async () => {
    await inSession(['done', '-m', 'All green']);
    host = await town.host();
    expect(unit('issue-1')).toMatchObject({ state: 'done', note: 'All green' });
    expect([kept(), problems()]).toEqual([[], '']);
    await host.adopted;
    expect(unit('issue-1')?.state).toBe('done');
    await host.dispose();
    host = await town.host();
    const { history } = await host.api.request('work.show', { id: 'issue-1' });
    expect(history.filter(({ state }) => state === 'done')).toHaveLength(1);
  });

  test('takes several in their order', async () => {
    write((store) => own('issue-2', 'run-1', store));
    await inSession(['escalate', '-s', 'high', '-m', 'The door is locked', '--work', 'issue-2']);
    await inSession(['done', '--id', 'issue-2', '--status', 'failed', '-m', 'No key']);
    await inSession(['done', '--id', 'issue-1', '-m', 'All green']);
    host = await town.host();
    expect(host.snapshot.escalations).toMatchObject([
      { severity: 'high', message: 'The door is locked', by: 'alpha-toast', work: 'issue-2' },
    ]);
    expect([unit('issue-2')?.state, unit('issue-1')?.state]).toEqual(['failed', 'done']);
  });

  test('that died before it had deleted the file says nothing of it the second time', async () => {
    await inSession(['done', '-m', 'All green']);
    await inSession(['escalate', '-m', 'Look']);
    const files = kept().map((name) => [name, readFileSync(join(spoolFolder(town.root), name))] as const);
    host = await town.host();
    await host.api.request('escalation.close', { id: host.snapshot.escalations[0]!.id });
    await host.dispose();
    for (const [name, content] of files) writeFileSync(join(spoolFolder(town.root), name), content, { mode: 0o600 });
    host = await town.host();
    expect([unit('issue-1')?.state, host.snapshot.escalations, problems(), kept()]).toEqual(['done', [], '', []]);
  });

  test('changes nothing by the report of a run that was replaced, and tells it [holds 3]', async () => {
    await inSession(['done', '-m', 'All green']);
    write((store) => run('run-2', store));
    host = await town.host();
    expect(unit('issue-1')?.state).not.toBe('done');
    expect(problems()).toMatch(
      /A run of alpha-toast that has been replaced reported at 20.*: completed, "All green"\. They are kept in .*refused/,
    );
    expect([kept(), refused()]).toEqual([[], [expect.stringMatching(/\.json$/)]]);
  });

  test('does not believe a wrong token, and tells what it refuses of its own', async () => {
    await gt(['done', '-m', 'Mine'], {
      cwd: town.root,
      env: { GT_ROOT: town.root, GT_RUN: 'run-1', GT_TOKEN: 'guessed' },
    });
    await inSession(['done', '--id', 'issue-2', '-m', 'Not mine']);
    host = await town.host();
    expect([unit('issue-1')?.state, unit('issue-2')?.state]).not.toContain('done');
    expect(problems()).toMatch(
      /Somebody whom the town does not know reported .*"Mine"\. alpha-toast reported .*"Not mine"\. issue-2 is not yours: nobody has it/,
    );
  });

  test('sets garbage aside, and takes the rest', async () => {
    await inSession(['done', '-m', 'All green']);
    const put = (name: string, text: string): void =>
      writeFileSync(join(spoolFolder(town.root), name), text, { mode: 0o600 });
    put('0000-garbage.json', '{"version": 1, "met');
    put(
      '0001-unknown.json',
      JSON.stringify({
        version: 1,
        id: 'x',
        at: 1,
        run: 'run-1',
        token: 'token-run-1',
        method: 'town.remove',
        params: {},
      }),
    );
    put('0002-open.json', '{}');
    chmodSync(join(spoolFolder(town.root), '0002-open.json'), 0o644);
    symlinkSync('/etc/hostname', join(spoolFolder(town.root), '0003-link.json'));
    execFileSync('mkfifo', [join(spoolFolder(town.root), '0004-pipe.json')]);
    put('0005-half.json.tmp', 'being written');
    host = await town.host();
    expect(unit('issue-1')?.state).toBe('done');
    expect(kept()).toEqual([]);
    expect(refused()).toEqual([
      '0000-garbage.json',
      '0001-unknown.json',
      '0002-open.json',
      '0003-link.json',
      '0004-pipe.json',
    ]);
    expect(problems()).toMatch(
      /0000-garbage\.json: it is no report .* 0002-open\.json: others may read or write .* 0004-pipe\.json: .* is no regular file/s,
    );
  });
});

test('a host that is there takes what somebody keeps who did not find it', async () => {
  // Its session has ended, and stays so.
  const file = settingsPath(town.root);
  writeFileSync(
    file,
    JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), failure_policy: { restarts: { max: 0 } } }),
  );
  host = await town.host();
  await host.adopted;
  await keepReport(
    town.root,
    { method: 'work.done', params: { message: 'All green' } },
    { run: 'run-1', token: 'token-run-1' },
  );
  await vi.waitFor(() => expect(unit('issue-1')?.state).toBe('done'), { timeout: patience() });
  expect(kept()).toEqual([]);
});
