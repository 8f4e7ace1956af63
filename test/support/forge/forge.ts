import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readForge, writeForge } from './forge-state.ts';
import type { ForgePull, ForgeState } from './forge-state.ts';

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** A forge with one repository, a real bare one, and a scripted `gh` on PATH that knows what becomes of its pull requests. */
export class Forge {
  readonly repository: string;
  private readonly file: string;
  private readonly bin: string;
  private readonly path = process.env['PATH'] ?? '';

  /** `checkout` gets the repository as its `origin`, with the branch `main` in it. */
  constructor(folder: string, checkout: string) {
    this.repository = join(folder, 'acme.git');
    this.file = join(folder, 'forge.json');
    this.bin = Forge.bin(folder);
    git(folder, 'init', '-q', '--bare', '-b', 'main', this.repository);
    git(checkout, 'remote', 'add', 'origin', this.repository);
    git(checkout, 'push', '-q', '-u', 'origin', 'main');
    const repositories = { acme: this.repository };
    writeForge(this.file, { repositories, pulls: [], calls: [], signedIn: true, online: true, known: true });
    this.install();
  }

  /** Where the `gh` of a forge in this folder is, for who has to know it before there is one. */
  static bin(folder: string): string {
    return join(folder, 'bin');
  }

  get state(): ForgeState {
    return readForge(this.file);
  }

  change(what: (state: ForgeState) => void): void {
    const { state } = this;
    what(state);
    writeForge(this.file, state);
  }

  pull(number: number): ForgePull {
    const pull = this.state.pulls.find((each) => each.number === number);
    if (!pull) throw new Error(`there is no pull request ${number}`);
    return pull;
  }

  changePull(number: number, change: Partial<ForgePull>): void {
    this.change(({ pulls }) => Object.assign(pulls[number - 1] ?? {}, change));
  }

  /** How often that was asked for: `pr view`. */
  calls(what: string): number {
    return this.state.calls.filter((args) => args.join(' ').startsWith(what)).length;
  }

  tip(branch: string): string | undefined {
    return git(this.repository, 'for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`) || undefined;
  }

  /** As its button does it, in one commit; the branch goes. */
  squash(number: number): string {
    const { branch, title, base } = this.pull(number);
    const [onto, head] = [this.tip(base) ?? '', this.tip(branch) ?? ''];
    const tree = git(this.repository, 'merge-tree', '--write-tree', onto, head);
    const who = ['-c', 'user.name=Forge', '-c', 'user.email=forge@example.com'];
    const mergeCommit = git(this.repository, ...who, 'commit-tree', tree, '-p', onto, '-m', `${title} (#${number})`);
    git(this.repository, 'update-ref', `refs/heads/${base}`, mergeCommit);
    git(this.repository, 'update-ref', '-d', `refs/heads/${branch}`);
    this.changePull(number, { state: 'MERGED', head, mergeCommit });
    return mergeCommit;
  }

  /** Somebody else's repository of the same, by that name. */
  fork(owner: string): string {
    const repository = join(dirname(this.repository), owner, 'alpha.git');
    mkdirSync(dirname(repository), { recursive: true });
    git(dirname(repository), 'clone', '-q', '--bare', this.repository, repository);
    this.change(({ repositories }) => {
      repositories[owner] = repository;
    });
    return repository;
  }

  /** Puts `gh` on the PATH of all that is started from now on. */
  install(): void {
    mkdirSync(this.bin, { recursive: true });
    const program = fileURLToPath(new URL('gh-program.ts', import.meta.url));
    const gh = join(this.bin, 'gh');
    writeFileSync(gh, `#!/bin/sh\nexec '${process.execPath}' '${program}' '${this.file}' "$@"\n`);
    chmodSync(gh, 0o755);
    process.env['PATH'] = `${this.bin}${delimiter}${this.path}`;
  }

  /** A PATH without any `gh`, whatever this machine has. */
  uninstall(): void {
    const bare = `${this.bin}-without`;
    mkdirSync(bare, { recursive: true });
    const which = (name: string): string =>
      execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    for (const name of ['git', 'sh']) symlinkSync(which(name), join(bare, name));
    process.env['PATH'] = bare;
  }

  dispose(): void {
    process.env['PATH'] = this.path;
  }
}
