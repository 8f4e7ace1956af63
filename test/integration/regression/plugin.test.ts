import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRepository } from '../../support/core.ts';
import { makeOpencodeTown, scripted } from '../../support/opencode/town.ts';
import type { Host, OpencodeTown } from '../../support/opencode/town.ts';
import { patience } from '../../support/patience.ts';

const run = promisify(execFile);
let town: OpencodeTown;
let host: Host;

beforeAll(async () => {
  town = await makeOpencodeTown();
  host = await town.makeHost();
});
afterAll(() => town.close());

test("E13: in a person's own Opencode session the plugin does nothing and says nothing, also in a terminal of the town", async () => {
  const repository = makeRepository(path.join(town.folder, 'own'));
  const env = {
    ...town.environment,
    OPENCODE_CONFIG_CONTENT: JSON.stringify({ plugin: [`file://${town.plugin}`] }),
    GT_SOCKET: town.socket,
    GT_TOKEN: 'of the user',
  };
  const prompt = scripted(
    { tool: 'bash', args: { command: 'env | grep -c ^GT_RUN=; gt prime; git status --porcelain' } },
    { text: 'All is well.' },
  );
  const own = run(town.program.executable, ['run', prompt], { cwd: repository, env, timeout: patience(100_000) });
  own.child.stdin?.end();
  const { stdout, stderr } = await own;
  expect(stdout).toContain('All is well.');
  expect(`${stdout}${stderr}`).not.toMatch(/gastown|gas town|plugin/i);
  expect(town.model.requests.some((request) => JSON.stringify(request).includes('Role context of'))).toBe(false);
  expect(host.inside).toEqual([]);
  expect(host.host.reports).toEqual([]);
});
