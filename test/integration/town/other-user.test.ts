import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { townPaths } from '../../../shared/config/town-paths.ts';
import { Attacker } from '../../support/attacker.ts';
import { patience } from '../../support/patience.ts';
import { scripted } from '../../support/scripted.ts';
import { bundledFiles } from '../../support/town-folder.ts';
import { TownFixture } from '../../support/town-fixture.ts';

/** As the temporary folder: everybody may make something there. */
let shared: string;
let town: TownFixture;
let attacker: Attacker;

beforeAll(async () => {
  shared = realpathSync(mkdtempSync(join(tmpdir(), 'gt-shared-')));
  chmodSync(shared, 0o1777);
  vi.stubEnv('TMPDIR', shared);
  town = await TownFixture.make();
  // As homes are on many machines: only what the product closes is closed.
  chmodSync(town.folder, 0o755);
  attacker = await Attacker.start(join(town.folder, 'evil.txt'));
});
afterAll(async () => {
  await attacker.stop();
  expect(await town.stop()).toEqual([]);
  vi.unstubAllEnvs();
  rmSync(shared, { recursive: true, force: true });
});

/** What `gt` says of the attacker's door; where the tests are not root, only the folder tells it from the user's own. */
const distrust = /is not asked: .* belongs to another user|is not a private folder of this user/;
const paths = () => townPaths(town.root);
const api = () => town.host.api;
const git = (...args: string[]): string => execFileSync('git', args, { cwd: town.rig, encoding: 'utf8' }).trim();
const stateOf = async (id: string) => (await api().request('merge.show', { id })).state;
const until = (id: string, state: string) => expect.poll(() => stateOf(id), { timeout: patience() }).toBe(state);

/** What the user's own `gt` does in the town. */
const gt = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const env = { ...town.environment, TMPDIR: shared };
    execFile(process.execPath, [bundledFiles.gt, ...args], { cwd: town.root, env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });

test('another user neither sees nor moves what waits for review and merge, at the host or in its place', async () => {
  mkdirSync(join(town.rig, 'settings'));
  writeFileSync(join(town.rig, '.git', 'info', 'exclude'), 'settings/\n');
  const queue = { enabled: true, test_command: 'touch gated' };
  writeFileSync(
    join(town.rig, 'settings', 'config.json'),
    JSON.stringify({ type: 'rig-settings', version: 1, merge_queue: queue }),
  );
  const command = 'echo one > one.txt && git add one.txt && git commit -qm One && gt done -m "One is there."';
  await api().request('sling', {
    work: 'issue-1',
    rig: 'alpha',
    agent: 'opencode',
    name: 'one',
    message: scripted('Write.', { tool: 'bash', args: { command } }, { text: 'Done.' }),
  });
  await until('issue-1', 'review');
  const before = git('rev-parse', 'main');

  if (attacker.isOther) expect(await attacker.do('reach', paths().socket)).toBe('EACCES');

  // The host dies, and what cleans the temporary folder takes the socket's folder away.
  await town.letGo();
  const crashed = await town.hostElsewhere();
  await crashed.kill();
  // It says where, with the user's token.
  expect(readFileSync(paths().hostFile, 'utf8')).toContain(paths().socket);
  rmSync(dirname(paths().socket), { recursive: true });
  expect(await attacker.do('takeFolder', paths().socket)).toBe('listening');
  for (const args of [
    ['review', 'issue-1'],
    ['approve', 'issue-1'],
    ['merge', 'issue-1'],
    ['send-back', 'issue-1', '-m', 'The key is 42.'],
    ['discard', 'issue-1'],
    ['queue'],
  ]) {
    const { code, err } = await gt(...args);
    expect([args[0], code, err]).toEqual([args[0], 1, expect.stringMatching(distrust)]);
  }
  expect(attacker.received).toEqual([]);

  rmSync(dirname(paths().socket), { recursive: true });
  await town.open();
  expect(await stateOf('issue-1')).toBe('review');
  expect(git('rev-parse', 'main')).toBe(before);

  const { hash } = await api().request('rig.review', { rig: 'alpha' });
  await api().request('rig.trust', { rig: 'alpha', hash });
  expect(await gt('approve', 'issue-1', '--merge')).toMatchObject({ code: 0 });
  await until('issue-1', 'merged');
  expect(git('ls-tree', '--name-only', 'main')).toContain('one.txt');
  if (!attacker.isOther) return;
  const standing = town.worktree('.merge');
  const own = [paths().database, paths().hostFile, paths().runtime, standing, join(standing, 'gated')];
  for (const path of own)
    expect([path, existsSync(path), await attacker.do('read', path)]).toEqual([path, true, 'EACCES']);
  for (const path of [paths().database, join(paths().runtime, 'new'), join(standing, 'new')])
    expect([path, await attacker.do('write', path)]).toEqual([path, 'EACCES']);
});
