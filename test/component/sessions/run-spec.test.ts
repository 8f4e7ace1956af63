import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger } from '../../../shared/platform/logger.ts';
import type { StoredRun, StoredSession } from '../../../shared/store/sessions.ts';
import type { SessionContexts } from '../../../shared/sessions/role-context.ts';
import { townPaths } from '../../../shared/config/town-paths.ts';
import { RunSpecs } from '../../../shared/sessions/run-spec.ts';
import { fakeAgent, temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => (folder = temporaryFolder('run-specs')));
afterEach(() => folder.remove());

const run = { id: 'run-1', token: 'secret' } as StoredRun;
const session = {
  id: 'alpha-toast',
  runId: 'run-1',
  role: 'polecat',
  rig: 'alpha',
  agentName: 'toast',
  agent: fakeAgent,
  workDir: '/work',
} as StoredSession;
const paths = () => ({ ...townPaths(folder.path), worktrees: join(folder.path, 'worktrees') });
const specs = () => {
  const contexts = { write: async () => '', file: () => '' } as unknown as SessionContexts;
  return new RunSpecs({
    root: folder.path,
    paths: paths(),
    contexts,
    environment: { PATH: '/bin' },
    asksForIdentity: (backend) => backend === 'opencode',
    portOf: (workDir) => (workDir === '/work' ? 20_010 : undefined),
    log: silentLogger,
  });
};

test("what a shell of Opencode's is without a host lies in the run's folder, for the user only", async () => {
  const { identityFile = '', env, runDir } = await specs().specOf(session, run);
  expect([identityFile, statSync(identityFile).mode & 0o777]).toEqual([join(runDir, 'identity.json'), 0o600]);
  expect(JSON.parse(readFileSync(identityFile, 'utf8'))).toEqual(env);
  expect(env).toMatchObject({ GT_RUN: 'run-1', GT_TOKEN: 'secret', GT_PORT: '20010' });
  expect(specs().identityOf({ ...session, workDir: '/elsewhere' }, run)).not.toHaveProperty('GT_PORT');
  // Claude's shells have it from the program that we start.
  expect(await specs().specOf({ ...session, agent: { ...fakeAgent, backend: 'claude' } }, run)).not.toHaveProperty(
    'identityFile',
  );
});

test('a session in a worktree of the town has it to itself, one in a checkout has none', async () => {
  const worktree = join(paths().worktrees, 'alpha', 'toast');
  expect(await specs().specOf({ ...session, workDir: join(worktree, 'web') }, run)).toMatchObject({ worktree });
  expect(await specs().specOf({ ...session, workDir: '/work' }, run)).not.toHaveProperty('worktree');
});

test('a start goes on without it', async () => {
  mkdirSync(join(paths().runs, 'run-1', 'identity.json'), { recursive: true });
  writeFileSync(join(paths().runs, 'run-1', 'identity.json', 'in-the-way'), '');
  expect(await specs().specOf(session, run)).not.toHaveProperty('identityFile');
});
