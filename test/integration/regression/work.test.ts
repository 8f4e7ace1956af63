// Scenarios of work that must not be lost, on real agents; each has its number in Gas Town's regression catalogue.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FailurePolicySettings } from '../../../shared/config/failure-policy.ts';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import type { BackendName } from '../../../shared/domain/orchestrator.ts';
import type { SessionView } from '../../../shared/channel/views.ts';
import { serverRecords } from '../../support/compact.ts';
import { eventually } from '../../support/editor/eventually.ts';
import { processesWith } from '../../support/processes-with.ts';
import { eventsOf, sessionsBeginning } from '../../support/questions.ts';
import { scripted } from '../../support/scripted.ts';
import { TownFixture } from '../../support/town-fixture.ts';

let town: TownFixture;
beforeAll(async () => {
  town = await TownFixture.make();
});
afterEach(() => policy({}));
afterAll(async () => {
  expect(await town.stop()).toEqual([]);
});

const sling = (work: string, backend: BackendName, message: string) =>
  town.host.api.request('sling', { work, rig: 'alpha', backend, name: work, message });
const unit = (id: string) => town.host.snapshot.work.find((work) => work.id === id)!;
const session = (id: string) => town.host.snapshot.sessions.find((each) => each.id === id);
const untilWork = (id: string, state: string) =>
  town.until(`${id} ${state}`, ({ work }) => work.some((each) => each.id === id && each.state === state));
const untilSession = (id: string, what: string, check: (session: SessionView) => boolean) =>
  town.until(`${id} ${what}`, ({ sessions }) => sessions.some((each) => each.id === id && check(each)));
const escalated = () => town.host.snapshot.escalations.map(({ severity, message }) => `${severity}: ${message}`);
const primed = (id: string) => town.model.seen(`Your work: ${id} `);
const events = (id: string) => eventsOf(town, id).map(({ type, detail }) => `${type} ${detail}`);

/** Kills the program that the session is in. */
function kill(id: string): void {
  const { backend, pid } = town.session(id);
  process.kill(backend === 'claude' ? pid! : serverRecords(town.root)[0]!.pid!, 'SIGKILL');
}

/** What is in force from now on; the host reads the file anew. */
function policy(failure_policy: FailurePolicySettings): void {
  const file = settingsPath(town.root);
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), failure_policy }));
}

/** Puts a program that fails first on PATH, for the time of `act`. */
async function broken(program: BackendName, version: string, act: () => Promise<unknown>): Promise<void> {
  const folder = path.join(town.folder, `broken-${program}-${Date.now()}`);
  mkdirSync(folder);
  writeFileSync(
    path.join(folder, program),
    `#!/bin/sh\ncase "$1" in --version) echo "${version}";; *) echo "the disk is on fire" >&2; exit 3;; esac\n`,
  );
  chmodSync(path.join(folder, program), 0o755);
  const { PATH } = town.environment;
  town.environment['PATH'] = `${folder}:${PATH ?? ''}`;
  try {
    await act();
  } finally {
    town.environment['PATH'] = PATH;
  }
}

describe.each([
  ['claude', '2.1.330 (Claude Code)'],
  ['opencode', '1.18.33'],
] as const)('%s', (backend, version) => {
  test('E8: a session whose unit is closed is not started again when it dies, and its worktree goes', async () => {
    const work = `${backend}-closed`;
    const id = `alpha-${work}`;
    const { session: started } = await sling(
      work,
      backend,
      scripted('Look.', { tool: 'bash', args: { command: 'gt done -m "nothing to do"' } }, { text: 'Done.' }),
    );
    await untilWork(work, 'done');
    await untilSession(id, 'idle', ({ activity }) => activity.kind === 'idle');
    kill(id);
    await eventually(
      'its worktree is gone',
      async () => existsSync(started.workDir),
      (there) => !there,
    );
    await untilSession(id, 'dead', ({ state, runId }) => state === 'failed' && runId === started.runId);
    expect(primed(work)).toHaveLength(1);
    expect(events(id).filter((event) => event.includes('dead-process'))).toEqual([expect.stringContaining('"settle"')]);
  });

  test('E12: a session that does not get ready again is tried once more, then quarantined with the reason, until it is reset', async () => {
    const work = `${backend}-unready`;
    const id = `alpha-${work}`;
    await sling(work, backend, scripted('Think.', { hold: work }, { text: 'Thought.' }));
    await untilWork(work, 'running');
    await broken(backend, version, async () => {
      kill(id);
      await untilSession(id, 'quarantined', ({ quarantined }) => quarantined !== undefined);
      expect(session(id)?.quarantined?.reason).toMatch(/it did not start 2 times in a row.*the disk is on fire/s);
      expect(events(id).filter((event) => event.startsWith('session.restarted'))).toHaveLength(2);
      expect(escalated()).toEqual([expect.stringMatching(new RegExp(`^high: ${id} is quarantined`))]);
    });
    await untilWork(work, 'stalled');
    expect(unit(work).owner).toBe(id);

    expect(await town.host.api.request('session.reset', { session: id })).toMatchObject({ state: 'running' });
    await untilWork(work, 'running');
    expect(unit(work).owner).toBe(id);
    expect(escalated()).toEqual([]);
    town.model.release(work);
    await town.host.api.request('session.stop', { session: id });
  });

  test('E27: a session that is ended for a restart keeps its unit, without a flap', async () => {
    const work = `${backend}-hung`;
    const id = `alpha-${work}`;
    const { session: started } = await sling(work, backend, scripted('Think.', { hold: work }, { text: 'Thought.' }));
    await untilWork(work, 'running');
    policy({ hung: 'restart', hung_minutes: 0.05, restarts: { max: 1 } });
    const again = await untilSession(
      id,
      'restarted',
      ({ runId, state }) => runId !== started.runId && state === 'running',
    );
    policy({});
    expect(again.work.find((each) => each.id === work)?.owner).toBe(id);
    expect(processesWith('GT_RUN', started.runId)).toEqual([]);
    await untilWork(work, 'running');
    const { history } = await town.host.api.request('work.show', { id: work });
    expect(history.map(({ state }) => state).slice(-2)).toEqual(['assigned', 'running']);
    expect(history.map(({ state }) => state)).not.toContain('stalled');
    expect(history.map(({ state }) => state).lastIndexOf('open')).toBe(0);
    town.model.release(work);
    await town.host.api.request('session.stop', { session: id });
  });

  test('E26: a unit whose session does not start is queued again with a pause, then escalated until it is reset', async () => {
    const work = `${backend}-unlucky`;
    policy({ retries: 2, backoff_seconds: 1 });
    await broken(backend, version, async () => {
      await expect(sling(work, backend, 'Do it.')).rejects.toMatchObject({ code: 'spawn-failed' });
      // What stands between is the breaker of the backend; a look at its health lets one try through.
      for (let state = unit(work).state; state !== 'escalated'; state = unit(work).state) {
        await town.until(
          'it is blocked, or over',
          () => unit(work).state === 'escalated' || (unit(work).note ?? '').startsWith('Nothing is started'),
        );
        await town.host.api.request('town.health', {});
        await town.until('it goes on', () => !(unit(work).note ?? '').startsWith('Nothing is started'));
      }
    });
    await town.host.api.request('town.health', {});
    const { history } = await town.host.api.request('work.show', { id: work });
    expect(history.filter(({ state }) => state === 'failed')).toHaveLength(3);
    expect(escalated()).toEqual([
      expect.stringMatching(
        new RegExp(`^medium: no session could be started for ${work} 3 times: .*the disk is on fire`, 's'),
      ),
    ]);
    expect(sessionsBeginning(town, `alpha-${work}`)).toEqual([]);

    await town.host.api.request('work.requeue', { id: work });
    await untilWork(work, 'done');
    expect(escalated()).toEqual([]);
    await town.host.api.request('session.stop', { session: unit(work).owner! });
  });
});
