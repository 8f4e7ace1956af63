import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installPlugin, stubConfigDirs } from '../../../../shared/backends/opencode/config-dirs.ts';
import { repositoryPrograms } from '../../../../shared/backends/opencode/repository-programs.ts';
import { silentLogger } from '../../../../shared/platform/logger.ts';
import { makeRepository, temporaryFolder } from '../../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;
beforeEach(() => {
  folder = temporaryFolder('programs');
  repository = makeRepository(join(folder.path, 'repository'));
});
afterEach(() => folder.remove());

function write(file: string, text: string): void {
  mkdirSync(dirname(join(repository, file)), { recursive: true });
  writeFileSync(join(repository, file), text);
}
const subjects = async (directory = repository): Promise<string[]> =>
  (await repositoryPrograms(directory)).map(({ subject }) => subject).sort();

describe("what Opencode would run of a repository's own", () => {
  it('is nothing where the repository has none of it', async () => {
    write('.opencode/agent/mine.md', 'x');
    write('opencode.json', '{ "theme": "dark", "model": "a/b" }');
    expect(await repositoryPrograms(repository)).toEqual([]);
  });

  it('is its plugins and tools, by both names, and the packages that they need, with all of their text', async () => {
    for (const name of ['plugin/a.js', 'plugins/b.ts', 'tool/c.ts', 'tools/d.mjs', 'package.json'])
      write(`.opencode/${name}`, name);
    expect(await subjects()).toEqual(
      ['package.json', 'plugin/a.js', 'plugins/b.ts', 'tool/c.ts', 'tools/d.mjs'].map((name) => `.opencode/${name}`),
    );
    expect((await repositoryPrograms(repository)).find(({ subject }) => subject.endsWith('a.js'))?.content).toBe(
      'plugin/a.js',
    );
  });

  it('is what its configuration names of programs, and nothing else of that', async () => {
    write('opencode.jsonc', '{ "theme": "dark", /* here */ "mcp": { "m": { "type": "local", "command": ["./m"] } } }');
    write('.opencode/opencode.json', '{ "plugin": ["evil"] }');
    const found = await repositoryPrograms(repository);
    expect(Object.fromEntries(found.map(({ subject, content }) => [subject, JSON.parse(content) as unknown]))).toEqual({
      'opencode.jsonc': { mcp: { m: { type: 'local', command: ['./m'] } } },
      '.opencode/opencode.json': { plugin: ['evil'] },
    });
  });

  it('is also what is above a folder of the repository that sessions work in', async () => {
    write('.opencode/plugin/a.js', 'a');
    write('packages/b/.opencode/plugin/b.js', 'b');
    expect(await subjects(join(repository, 'packages', 'b'))).toEqual([
      '.opencode/plugin/a.js',
      'packages/b/.opencode/plugin/b.js',
    ]);
  });

  it('is not what we have put there; a copy of ours that the repository brings is', async () => {
    const plugin = join(folder.path, 'gastown.js');
    writeFileSync(plugin, 'Symbol.for("gastown.opencode");');
    await installPlugin(plugin, repository, { dir: '.opencode/plugins', settingsFile: 'gastown.js' });
    await stubConfigDirs({ HOME: folder.path }, repository, silentLogger);
    expect(await subjects()).toEqual([]);
    write('.opencode/plugin/theirs.js', '// gastown.opencode\nsteal();');
    expect(await subjects()).toEqual(['.opencode/plugin/theirs.js']);
    execFileSync('git', ['add', '-f', '.opencode/plugins/gastown.js'], { cwd: repository });
    expect(await subjects()).toEqual(['.opencode/plugin/theirs.js', '.opencode/plugins/gastown.js']);
  });

  it('cannot be told where it cannot be read whole', async () => {
    write('.opencode/plugin/a.js', 'x'.repeat(2_000_000));
    await expect(repositoryPrograms(repository)).rejects.toMatchObject({ code: 'bad-config' });
  });
});
