import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installPlugin, stubConfigDirs } from '../../../../shared/backends/opencode/config-dirs.ts';
import { hideFromGit } from '../../../../shared/platform/git/exclude.ts';
import { silentLogger } from '../../../../shared/platform/logger.ts';
import { makeRepository, temporaryFolder } from '../../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;
/** What lies outside of the repository, and nobody shall touch. */
let outside: string;
let plugin: string;

beforeEach(() => {
  folder = temporaryFolder('links');
  repository = makeRepository(join(folder.path, 'repository'));
  outside = join(folder.path, 'outside');
  mkdirSync(outside);
  plugin = join(folder.path, 'gastown.js');
  writeFileSync(plugin, 'Symbol.for("gastown.opencode");');
});
afterEach(() => folder.remove());

const hooks = { dir: '.opencode/plugins', settingsFile: 'gastown.js' };
const prepare = () => stubConfigDirs({ HOME: join(folder.path, 'home') }, repository, silentLogger);

describe('where we write into a repository, a link that it brings is not followed [holds 7]', () => {
  it(".opencode as a link to another folder: nothing is put there, and the user's own folder is prepared as ever", async () => {
    symlinkSync(outside, join(repository, '.opencode'));
    await prepare();
    await expect(installPlugin(plugin, repository, hooks)).rejects.toThrow(
      `${join(repository, '.opencode')} is a link`,
    );
    expect(readdirSync(outside)).toEqual([]);
    expect(existsSync(join(folder.path, 'home', '.config', 'opencode', 'package.json'))).toBe(true);
  });

  it('a link further down, or as the file itself', async () => {
    mkdirSync(join(repository, '.opencode'));
    symlinkSync(outside, join(repository, '.opencode', 'plugins'));
    await expect(installPlugin(plugin, repository, hooks)).rejects.toMatchObject({ code: 'bad-config' });
    mkdirSync(join(repository, 'deep'));
    writeFileSync(join(outside, 'victim'), 'gastown.opencode');
    symlinkSync(join(outside, 'victim'), join(repository, 'deep', 'gastown.js'));
    await expect(installPlugin(plugin, repository, { ...hooks, dir: 'deep' })).rejects.toMatchObject({
      code: 'bad-config',
    });
    expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('gastown.opencode');
  });

  it("a file of the repository's own is not replaced by the plugin; an older plugin is", async () => {
    writeFileSync(join(repository, 'index.js'), 'theirs');
    await expect(installPlugin(plugin, repository, { dir: '.', settingsFile: 'index.js' })).rejects.toThrow(
      'is there already and not ours',
    );
    expect(readFileSync(join(repository, 'index.js'), 'utf8')).toBe('theirs');
    mkdirSync(join(repository, '.opencode', 'plugins'), { recursive: true });
    writeFileSync(join(repository, '.opencode', 'plugins', 'gastown.js'), 'old gastown.opencode');
    const file = await installPlugin(plugin, repository, hooks);
    expect(readFileSync(file, 'utf8')).toBe('Symbol.for("gastown.opencode");');
  });

  it("git's list of what it overlooks, where that is a link", async () => {
    const exclude = join(repository, '.git', 'info', 'exclude');
    mkdirSync(join(repository, '.git', 'info'), { recursive: true });
    writeFileSync(join(outside, 'list'), 'mine\n');
    rmSync(exclude, { force: true });
    symlinkSync(join(outside, 'list'), exclude);
    await expect(hideFromGit(repository, [join(repository, 'x')])).rejects.toThrow('is a link');
    expect(readFileSync(join(outside, 'list'), 'utf8')).toBe('mine\n');
  });
});
