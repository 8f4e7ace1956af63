import { execFileSync } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { knownAgents } from '../../../extension/town/known-agents.ts';
import { readJson } from '../../../shared/backends/opencode/person-config.ts';
import { findTown } from '../../../shared/config/find-town.ts';
import { readBounded } from '../../../shared/config/read-bounded.ts';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import { readRolePrompt } from '../../../shared/roles/role-prompt.ts';
import { readHostFile } from '../../../shared/town/host-file.ts';
import { temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let file: string;

beforeEach(async () => {
  folder = temporaryFolder('bounded');
  file = settingsPath(folder.path);
  await mkdir(join(folder.path, 'settings'));
});
afterEach(() => folder.remove());

const pipe = (path: string): unknown => execFileSync('mkfifo', [path]);
const deep = '{"a":'.repeat(3000);

describe('a file of a foreign hand', () => {
  it('is read as it is up to the bound, and not beyond it', async () => {
    await writeFile(file, 'äbc');
    expect(await readBounded(file, 4)).toBe('äbc');
    await expect(readBounded(file, 3)).rejects.toThrow(`${file} is longer than 3 bytes, so it is not read.`);
  });

  it('that is a pipe, a folder, or a device behind a link is refused at once', async () => {
    const other = join(folder.path, 'other');
    pipe(file);
    await symlink('/dev/zero', other);
    await expect(readBounded(file)).rejects.toThrow('is no regular file, so it is not read.');
    await expect(readBounded(other)).rejects.toThrow('is no regular file, so it is not read.');
    await expect(readBounded(folder.path)).rejects.toThrow('is a folder, so it is not read.');
  });

  it.skipIf(process.platform !== 'linux')('that says it is empty and is not, is read to its end', async () => {
    expect(await readBounded('/proc/self/status', 10).catch(() => 'longer')).toBe('longer');
  });

  it('that is a pipe holds up nobody who looks for a town, its host, its agents, a role or a model', async () => {
    pipe(file);
    await mkdir(join(folder.path, 'directives'));
    pipe(join(folder.path, 'directives', 'mayor.md'));
    expect(await findTown(folder.path)).toBeUndefined();
    expect((await knownAgents(folder.path)).map(({ name }) => name)).toEqual(['claude', 'opencode']);
    await expect(readHostFile(file)).rejects.toThrow('no regular file');
    await expect(readRolePrompt('mayor', folder.path, folder.path)).rejects.toThrow('no regular file');
    expect(await readJson(file)).toBeUndefined();
  });

  it('that goes 3,000 levels deep makes no town, and says nothing of models', async () => {
    await writeFile(file, deep);
    expect(await findTown(folder.path)).toBeUndefined();
    expect(await readJson(file)).toBeUndefined();
    expect(await readFile(file, 'utf8')).toBe(deep);
  });
});
