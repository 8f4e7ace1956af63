import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { entriesOf } from '../../../shared/domain/delivery.ts';
import { restartSession } from '../../../shared/orchestration/restart-session.ts';
import { makeCore, temporaryFolder } from '../../support/core.ts';
import { asking, failEach, Program, quiet } from './failing-support.ts';

type Core = ReturnType<typeof makeCore>;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

describe('each write fails once, and afterwards [holds 1]', () => {
  /** A core of its own. */
  async function core(): Promise<Core & { file: string; program: Program }> {
    const folder = temporaryFolder('failing');
    const file = join(folder.path, 'town.db');
    const made = makeCore(file);
    closers.push(() => {
      made.outbox.dispose();
      made.manager.dispose();
      made.store.close();
      folder.remove();
    });
    return { ...made, file, program: new Program(made) };
  }
  async function start(made: Core, id: string): Promise<string> {
    const config = { role: 'polecat', rig: 'alpha', agentName: id.replace('alpha-', ''), workDir: '/nowhere' } as const;
    await asking(() => made.orchestrators.get('opencode')!.spawnSession(config));
    const { runId } = made.registry.get(id);
    made.manager.report(runId, 'program', { kind: 'idle' }, 'idle');
    await quiet(made);
    return runId;
  }
  const state = (made: Core, id: string) => made.store.messages.get(id)?.state;

  test('a message is delivered once, and so is the next one', async () => {
    const made = await core();
    await start(made, 'alpha-toast');
    const count = await failEach(made, async (n) => {
      const nudge = (id: string) =>
        asking(() => made.outbox.accept({ id, from: 'overseer', to: 'alpha-toast', kind: 'nudge', body: id }));
      await nudge(`msg-${n}`);
      await made.program.works();
      await nudge(`next-${n}`);
      await made.program.works();
      expect(made.program.got.filter((id) => id.endsWith(`-${n}`))).toEqual([`msg-${n}`, `next-${n}`]);
      expect([state(made, `msg-${n}`), state(made, `next-${n}`)]).toEqual(['acted', 'acted']);
      expect(made.store.messages.get(`msg-${n}`)?.repeated).toBe(false);
    });
    expect(count).toBeGreaterThan(10);
  });

  test('an attempt that did not succeed is made again', async () => {
    const made = await core();
    await start(made, 'alpha-toast');
    for (const outcome of [
      { kind: 'not-now', reason: 'typing' },
      { kind: 'failed', reason: 'no' },
      'throws',
    ] as const) {
      await failEach(made, async (n) => {
        const id = `${typeof outcome === 'string' ? outcome : outcome.kind}-${n}`;
        made.driver.outcome = outcome;
        await asking(() => made.outbox.accept({ id, from: 'overseer', to: 'alpha-toast', kind: 'nudge', body: id }));
        await quiet(made);
        // What did not succeed did not reach the program.
        made.program.missed();
        made.driver.outcome = { kind: 'accepted' };
        made.advance(6_000);
        // Something happens: that is when it is tried again.
        made.manager.report(made.registry.get('alpha-toast').runId, 'program', { kind: 'busy' }, 'busy');
        made.manager.report(made.registry.get('alpha-toast').runId, 'program', { kind: 'idle' }, 'idle');
        await made.program.works();
        expect(made.program.got.filter((got) => got === id)).toEqual([id]);
        expect(state(made, id)).toBe('acted');
      });
    }
  });

  test('work is delivered once, and runs; what is not reported is reminded of once, and then stalled', async () => {
    const made = await core();
    await start(made, 'alpha-toast');
    await failEach(made, async (n) => {
      const unit = { id: `issue-${n}`, type: 'issue', description: 'Do it', payload: {}, priority: 2 } as const;
      await asking(() => made.orchestrators.get('opencode')!.assignWork('alpha-toast', unit));
      await made.program.works();
      const about = made.store.messages.latest(100).filter(({ workId }) => workId === unit.id);
      expect(about.map(({ kind, state: now }) => `${kind} ${now}`).sort()).toEqual(['reminder acted', 'work acted']);
      expect(made.program.got.filter((id) => about.some((message) => message.id === id))).toHaveLength(2);
      expect(made.store.work.history(unit.id).map(({ state: now }) => now)).toEqual([
        'open',
        'assigned',
        'running',
        'stalled',
      ]);
      await asking(() => made.work.finish(unit.id, 'completed', { by: 'alpha-toast' }));
      expect(made.work.get(unit.id).state).toBe('done');
    });
  });

  test('a session starts with its first prompt, takes messages, and its stop frees its work', async () => {
    const made = await core();
    await failEach(made, async (n) => {
      const [id, work] = [`alpha-t${n}`, `issue-${n}`];
      const initialWork = { id: work, type: 'issue', description: 'Do it', payload: {}, priority: 2 } as const;
      const config = { role: 'polecat', rig: 'alpha', agentName: `t${n}`, workDir: '/nowhere', initialWork } as const;
      await asking(() => made.orchestrators.get('opencode')!.spawnSession(config));
      expect(made.registry.get(id).state).toBe('running');
      await made.program.works();
      await asking(() =>
        made.outbox.accept({ id: `msg-${n}`, from: 'overseer', to: id, kind: 'nudge', body: 'Hello' }),
      );
      await made.program.works();
      expect(state(made, `msg-${n}`)).toBe('acted');
      expect(made.work.get(work)).toMatchObject({ state: 'stalled', owner: id });
      await asking(() => made.manager.stop(id));
      await quiet(made);
      expect(made.registry.get(id).state).toBe('stopped');
      expect(made.store.sessions.run(made.registry.get(id).runId)?.state).toBe('stopped');
      expect(made.work.get(work)).toMatchObject({ state: 'open' });
    });
  });

  test('a session that dies is restarted with what it had', async () => {
    const made = await core();
    await failEach(made, async (n) => {
      const id = `alpha-t${n}`;
      await start(made, id);
      await asking(() =>
        made.orchestrators
          .get('opencode')!
          .assignWork(id, { id: `issue-${n}`, type: 'issue', description: 'Do it', payload: {}, priority: 2 }),
      );
      await quiet(made);
      const given = made.driver.deliveries.at(-1)!;
      for (const entry of entriesOf(given.delivery)) made.manager.delivered(given.runId, entry);
      made.program.missed();
      made.manager.report(made.registry.get(id).runId, 'program', { kind: 'ended', error: 'killed' }, 'killed');
      await quiet(made);
      expect(made.store.sessions.run(made.registry.get(id).runId)?.state).toBe('failed');
      await asking(() => restartSession(made, id, { reason: 'it was killed' }));
      made.manager.report(made.registry.get(id).runId, 'program', { kind: 'idle' }, 'idle');
      await made.program.works();
      expect(made.registry.get(id)).toMatchObject({ state: 'running' });
      expect(
        made.store.work
          .history(`issue-${n}`)
          .map(({ state: now }) => now)
          .filter((now) => now === 'running'),
      ).toHaveLength(2);
      await asking(() =>
        made.outbox.accept({ id: `msg-${n}`, from: 'overseer', to: id, kind: 'nudge', body: 'Hello' }),
      );
      await made.program.works();
      expect(state(made, `msg-${n}`)).toBe('acted');
      await asking(() => made.manager.stop(id));
      await quiet(made);
    });
  });
});
