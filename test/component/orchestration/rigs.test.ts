import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { makeRepository } from '../../support/core.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;
beforeEach(async () => {
  town = await makeFakeTown();
});
afterEach(() => town.close());

describe('a rig by URL', () => {
  test('that cannot be cloned: neither its password nor a token is in the error, or in what the error came from', async () => {
    const failed = await town.rigs
      .add('http://user:pa55word@127.0.0.1:9/a.git?private_token=t0ken', 'beta')
      .catch((error: unknown) => error);
    const words: string[] = [];
    for (let at: unknown = failed; at instanceof Error; at = at.cause) words.push(at.message, at.stack ?? '');
    expect(words[0]).toContain('http://***@127.0.0.1:9/a.git?private_token=*** could not be cloned');
    expect(words.join('\n')).not.toMatch(/pa55word|t0ken/);
  });

  test('whose submodules cannot be cloned: nor there', async () => {
    const app = makeRepository(join(town.root, 'app'));
    writeFileSync(join(app, '.gitmodules'), `[submodule "lib"]\n\tpath = lib\n\turl = ${join(town.root, 'nowhere')}\n`);
    execFileSync('git', ['update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},lib`], { cwd: app });
    execFileSync('git', ['add', '.gitmodules'], { cwd: app });
    execFileSync('git', ['commit', '-q', '-m', 'Lib'], { cwd: app });
    const config = join(town.root, 'gitconfig');
    writeFileSync(config, `[url "${app}"]\n\tinsteadOf = https://user:pa55word@example.com/a.git\n`);
    vi.stubEnv('GIT_CONFIG_GLOBAL', config);
    const failed: unknown = await town.rigs
      .add('https://user:pa55word@example.com/a.git', 'beta')
      .catch((error: unknown) => error);
    vi.unstubAllEnvs();
    expect(String(failed)).toContain('The submodules of https://***@example.com/a.git could not be cloned');
    expect(String(failed)).not.toContain('pa55word');
  });

  test('whose folder is there already: nor there', async () => {
    writeFileSync(join(town.root, 'beta'), '');
    await expect(town.rigs.add('https://user:pa55word@example.com/a.git', 'beta')).rejects.toThrow(
      'so https://***@example.com/a.git was not cloned',
    );
  });
});

test('a name that would leave the folder of worktrees is refused before a folder is made, wherever it comes from', async () => {
  const { get } = town.rigs;
  town.rigs.get = (name) => ({
    ...get.call(town.rigs, name),
    settings: { type: 'rig-settings', namepool: { names: ['../../../x'] } },
  });
  const spawn = (name?: string) =>
    town.request('session.spawn', { role: 'polecat', rig: 'alpha', ...(name === undefined ? {} : { name }) });
  await expect(spawn()).rejects.toThrow('A worker cannot be called "../../../x"');
  await expect(spawn('../x')).rejects.toThrow('A worker cannot be called "../x"');
});

test.each(['polecat', 'crew'] as const)(
  'of a %s that is started without a name, each of several at once gets one of its own',
  async (role) => {
    const started = await Promise.all([1, 2, 3].map(() => town.request('session.spawn', { role, rig: 'alpha' })));
    expect(new Set(started.map(({ agentName }) => agentName)).size).toBe(3);
  },
);
