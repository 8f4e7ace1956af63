import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { FakeTown } from '../../support/fake-town.ts';
import { patience } from '../../support/patience.ts';

export const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

/** What workers and the user do in a fake town with its one rig, on real git. `of` is the town of the test that runs. */
export function mergeActs(of: () => FakeTown) {
  const rigGit = (...args: string[]): string => git(of().rig, ...args);
  const worktree = (name: string): string => join(of().paths.worktrees, 'alpha', name);

  /** The rig says so, and the user has agreed to it. */
  async function settings(merge_queue: Record<string, unknown>, agree = true): Promise<void> {
    const town = of();
    mkdirSync(join(town.rig, 'settings'), { recursive: true });
    writeFileSync(join(town.rig, '.git', 'info', 'exclude'), 'settings/\n');
    writeFileSync(
      join(town.rig, 'settings', 'config.json'),
      JSON.stringify({ type: 'rig-settings', version: 1, merge_queue }),
    );
    await expect.poll(() => town.rigs.get('alpha').settings.merge_queue, { timeout: patience() }).toEqual(merge_queue);
    if (agree) await trust();
  }

  async function trust(): Promise<void> {
    const { hash } = await of().request('rig.review', { rig: 'alpha' });
    await of().request('rig.trust', { rig: 'alpha', hash });
  }

  /** A polecat that has done its unit, with one commit for each set of files. */
  async function finish(name: string, work: string, ...commits: Record<string, string>[]): Promise<string> {
    await begin(name, work);
    return report(name, work, ...commits);
  }

  async function begin(name: string, work: string, by?: string): Promise<void> {
    const town = of();
    await town.request('sling', { work, rig: 'alpha', name, message: `Do ${work}` }, by);
    const prompt = town.driver.started.at(-1)?.firstPrompt;
    if (prompt) town.manager.runs.delivered(town.registry.get(`alpha-${name}`).runId, prompt.id);
  }

  async function report(name: string, work: string, ...commits: Record<string, string>[]): Promise<string> {
    for (const files of commits) {
      for (const [file, text] of Object.entries(files)) writeFileSync(join(worktree(name), file), text);
      git(worktree(name), 'add', '-A');
      git(worktree(name), 'commit', '-qm', `Change ${Object.keys(files).join(', ')}`);
    }
    await of().request('work.done', { message: 'Done.', id: work }, `alpha-${name}`);
    of().idle(`alpha-${name}`);
    return git(worktree(name), 'rev-parse', 'HEAD');
  }

  const merge = (id: string) => of().request('merge.queue', { id });
  const stateOf = (id: string): string => of().merges.get(id).state;
  const whyOf = (id: string): string | undefined => of().merges.get(id).detail.why;
  const until = (id: string, state: string) =>
    expect.poll(() => stateOf(id), { timeout: patience(), message: `${id}: ${whyOf(id)}` }).toBe(state);
  const files = (): string[] => rigGit('ls-tree', '--name-only', 'main').split('\n');

  return { rigGit, worktree, settings, trust, finish, begin, report, merge, stateOf, whyOf, until, files };
}
