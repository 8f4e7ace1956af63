import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { makeRepository } from '../../support/core.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await makeFakeTown();
});
afterEach(() => {
  vi.unstubAllEnvs();
  town.close();
});

const folder = (name: string): string => join(town.root, '..', name);
const add = (source: string, name: string) => town.request('rig.add', { source, name });

test('D6: a path is taken as it is pasted: with blanks, in quotes, from the home folder, with its .git', async () => {
  vi.stubEnv('HOME', folder('.'));
  for (const [name, pasted] of Object.entries({
    blank: (path: string) => `  ${path} `,
    quoted: (path: string) => `"${path}"`,
    home: () => '~/home',
    git: (path: string) => join(path, '.git'),
  })) {
    const path = makeRepository(folder(name));
    expect(await add(pasted(path), name)).toEqual({ name, path, defaultBranch: 'main' });
  }
});

test('D6: a bare repository is cloned into the town, as by its URL: its agents have a checkout', async () => {
  const bare = folder('tools.git');
  execFileSync('git', ['clone', '-q', '--bare', makeRepository(folder('tools')), bare]);
  expect(await add(bare, 'tools')).toEqual({ name: 'tools', path: join(town.root, 'tools'), defaultBranch: 'main' });
});

test('one without a commit is not cloned, and nothing is left of the try', async () => {
  const bare = folder('empty.git');
  execFileSync('git', ['init', '-q', '--bare', bare]);
  await expect(add(bare, 'empty')).rejects.toMatchObject({
    code: 'not-a-repository',
    message: `${bare} has no commit yet: worktrees need one. Make a first commit there.`,
  });
  expect(existsSync(join(town.root, 'empty'))).toBe(false);
});
