import { mkdirSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { makeFakeTown } from '../../support/fake-town.ts';
import type { FakeTown } from '../../support/fake-town.ts';
import { asking, failEach, Program, quiet } from './failing-support.ts';

// Each of some hundred runs would ask git a dozen times; what is tried here is the store.
vi.mock('../../../shared/platform/git/worktree.ts', async (original) => ({
  ...(await original<object>()),
  createWorktree: async (_repository: string, path: string, branch: string) => {
    mkdirSync(path, { recursive: true });
    return { path, branch, base: 'base' };
  },
}));
vi.mock('../../../shared/platform/git/repository.ts', async (original) => ({
  ...(await original<object>()),
  openRepository: async (path: string) => ({ path, subfolder: '', branch: 'main' }),
  isBareRepository: async () => false,
}));
vi.mock('../../../shared/platform/git/remove-worktree.ts', async (original) => ({
  ...(await original<object>()),
  removeWorktree: async () => ({ kind: 'removed' }),
}));
vi.mock('../../../shared/platform/git/git.ts', async (original) => ({
  ...(await original<object>()),
  git: async () => '',
  runGit: async () => ({ stdout: '', stderr: '', code: 1 }),
}));
vi.mock('../../../shared/orchestration/handoff-note.ts', () => ({ handOverNote: async () => 'What is there.' }));

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

describe('in a town with its rules: each write fails once, and afterwards [holds 1]', () => {
  async function fakeTown(): Promise<FakeTown & { file: string; program: Program }> {
    const town = await makeFakeTown({ stalled: 'leave', spawn_failure: 'fail' });
    closers.push(() => town.close());
    return { ...town, file: town.paths.database, program: new Program(town) };
  }

  test('a sling has one session with its unit, which gets what it is sent', async () => {
    const town = await fakeTown();
    await failEach(town, async (n, write) => {
      const [id, work] = [`alpha-t${n}`, `issue-${n}`];
      await asking(() => town.request('sling', { work, rig: 'alpha', name: `t${n}`, message: 'Do it' }));
      write.restore();
      await town.program.works();
      expect(town.work.get(work)).toMatchObject({ owner: id, state: 'stalled' });
      expect(town.registry.list().filter(({ agentName }) => agentName === `t${n}`)).toHaveLength(1);
      await town.request('message.send', { to: id, body: `hello ${n}`, type: 'nudge' });
      await town.program.works();
      expect(town.store.messages.latest(5, { session: id, kind: 'nudge' }).map(({ state }) => state)).toEqual([
        'acted',
      ]);
    });
  });

  test('a handoff ends with one owner, who gets the unit', async () => {
    const town = await fakeTown();
    const count = await failEach(town, async (n, write) => {
      write.restore();
      const [from, to, work] = [`alpha-crew-a${n}`, `alpha-b${n}`, `issue-${n}`];
      await town.request('session.spawn', { role: 'crew', rig: 'alpha', name: `a${n}` });
      await town.request('work.add', { id: work, rig: 'alpha', description: 'Do it' });
      await town.request('work.assign', { id: work, session: from });
      await quiet(town);
      write.arm();
      const handOff = () => town.request('work.handoff', { from, to: `b${n}`, context: 'Half of it is done.' });
      try {
        await handOff();
      } catch (error) {
        expect(error).toMatchObject({ code: 'read-only' });
        await quiet(town);
        // It has told where the unit is: with its old owner, or open.
        const { owner, state } = town.work.get(work);
        if (owner === from) await handOff();
        else {
          expect(state).toBe('open');
          await town.request('sling', { work, rig: 'alpha', name: `b${n}` });
        }
      }
      write.restore();
      await town.program.works();
      expect(town.work.get(work)).toMatchObject({ owner: to, state: 'stalled' });
      expect(town.store.handoffs.all()).toEqual([]);
      expect(town.driver.started.filter(({ sessionId }) => sessionId === to)).toHaveLength(1);
    });
    expect(count).toBeGreaterThan(10);
  });
});
