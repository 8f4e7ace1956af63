import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readFileIn } from '../../../../shared/platform/git/changes.ts';
import { CommitFiles } from '../../../../shared/platform/git/commit-files.ts';
import { ObjectReader } from '../../../../shared/platform/git/object-reader.ts';
import { makeRepository, temporaryFolder } from '../../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;
let files: CommitFiles;
const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: repository, encoding: 'utf8', stdio: 'pipe' }).trim();

beforeEach(() => {
  folder = temporaryFolder('commit-files');
  repository = makeRepository(join(folder.path, 'alpha'));
  files = new CommitFiles();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await files.dispose();
  folder.remove();
});

function commit(contents: Readonly<Record<string, string | Buffer>>): string {
  for (const [path, content] of Object.entries(contents)) {
    mkdirSync(join(repository, path, '..'), { recursive: true });
    writeFileSync(join(repository, path), content);
  }
  git('add', '-A');
  git('commit', '-q', '-m', 'Files');
  return git('rev-parse', 'HEAD');
}

/** From now on each start of git, with its arguments, is a line of what is returned; `first` is a script that runs before it. */
function watchGit(first = ''): () => string[] {
  const bin = join(folder.path, 'bin');
  const log = join(folder.path, 'calls');
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  mkdirSync(bin);
  writeFileSync(log, '');
  writeFileSync(join(bin, 'git'), `#!/bin/sh\necho "$*" >> ${log}\n${first}\nexec ${real} "$@"\n`);
  chmodSync(join(bin, 'git'), 0o755);
  vi.stubEnv('PATH', `${bin}${delimiter}${process.env['PATH'] ?? ''}`);
  return () =>
    readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && line !== '--version');
}

describe.runIf(process.platform !== 'win32')('files of commits', () => {
  test('many are read by one git, each as it is read alone', async () => {
    const contents: Record<string, string | Buffer> = {
      'empty.txt': '',
      'no-end.txt': 'no line end',
      'with space/ä.txt': 'ä\n\nmissing\n',
      'binary.bin': Buffer.from([1, 0, 2]),
      'large.txt': 'x'.repeat(4 * 1024 * 1024 + 1),
      'nearly-large.txt': `${'0123456789\n'.repeat(300_000)}`,
    };
    for (let number = 0; number < 40; number += 1)
      contents[`src/${number}.ts`] = `export const a = ${number};\n`.repeat(number);
    const head = commit(contents);
    const paths = Object.keys(contents);
    const alone = [];
    for (const path of paths) alone.push(await readFileIn(repository, head, path));
    const calls = watchGit();
    expect(await Promise.all(paths.map((path) => files.read(repository, head, path)))).toEqual(alone);
    expect(calls()).toEqual(['cat-file --batch-command']);
  });

  test('a commit that comes later is known; what is missing, a folder or a submodule is told as ever', async () => {
    const first = commit({ 'a.txt': 'one' });
    expect(await files.read(repository, first, 'a.txt')).toEqual({ kind: 'text', text: 'one' });
    const lib = 'c'.repeat(40);
    git('update-index', '--add', '--cacheinfo', `160000,${lib},lib`);
    git('commit', '-q', '-m', 'Lib');
    const second = git('rev-parse', 'HEAD');
    expect(await files.read(repository, second, 'lib')).toEqual({ kind: 'text', text: `Subproject commit ${lib}\n` });
    const third = commit({ 'a.txt': 'two', 'src/b.txt': 'b' });
    expect(await files.read(repository, third, 'a.txt')).toEqual({ kind: 'text', text: 'two' });
    for (const path of ['gone.txt', 'src', '.', './a.txt', '../a.txt', '', 'a.txt\nb'])
      expect([path, await files.read(repository, third, path)]).toEqual([path, { kind: 'missing' }]);
  });

  test('names with line ends in them are read, too', async () => {
    const head = commit({ 'a\nb.txt': 'odd', 'c\r': 'odder' });
    expect(await files.read(repository, head, 'a\nb.txt')).toEqual({ kind: 'text', text: 'odd' });
    expect(await files.read(repository, head, 'c\r')).toEqual({ kind: 'text', text: 'odder' });
  });

  test('where that git does not work, or dies, they are read one by one', async () => {
    const head = commit({ 'a.txt': 'a', 'b.txt': 'b' });
    const calls = watchGit('[ "$1 $2" = "cat-file --batch-command" ] && echo "what?" && exit 1');
    const read = () => Promise.all(['a.txt', 'b.txt'].map((path) => files.read(repository, head, path)));
    const both = [
      { kind: 'text', text: 'a' },
      { kind: 'text', text: 'b' },
    ];
    expect(await read()).toEqual(both);
    expect(await read()).toEqual(both);
    // It is not tried again.
    expect(calls().filter((call) => call.includes('--batch-command'))).toHaveLength(1);
  });

  test('an old git reads them one by one', async () => {
    const head = commit({ 'a.txt': 'a' });
    const calls = watchGit('[ "$1" = --version ] && echo \'git version 2.30.2\' && exit');
    expect(await files.read(repository, head, 'a.txt')).toEqual({ kind: 'text', text: 'a' });
    expect(calls()).toHaveLength(2);
  });

  test('one that was cancelled rejects, and the others are read', async () => {
    const head = commit({ 'a.txt': 'a' });
    const cancelled = files.read(repository, head, 'a.txt', AbortSignal.abort());
    const other = files.read(repository, head, 'a.txt');
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    expect(await other).toEqual({ kind: 'text', text: 'a' });
  });

  test('a git that is not asked any more ends by itself, and answers nothing after that', async () => {
    const head = commit({ 'a.txt': 'a' });
    const onEnd = vi.fn();
    const reader = new ObjectReader(repository, { idleMs: 20, onEnd });
    expect(await reader.find(`${head}:a.txt`)).toMatchObject({ type: 'blob', size: 1 });
    await expect.poll(() => onEnd.mock.calls).toHaveLength(1);
    await expect(reader.find(head)).rejects.toMatchObject({ code: 'internal' });
    await reader.dispose();
  });

  test('after its end nothing of it runs, and what is asked all the same is read alone', async () => {
    const head = commit({ 'a.txt': 'a' });
    const calls = watchGit();
    await files.read(repository, head, 'a.txt');
    await files.dispose();
    expect(await files.read(repository, head, 'a.txt')).toEqual({ kind: 'text', text: 'a' });
    expect(calls().map((call) => call.split(' ')[0])).toEqual(['cat-file', 'ls-tree', 'cat-file']);
  });
});
