import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Rigs } from '../../../shared/orchestration/rigs.ts';
import { silentLogger } from '../../../shared/platform/logger.ts';
import { makeRepository } from '../../support/core.ts';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await makeFakeTown();
});
afterEach(() => town.close());

test('D23: one in which git hangs is a problem of that rig: the others are there, and it is when git answers', async () => {
  const beta = makeRepository(join(town.root, '..', 'beta'));
  await town.request('rig.add', { source: beta, name: 'beta' });
  // Git reads its configuration before anything else, and a pipe into which nobody writes has no end.
  const pipe = join(beta, '.git', 'pipe');
  execFileSync('mkfifo', [pipe]);
  execFileSync('git', ['config', 'include.path', pipe], { cwd: beta });

  const rigs = new Rigs({ store: town.store, townRoot: town.root, now: Date.now, log: silentLogger });
  try {
    await rigs.load();
    expect(rigs.views()).toEqual([
      { name: 'alpha', path: town.rig, defaultBranch: 'main' },
      { name: 'beta', path: beta, problem: expect.stringContaining('does not answer') as string },
    ]);
    expect(rigs.problems()).toEqual([
      { kind: 'rig', message: expect.stringMatching(/^Rig beta: its folder .* does not answer/) as string },
    ]);
    const changed = new Promise<void>((resolve) => rigs.onDidChange(resolve));
    execFileSync('git', ['config', '--file', join(beta, '.git', 'config'), '--unset', 'include.path'], { cwd: '/' });
    closeSync(openSync(pipe, 'w'));
    await changed;
    expect(rigs.views()[1]).toEqual({ name: 'beta', path: beta, defaultBranch: 'main' });
  } finally {
    rigs.dispose();
  }
});
