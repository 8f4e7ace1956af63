import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { makeRepository } from '../../support/core.ts';
import { TownFixture } from '../../support/town-fixture.ts';

// The host is started as by the editor of a `git commit` in another repository, behind a proxy.
let town: TownFixture;
let other: string;
let proxy: Server;
/** What was asked of the proxy: `METHOD target`. */
const proxied: string[] = [];

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd, env: { PATH: process.env['PATH'] }, encoding: 'utf8' }).trim();
const stateOfOther = (): string[] => [
  git(other, 'for-each-ref'),
  git(other, 'status', '--porcelain'),
  git(other, 'worktree', 'list'),
];
let before: string[];

beforeAll(async () => {
  proxy = createServer((request, response) => {
    proxied.push(`${request.method} ${request.url}`);
    response.writeHead(502).end();
  });
  proxy.on('connect', (request, socket) => {
    proxied.push(`CONNECT ${request.url}`);
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  town = await TownFixture.make((options) => {
    other = makeRepository(join(options.folder, 'other'));
    before = stateOfOther();
    const leftovers = {
      GIT_DIR: join(other, '.git'),
      GIT_WORK_TREE: other,
      GIT_INDEX_FILE: join(other, '.git', 'index'),
      GIT_PREFIX: '',
      GIT_AUTHOR_NAME: 'Somebody Else',
      GIT_AUTHOR_EMAIL: 'else@example.com',
      GIT_AUTHOR_DATE: '@1700000000 +0000',
    };
    const proxies = { HTTP_PROXY: address, HTTPS_PROXY: address, http_proxy: address, https_proxy: address };
    Object.assign(options.environment, leftovers, proxies);
    for (const [name, value] of Object.entries(leftovers)) vi.stubEnv(name, value);
  });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await town.stop();
  proxy.close();
});

test('worktrees, commits and authors are those of the rig, for both agents; the other repository is as it was', async () => {
  const { api } = town.host;
  await Promise.all([
    api.request('sling', { work: 'issue-1', rig: 'alpha', agent: 'opencode', name: 'one', message: 'Write notes' }),
    api.request('sling', { work: 'issue-2', rig: 'alpha', agent: 'claude', name: 'two', message: 'Write notes' }),
  ]);
  await town.until(
    'both done',
    ({ work }) => work.filter(({ state, commits }) => state === 'done' && commits === 1).length === 2,
    90_000,
  );
  for (const branch of ['polecat/one/issue-1', 'polecat/two/issue-2']) {
    expect(git(town.rig, 'log', '-1', '--format=%an', branch), branch).toBe('Test');
    expect(Number(git(town.rig, 'log', '-1', '--format=%at', branch)), branch).toBeGreaterThan(1_700_000_000);
  }
  expect(git(town.rig, 'worktree', 'list').split('\n')).toHaveLength(3);
  expect(stateOfOther()).toEqual(before);
});

test("no request to this machine went to the proxy, and Claude's hooks arrived", async () => {
  expect(proxied.filter((target) => /127\.0\.0\.1|localhost|\[::1\]/.test(target))).toEqual([]);
  // The receipt is a hook.
  const { history } = await town.host.api.request('work.show', { id: 'issue-2' });
  expect(history.map(({ state }) => state)).toContain('running');
});
