import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findingsText } from '../../../../shared/platform/git/findings.ts';
import type { Occasion } from '../../../../shared/platform/git/findings.ts';
import { rebuildable } from '../../../../shared/platform/git/rebuildable.ts';
import { finishRemoval, removeWorktree, restoreWorktree } from '../../../../shared/platform/git/remove-worktree.ts';
import type { RemovedWorktree } from '../../../../shared/platform/git/remove-worktree.ts';
import { createWorktree } from '../../../../shared/platform/git/worktree.ts';
import { makeRepository, temporaryFolder } from '../../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;
let path: string;
const branch = 'polecat/toast/idle';

beforeEach(async () => {
  folder = temporaryFolder('remove-worktree');
  repository = makeRepository(join(folder.path, 'alpha'));
  write(repository, '.gitignore', 'out/\n.env\n*.sqlite\nvendor/\nnode_modules/\nwt/\ntarget/\n');
  git(repository, 'add', '.');
  git(repository, 'commit', '-q', '-m', 'Ignore');
  path = (await createWorktree(repository, join(folder.path, 'worktrees', 'toast'), branch)).path;
});
afterEach(() => folder.remove());

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: 'pipe' }).trim();
const branches = (): string[] => git(repository, 'branch', '--format=%(refname:short)').split('\n');
const rescues = (): string[] =>
  git(repository, 'for-each-ref', '--format=%(refname)', 'refs/rescue').split('\n').filter(Boolean);

function write(root: string, name: string, text: string): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
}

function commit(cwd: string, name: string): string {
  write(cwd, name, name);
  git(cwd, 'add', '-f', name);
  git(cwd, '-c', 'user.name=T', '-c', 'user.email=t@example.com', 'commit', '-q', '-m', name);
  return git(cwd, 'rev-parse', 'HEAD');
}

let judged: RemovedWorktree | undefined;
async function remove(occasion: Occasion = 'over', own: string[] = [], extended: string[] = []): Promise<string> {
  judged = undefined;
  const order = {
    id: 'wt-1',
    repository,
    path,
    branch,
    label: 'alpha-toast',
    occasion,
    at: Date.UTC(2026, 10, 30),
    judged: (each: RemovedWorktree) => void (judged = each),
  };
  const result = await removeWorktree(order, { own, isRebuildable: rebuildable(extended) });
  return result.kind === 'kept' ? findingsText(result.findings) : result.kind;
}

/** It stays, with this in it, and nothing was changed. */
async function stays(why: string | RegExp, occasion?: Occasion): Promise<void> {
  expect(await remove(occasion)).toMatch(why);
  expect([existsSync(path), branches().includes(branch), rescues()]).toEqual([true, true, []]);
}

describe('a worktree that is over stays with [holds 6]', () => {
  test('an ignored file, in a folder or by its name', async () => {
    write(path, 'out/report.md', 'what was asked for');
    write(path, '.env', 'KEY=1');
    write(path, 'data/app.sqlite', '');
    await stays(/^ignored by git and nowhere else: .*out\/report.md/);
  });

  test('a file that is only staged, only deleted, or was never added', async () => {
    write(path, 'README.md', 'changed');
    git(path, 'add', 'README.md');
    await stays('uncommitted: README.md');
    git(path, 'reset', '-q', '--hard');
    rmSync(join(path, 'README.md'));
    await stays('uncommitted: README.md');
    git(path, 'reset', '-q', '--hard');
    write(path, 'Grüße, "neu".txt', '');
    await stays('uncommitted: Grüße, "neu".txt');
  });

  test.each(['--assume-unchanged', '--skip-worktree'])('a change that %s hides', async (flag) => {
    git(path, 'update-index', flag, 'README.md');
    expect(await remove()).toBe('removed');
    await restoreWorktree(judged!);
    git(path, 'update-index', flag, 'README.md');
    write(path, 'README.md', 'hidden');
    expect(git(path, 'status', '--porcelain')).toBe('');
    await stays('changed, but hidden from git by a flag: README.md');
  });

  test('an ignored repository with commits, or one in node_modules', async () => {
    makeRepository(join(path, 'vendor', 'lib'));
    await stays('repositories of their own with work that is nowhere else: vendor/lib');
    rmSync(join(path, 'vendor'), { recursive: true });
    makeRepository(join(path, 'node_modules', '@scope', 'lib'));
    await stays('node_modules/@scope/lib');
  });

  test('an ignored worktree of another repository', async () => {
    const other = makeRepository(join(folder.path, 'beta'));
    git(other, 'worktree', 'add', '-q', '-b', 'w', join(path, 'wt', 'beta'));
    await stays('repositories of their own with work that is nowhere else: wt/beta');
  });

  test('commits on its branch, or on none', async () => {
    commit(path, 'new.txt');
    await stays('1 commit that is nowhere else');
    git(path, 'switch', '-q', '--detach');
    git(repository, 'branch', '-f', 'kept', branch);
    commit(path, 'detached.txt');
    expect(await remove()).toBe('1 commit that is nowhere else');
  });

  test('a rebase that has not ended, a lock, and a folder that nobody may look into', async () => {
    commit(path, 'a.txt');
    git(repository, 'merge', '-q', branch);
    try {
      git(path, '-c', 'user.name=T', '-c', 'user.email=t@example.com', 'rebase', '-q', '--exec', 'false', 'HEAD~1');
    } catch {
      // It stops there.
    }
    await stays('a rebase has not ended in it');
    git(path, 'rebase', '--abort');
    git(repository, 'worktree', 'lock', '--reason', 'on a stick', path);
    await stays('git has it locked: on a stick', 'asked');
  });

  test('a folder that cannot be looked into [holds 5]', async () => {
    // Deeper than any path may be long: nobody can name it, not even root, who may look into everything.
    const name = 'd'.repeat(200);
    execFileSync(
      'bash',
      ['-c', `mkdir deep; cd deep; for _ in $(seq 25); do mkdir ${name}; cd ${name}; done; echo > report.md`],
      { cwd: path },
    );
    await stays(/deep|name too long/i);
    execFileSync('rm', ['-rf', 'deep'], { cwd: path });
  });

  test('another .git than git has on record', async () => {
    renameSync(join(path, '.git'), join(path, '.git-away'));
    makeRepository(path);
    await stays(/EISDIR|another repository/);
  });
});

describe('a worktree that is over goes', () => {
  test('with what tools make again, what is the same in the main checkout, and what the town itself has put there', async () => {
    for (const root of [repository, path]) write(root, '.env', 'KEY=1');
    write(path, 'node_modules/left-pad/index.js', '');
    write(path, 'target/CACHEDIR.TAG', 'Signature: 8a477f597d28d172789f06886806bc55\n');
    write(path, 'target/debug/app', '');
    write(path, 'vendor/ours.js', '');
    expect(await remove('over', [join(path, 'vendor', 'ours.js')])).toBe('removed');
    expect([existsSync(path), branches(), rescues()]).toEqual([false, ['main'], []]);
  });

  test('with what the settings name besides; a folder of another name stays', async () => {
    write(path, 'out/app.js', '');
    write(path, 'vendor/out.js', '');
    expect(await remove('over', [], ['out/'])).toBe('ignored by git and nowhere else: vendor/out.js');
    rmSync(join(path, 'vendor'), { recursive: true });
    expect(await remove('over', [], ['out/'])).toBe('removed');
  });

  test('a .env that differs from that of the main checkout by one byte does not', async () => {
    write(repository, '.env', 'KEY=1');
    write(path, '.env', 'KEY=2');
    await stays('ignored by git and nowhere else: .env');
  });

  test.each(['to it', 'to another folder in it'])(
    'a file that the main checkout only has by a link %s is not there',
    async (to) => {
      write(path, 'out/report.md', 'the report');
      write(path, 'vendor/report.md', 'the report');
      symlinkSync(join(path, to === 'to it' ? 'out' : 'vendor'), join(repository, 'out'));
      git(repository, 'commit', '-q', '--allow-empty', '-m', 'Linked');
      await stays('ignored by git and nowhere else: out/report.md, vendor/report.md');
    },
  );

  test('a file that the main checkout has by a hard link is the same one', async () => {
    for (const root of [path, repository]) mkdirSync(join(root, 'out'));
    write(path, 'out/report.md', 'the report');
    linkSync(join(path, 'out', 'report.md'), join(repository, 'out', 'report.md'));
    await stays('ignored by git and nowhere else: out/report.md');
  });

  const logged: Record<string, () => string> = {
    'a commit that was reset': () => {
      const lost = commit(path, 'lost.txt');
      git(path, 'reset', '-q', '--hard', 'HEAD~1');
      return lost;
    },
    'a commit on no branch, left again': () => {
      git(path, 'switch', '-q', '--detach');
      const lost = commit(path, 'lost.txt');
      git(path, 'switch', '-q', branch);
      return lost;
    },
    'a commit that was amended, and the result merged': () => {
      const lost = commit(path, 'first.txt');
      git(path, '-c', 'user.name=T', '-c', 'user.email=t@example.com', 'commit', '-q', '--amend', '-m', 'second');
      git(repository, 'merge', '-q', branch);
      return lost;
    },
  };
  test.each(Object.keys(logged))('and %s is kept by a rescue ref', async (name) => {
    const lost = logged[name]!();
    expect(await remove()).toBe('removed');
    expect(rescues()).toEqual(['refs/rescue/alpha-toast/20261130T000000000Z']);
    git(repository, 'reflog', 'expire', '--expire=now', '--all');
    git(repository, 'gc', '-q', '--prune=now');
    expect(git(repository, 'merge-base', '--is-ancestor', lost, rescues()[0]!)).toBe('');
    expect(judged).toMatchObject({ rescue: rescues()[0], commits: 1, files: 0 });
  });

  test('and branches that were made there, stashes, and other people’s branches stay', async () => {
    git(path, 'switch', '-q', '-c', 'feature/x');
    commit(path, 'x.txt');
    write(path, 'README.md', 'stashed');
    git(path, '-c', 'user.name=T', '-c', 'user.email=t@example.com', 'stash', '-q');
    expect(await remove()).toBe('removed');
    expect(branches()).toEqual(['feature/x', 'main']);
    expect(git(repository, 'stash', 'list')).toContain('feature/x');
  });

  test('also where somebody has deleted its folder, and what its log had is rescued', async () => {
    const lost = commit(path, 'lost.txt');
    git(path, 'reset', '-q', '--hard', 'HEAD~1');
    rmSync(path, { recursive: true });
    expect(await remove()).toBe('removed');
    expect(judged).toMatchObject({ byHand: true, commits: 1 });
    expect(git(repository, 'cat-file', '-t', lost)).toBe('commit');
    expect(git(repository, 'worktree', 'list').split('\n')).toHaveLength(1);
  });
});

describe('when the user asks for it', () => {
  /** Something of every kind that a rescue commit keeps. */
  function fill(): void {
    commit(path, 'committed.txt');
    write(path, 'staged.txt', 'as staged');
    git(path, 'add', 'staged.txt');
    write(path, 'staged.txt', 'as changed since');
    write(path, 'README.md', 'mixed\r\nline\nends');
    git(repository, 'config', 'core.autocrlf', 'input');
    rmSync(join(path, '.gitignore'));
    git(path, 'checkout', '-q', '--', '.gitignore');
    write(path, 'out/deep/report.md', 'ignored');
    write(path, '.env', 'secret');
    chmodSync(join(path, '.env'), 0o600);
    write(path, 'run.sh', '#!/bin/sh\n');
    chmodSync(join(path, 'run.sh'), 0o755);
    symlinkSync('nowhere/at all', join(path, 'link'));
    write(path, 'with\nbreak', 'a name of two lines');
    writeFileSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xff, 0xfe])]), 'a name that is no text');
    write(path, 'binary.sqlite', '\0\r\n\0');
  }
  const look = (): unknown => ({
    status: execFileSync(
      'git',
      ['status', '--porcelain=v2', '-z', '--branch', '--untracked-files=all', '--ignored=matching'],
      { cwd: path, encoding: 'latin1' },
    ),
    texts: ['staged.txt', 'README.md', 'out/deep/report.md', '.env', 'run.sh', 'with\nbreak', 'binary.sqlite'].map(
      (name) => [name, readFileSync(join(path, name), 'latin1')],
    ),
    odd: readFileSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xff, 0xfe])]), 'latin1'),
    modes: ['.env', 'run.sh', 'README.md'].map((name) => statSync(join(path, name)).mode & 0o777),
    link: [lstatSync(join(path, 'link')).isSymbolicLink(), readlinkSync(join(path, 'link'))],
    staged: git(path, 'show', ':staged.txt'),
    log: git(path, 'log', '--format=%H', '-3'),
  });

  test('it goes with everything in it, and comes back to the byte [holds 6]', async () => {
    fill();
    const before = look();
    expect(await remove('asked')).toBe('removed');
    expect([existsSync(path), branches()]).toEqual([false, ['main', branch]]);
    git(repository, 'reflog', 'expire', '--expire=now', '--all');
    git(repository, 'gc', '-q', '--prune=now');
    await restoreWorktree(judged!);
    expect(look()).toEqual(before);
    // The branch never went, so the commit on it is not counted as rescued.
    expect(judged).toMatchObject({ commits: 0, files: 9 });
  });

  test('flags, deletions and a detached HEAD come back, too', async () => {
    const onNoBranch = (git(path, 'switch', '-q', '--detach'), commit(path, 'detached.txt'));
    git(path, 'update-index', '--assume-unchanged', 'README.md');
    write(path, 'README.md', 'hidden');
    rmSync(join(path, '.gitignore'));
    expect(await remove('asked')).toBe('removed');
    expect(branches()).toEqual(['main']);
    git(repository, 'gc', '-q', '--prune=now');
    await restoreWorktree(judged!);
    expect([readFileSync(join(path, 'README.md'), 'utf8'), git(path, 'status', '--porcelain')]).toEqual([
      'hidden',
      'D .gitignore',
    ]);
    expect(git(path, 'ls-files', '-v', 'README.md')).toBe('h README.md');
    expect([git(path, 'rev-parse', 'HEAD'), branches()]).toEqual([onNoBranch, ['main', branch]]);
  });

  test('a file or a link where a folder was, and a folder where a file was, come back', async () => {
    for (const name of ['a/deep/x.txt', 'b/x.txt', 'c', 'd', 'f/deep/x.txt', 'g/x.txt']) write(repository, name, name);
    symlinkSync('README.md', join(repository, 'e'));
    git(repository, 'add', '.');
    git(repository, 'commit', '-q', '-m', 'Folders');
    git(path, 'merge', '-q', 'main');
    // So its absence is not seen as a deletion.
    git(path, 'update-index', '--skip-worktree', 'g/x.txt');
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) rmSync(join(path, name), { recursive: true });
    for (const name of ['a', 'g']) write(path, name, 'a file');
    symlinkSync('c', join(path, 'b'));
    for (const name of ['c/x.txt', 'd/deep/x.txt', 'e/x.txt']) write(path, name, name);
    git(path, 'add', 'd');
    const look = (): unknown => [
      git(path, 'status', '--porcelain=v2'),
      existsSync(join(path, 'f')),
      ...['a', 'g'].map((name) => readFileSync(join(path, name), 'utf8')),
      readlinkSync(join(path, 'b')),
      ...['c/x.txt', 'd/deep/x.txt', 'e/x.txt'].map((name) => readFileSync(join(path, name), 'utf8')),
    ];
    const before = look();
    expect(await remove('asked')).toBe('removed');
    await restoreWorktree(judged!);
    expect(look()).toEqual(before);
  });

  test('files of any size come back', async () => {
    const content = (size: number): Buffer =>
      Buffer.alloc(size, Buffer.from(Array.from({ length: 257 }, (_, index) => index % 256)));
    const sizes = [0, 1, 5_000_000, 5_000_001, 9_000_000, 2];
    for (const size of sizes) writeFileSync(join(path, `big-${size}`), content(size));
    expect(await remove('asked')).toBe('removed');
    await restoreWorktree(judged!);
    for (const size of sizes) expect(readFileSync(join(path, `big-${size}`)).equals(content(size))).toBe(true);
  });

  test('what only a folder can keep stays: repositories inside, work in submodules', async () => {
    makeRepository(join(path, 'vendor', 'lib'));
    write(path, '.env', 'x');
    await stays(/^repositories of their own.*vendor\/lib$/, 'asked');
  });

  test('it is not brought back over something else', async () => {
    write(path, 'new.txt', 'mine');
    expect(await remove('asked')).toBe('removed');
    write(path, 'other.txt', 'theirs');
    await expect(restoreWorktree(judged!)).rejects.toMatchObject({ code: 'name-taken' });
    expect(readFileSync(join(path, 'other.txt'), 'utf8')).toBe('theirs');
    rmSync(path, { recursive: true });
    await restoreWorktree(judged!);
    expect(readFileSync(join(path, 'new.txt'), 'utf8')).toBe('mine');
  });
});

describe('submodules', () => {
  let sub: string;
  beforeEach(async () => {
    const lib = makeRepository(join(folder.path, 'lib'));
    git(repository, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', lib, 'lib');
    git(repository, 'commit', '-q', '-m', 'Lib');
    path = (await createWorktree(repository, join(folder.path, 'worktrees', 'nux'), 'polecat/nux/idle')).path;
    sub = join(path, 'lib');
  });
  const removeIt = async (): Promise<string> => {
    const order = {
      id: 'wt-2',
      repository,
      path,
      branch: 'polecat/nux/idle',
      label: 'alpha-nux',
      occasion: 'over' as const,
      at: 0,
      judged: (each: RemovedWorktree) => void (judged = each),
    };
    const result = await removeWorktree(order, { own: [], isRebuildable: rebuildable() });
    return result.kind === 'kept' ? findingsText(result.findings) : result.kind;
  };

  test('do not keep a worktree, and come back with it', async () => {
    expect(await removeIt()).toBe('removed');
    expect([existsSync(path), branches()]).toEqual([false, ['main', branch]]);
    await restoreWorktree(judged!);
    expect(readFileSync(join(sub, 'README.md'), 'utf8')).toBe('# Sample\n');
  });

  test('with commits, also on another branch or only in the log, or with files, keep it', async () => {
    git(sub, 'switch', '-q', '-c', 'mine');
    commit(sub, 'a.txt');
    git(sub, 'checkout', '-q', '--detach', 'origin/main');
    expect(await removeIt()).toBe('work in submodules that is nowhere else: lib');
    git(sub, 'branch', '-q', '-D', 'mine');
    expect(await removeIt()).toBe('work in submodules that is nowhere else: lib');
    git(sub, 'reflog', 'expire', '--expire=now', '--all');
    write(sub, 'new.txt', '');
    expect(await removeIt()).toBe('work in submodules that is nowhere else: lib');
    rmSync(join(sub, 'new.txt'));
    expect(await removeIt()).toBe('removed');
  });
});

describe('a host that dies over a removal', () => {
  /** Breaks off right after it is on record. */
  const die = async (): Promise<void> => {
    const order = {
      id: 'wt-1',
      repository,
      path,
      branch,
      label: 'alpha-toast',
      occasion: 'over' as const,
      at: 0,
      judged: (each: RemovedWorktree) => {
        judged = each;
        throw new Error('killed');
      },
    };
    await expect(removeWorktree(order, { own: [], isRebuildable: rebuildable() })).rejects.toThrow('killed');
  };

  test('before anything went: what came into it since is seen', async () => {
    await die();
    write(path, 'new.txt', '');
    expect(await finishRemoval(judged!)).toBe(false);
    await stays('uncommitted: new.txt');
  });

  test.each(['moved aside', 'off git’s record', 'half deleted'])(
    'when its folder was %s: the next one ends it, with its branch',
    async (how) => {
      await die();
      const aside = join(dirname(path), '.removing-wt-1');
      renameSync(path, aside);
      if (how !== 'moved aside') git(repository, 'worktree', 'remove', '--force', path);
      if (how === 'half deleted') rmSync(join(aside, 'README.md'));
      expect(await finishRemoval(judged!)).toBe(true);
      expect([existsSync(aside), existsSync(path), branches()]).toEqual([false, false, ['main']]);
      expect(await finishRemoval(judged!)).toBe(true);
    },
  );

  test('and a branch that somebody has moved or checked out meanwhile stays', async () => {
    await die();
    renameSync(path, join(dirname(path), '.removing-wt-1'));
    git(repository, 'worktree', 'prune', '--expire=now');
    const other = join(folder.path, 'other');
    git(repository, 'worktree', 'add', '-q', other, branch);
    expect(await finishRemoval(judged!)).toBe(true);
    expect(branches()).toContain(branch);
    commit(other, 'more.txt');
    git(other, 'switch', '-q', '--detach');
    expect(await finishRemoval(judged!)).toBe(true);
    expect(branches()).toContain(branch);
  });
});

test('two removals of one worktree at once: one does it, the other finds nothing that git knows', async () => {
  const results = await Promise.all([remove(), remove()]);
  expect(results).toEqual(['removed', 'git does not know it as a worktree']);
});
