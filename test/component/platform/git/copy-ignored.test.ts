import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { copyIgnored, includedPatterns, patternsIn } from '../../../../shared/platform/git/copy-ignored.ts';
import type { CopyOrder } from '../../../../shared/platform/git/copy-ignored.ts';
import { createWorktree } from '../../../../shared/platform/git/worktree.ts';
import { makeRepository, temporaryFolder } from '../../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let from: string;
let to: string;

beforeEach(async () => {
  folder = temporaryFolder('copy-ignored');
  from = makeRepository(join(folder.path, 'alpha'));
  write('.gitignore', '.env*\n!.env.example\n/config/local.json\nnode_modules/\n*.key\n');
  write('.env.example', 'A=');
  git('add', '-A');
  git('commit', '-q', '-m', 'Ignore');
  to = (await createWorktree(from, join(folder.path, 'worktrees', 'toast'), 'polecat/toast/issue-1')).path;
});
afterEach(() => folder.remove());

const git = (...args: string[]): string => execFileSync('git', args, { cwd: from, encoding: 'utf8', stdio: 'pipe' });
function write(name: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(from, name)), { recursive: true });
  writeFileSync(join(from, name), text, { mode });
}
const copy = (patterns: string[], over: Partial<CopyOrder> = {}) =>
  copyIgnored({ from, to, patterns, never: [], ...over });
const has = (name: string): boolean => existsSync(join(to, name));

describe('files that git ignores', () => {
  test('come along where a pattern names them, with their permissions, and as files of their own', async () => {
    write('.env', 'SECRET=1', 0o600);
    write('packages/web/.env.local', 'SECRET=2');
    write('config/local.json', '{}');
    write('config/other.key', 'key');
    expect(await copy(['.env*', '/config/local.json'])).toEqual({ files: 3, left: [] });
    expect(readFileSync(join(to, 'packages/web/.env.local'), 'utf8')).toBe('SECRET=2');
    expect(statSync(join(to, '.env')).mode & 0o777).toBe(0o600);
    expect(has('config/other.key')).toBe(false);
    appendFileSync(join(to, '.env'), 'more');
    expect(readFileSync(join(from, '.env'), 'utf8')).toBe('SECRET=1');
  });

  test('a later pattern takes back an earlier one, as in .gitignore', async () => {
    for (const name of ['.env', '.env.production']) write(name, name);
    await copy(['.env*', '!.env.production']);
    expect([has('.env'), has('.env.production')]).toEqual([true, false]);
  });

  test('what git does not ignore stays away: files that it has, and new ones', async () => {
    write('new.txt', 'new');
    write('.env.example', 'changed and not committed');
    expect(await copy(['new.txt', '.env*', 'README.md'])).toEqual({ files: 0, left: [] });
    expect(readFileSync(join(to, '.env.example'), 'utf8')).toBe('A=');
  });

  test('what the worktree has already is left as it is', async () => {
    write('.env', 'theirs');
    writeFileSync(join(to, '.env'), 'mine');
    await copy(['.env']);
    expect(readFileSync(join(to, '.env'), 'utf8')).toBe('mine');
  });

  test('a whole folder, but not what is the town’s own, nor repositories inside', async () => {
    write('node_modules/a/index.js', 'a');
    write('node_modules/own/town.key', 'secret');
    makeRepository(join(from, 'node_modules', 'linked'));
    await copy(['node_modules/'], { never: [join(from, 'node_modules', 'own')] });
    expect([has('node_modules/a/index.js'), has('node_modules/own'), has('node_modules/linked')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('names with line breaks, quotes and bytes that are no text', async () => {
    for (const name of ['a\nb.key', '"quoted".key', 'ü.key']) write(name, name);
    writeFileSync(Buffer.concat([Buffer.from(`${from}/`), Buffer.from([0xff, 0xfe]), Buffer.from('.key')]), 'bytes');
    expect((await copy(['*.key'])).files).toBe(4);
    expect(readFileSync(join(to, 'a\nb.key'), 'utf8')).toBe('a\nb.key');
  });
});

describe.runIf(process.platform !== 'win32')('links', () => {
  test('lead nowhere outside: those within the checkout come as links, others are named and left', async () => {
    write('.env', 'SECRET=1');
    symlinkSync('.env', join(from, '.env.local'));
    symlinkSync('/etc/passwd', join(from, 'outside.key'));
    symlinkSync('../../../secret', join(from, 'above.key'));
    const { files, left } = await copy(['.env*', '*.key']);
    expect(files).toBe(2);
    expect(readlinkSync(join(to, '.env.local'))).toBe('.env');
    expect(left).toEqual(['above.key leads out of the checkout', 'outside.key leads out of the checkout']);
    expect([has('outside.key'), has('above.key')]).toEqual([false, false]);
  });

  test('of the branch are not written through', async () => {
    write('config/local.json', '{}');
    mkdirSync(join(folder.path, 'elsewhere'));
    symlinkSync(join(folder.path, 'elsewhere'), join(to, 'config'));
    await expect(copy(['config/'])).rejects.toThrow(/config is a link in the branch/);
    expect(existsSync(join(folder.path, 'elsewhere', 'local.json'))).toBe(false);
  });

  test('the file of patterns is not read by one', async () => {
    writeFileSync(join(folder.path, 'patterns'), '.env\n');
    expect(await includedPatterns(from)).toEqual([]);
    symlinkSync(join(folder.path, 'patterns'), join(from, '.worktreeinclude'));
    expect(await includedPatterns(from)).toEqual([]);
  });
});

test('a file of patterns is read as git reads one', () => {
  expect(patternsIn('# secrets\n.env*  \n\r\n!.env.test\r\n\\#odd\nname\\ \n')).toEqual([
    '.env*',
    '!.env.test',
    '\\#odd',
    'name\\ ',
  ]);
});
