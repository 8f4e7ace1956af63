import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageLimits } from '../../shared/config/message-settings.ts';
import { composeCore, orchestratorsOf } from '../../shared/host/compose-core.ts';
import type { CoreParts } from '../../shared/host/compose-core.ts';
import { randomIds } from '../../shared/platform/ids.ts';
import { silentLogger } from '../../shared/platform/logger.ts';
import { TownClock } from '../../shared/platform/town-clock.ts';
import type { Logger } from '../../shared/platform/logger.ts';
import { Store } from '../../shared/store/store.ts';
import type { ResolvedAgent } from '../../shared/domain/agent.ts';
import { FakeDriver } from './fake-driver.ts';
import type { WorktreesOptions } from '../../shared/orchestration/worktrees.ts';
import type { MessageLimits } from '../../shared/config/message-settings.ts';

export const fakeAgent: ResolvedAgent = {
  name: 'opencode',
  backend: 'opencode',
  command: 'opencode',
  args: [],
  env: {},
};

/** What a driver is told of a run, without a town's folder. */
export const fakeSpec: CoreParts['specOf'] = async (session, run, firstPrompt) => ({
  sessionId: session.id,
  runId: run.id,
  role: session.role,
  rig: session.rig,
  title: session.id,
  agent: session.agent,
  cwd: session.workDir,
  env: {},
  permissions: 'autonomous',
  contextFile: '',
  runDir: '',
  ...(firstPrompt === undefined ? {} : { firstPrompt }),
});

export const rethrow = (error: unknown): never => {
  throw error;
};

/** A clock that goes on by a millisecond each time it is asked; `advance` lets it make a jump. */
export function makeClock(): { now: () => number; advance: (ms: number) => void } {
  let clock = 1_000;
  return {
    now: () => (clock += 1),
    advance: (ms) => {
      clock += ms;
    },
  };
}

/** The core's parts around a fake driver, on a real database in a folder of its own. */
export function makeCore(file: string, log: Logger = silentLogger) {
  const { now, advance } = makeClock();
  const clock = new TownClock({ wall: now }, rethrow);
  const store = new Store(file);
  const agents = { resolve: (): ResolvedAgent => fakeAgent, of: () => [fakeAgent] };
  const limits = (): MessageLimits => messageLimits(undefined);
  const { parts } = composeCore({
    store,
    log,
    clock,
    ids: randomIds,
    specOf: fakeSpec,
    specOfLeft: fakeSpec,
    requireTrust: () => undefined,
    limits,
    changed: () => undefined,
    onListenerError: rethrow,
  });
  const driver = new FakeDriver(parts.manager.runs);
  parts.manager.drivers.add(driver);
  const orchestrators = orchestratorsOf(parts, [driver.backend], agents);
  return { ...parts, driver, orchestrators, advance };
}

/** Worktrees that begin at their repository's default branch, with nothing made ready. */
export const plainWorktrees: Pick<WorktreesOptions, 'baseOf' | 'setUps' | 'stages'> = {
  baseOf: () => ({ subfolder: '' }),
  setUps: {
    requireConsent: async () => undefined,
    prepare: async () => [],
    hasTeardown: async () => false,
    tearDown: async () => undefined,
    endLeft: async () => undefined,
    teardownOf: async () => undefined,
  },
  stages: { enter: () => undefined, leave: () => undefined },
};

/** A temporary folder, its real path. */
export function temporaryFolder(name: string): { path: string; remove: () => void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), `gastown-${name}-`)));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A git repository with one commit on `main`, independent of the user's git configuration. */
export function makeRepository(path: string): string {
  mkdirSync(path, { recursive: true });
  const git = (...args: string[]): void => {
    execFileSync('git', args, { cwd: path, stdio: 'pipe' });
  };
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'Test');
  git('config', 'user.email', 'test@example.com');
  writeFileSync(join(path, 'README.md'), '# Sample\n');
  git('add', '.');
  git('commit', '-q', '-m', 'Start');
  return path;
}
