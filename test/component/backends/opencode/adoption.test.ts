import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OpencodeDriver } from '../../../../shared/backends/opencode/driver.ts';
import { fakeAgent, temporaryFolder } from '../../../support/core.ts';
import { RecordingHost } from '../../../support/driver-host.ts';
import { StatusServer } from '../../../support/opencode/status-server.ts';

const sessions = Array.from({ length: 200 }, (_, index) => `ses_${index}`);
const reference = { launch: 'left', server: 'left' };
let folder: ReturnType<typeof temporaryFolder>;
let server: StatusServer;
let driver: OpencodeDriver;

beforeEach(async () => {
  folder = temporaryFolder('opencode-adoption');
  const inside = (name: string): string => path.join(folder.path, name);
  server = await StatusServer.start({
    ...{ folder: inside('opencode/left'), id: 'left', sessions, directory: folder.path },
    // Longer than it takes to ask it something, so that requests that do not wait for each other meet there.
    answersAfterMs: 50,
  });
  driver = new OpencodeDriver(new RecordingHost(), {
    ...{ runtimeDir: folder.path, environment: {}, socket: inside('socket'), hostFile: inside('host.json') },
    pluginFile: inside('gastown.js'),
  });
});
afterEach(async () => {
  await driver.dispose();
  await server.stop();
  folder.remove();
});

test('many sessions of an earlier host are adopted without asking about all of them at once', async () => {
  const adopted = await Promise.all(
    sessions.map((session, index) => {
      const [sessionId, runId] = [`alpha-worker-${index}`, `run-${index}`];
      const spec = {
        ...{ sessionId, runId, role: 'polecat' as const, rig: 'alpha', title: sessionId, agent: fakeAgent, env: {} },
        ...{ cwd: folder.path, permissions: 'autonomous' as const, contextFile: '', runDir: '' },
      };
      return driver.adopt({ sessionId, runId, reference: { ...reference, session, directory: folder.path }, spec });
    }),
  );
  expect(adopted).toEqual(sessions.map(() => true));
  expect((await server.rest()).atOnce).toBeLessThan(sessions.length / 2);
});
