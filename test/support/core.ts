import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageLimits } from '../../shared/config/message-settings.ts';
import type { MessageLimits } from '../../shared/mail/limits.ts';
import { Outbox } from '../../shared/mail/outbox.ts';
import { silentLogger } from '../../shared/process/logger.ts';
import { SessionManager } from '../../shared/sessions/manager.ts';
import { BackendOrchestrator } from '../../shared/sessions/orchestrator.ts';
import { Registry } from '../../shared/sessions/registry.ts';
import { Store } from '../../shared/store/store.ts';
import { followSessions } from '../../shared/work/progress.ts';
import { WorkService } from '../../shared/work/service.ts';
import type { ResolvedAgent } from '../../shared/config/agents.ts';
import { FakeDriver } from './fake-driver.ts';

export const fakeAgent: ResolvedAgent = {
  name: 'opencode',
  backend: 'opencode',
  command: 'opencode',
  args: [],
  env: {},
};

/** The core's parts around a fake driver, on a real database in a folder of its own. */
export function makeCore(file: string) {
  const rethrow = (error: unknown): never => {
    throw error;
  };
  let clock = 1_000;
  const now = (): number => (clock += 1);
  const store = new Store(file);
  const registry = new Registry(rethrow);
  const manager = new SessionManager({
    store,
    registry,
    log: silentLogger,
    now,
    specOf: async (session, run, firstPrompt) => ({
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
    }),
  });
  const driver = new FakeDriver(manager);
  manager.drivers.add(driver);
  const work = new WorkService(store, now, silentLogger);
  const limits = (): MessageLimits => messageLimits(undefined);
  const outbox = new Outbox({ store, registry, manager, log: silentLogger, limits, onChange: () => undefined });
  followSessions({ manager, work, outbox, store });
  const parts = { store, registry, manager, work, outbox, resolveAgent: () => fakeAgent };
  const orchestrators = new Map([['opencode' as const, new BackendOrchestrator('opencode', parts)]]);
  /** Lets the clock, which else goes on by a millisecond each time it is asked, make a jump. */
  const advance = (ms: number): void => {
    clock += ms;
  };
  return { ...parts, driver, orchestrators, advance };
}

/** A temporary folder, its real path. */
export function temporaryFolder(name: string): { path: string; remove: () => void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), `gastown-${name}-`)));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A git repository with one commit on `main`, independent of the person's git configuration. */
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
