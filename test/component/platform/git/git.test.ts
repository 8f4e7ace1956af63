import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runGit } from '../../../../shared/platform/git/git.ts';
import { identify } from '../../../../shared/platform/process-table.ts';
import { makeRepository, temporaryFolder } from '../../../support/core.ts';
import { patience } from '../../../support/patience.ts';

let folder: ReturnType<typeof temporaryFolder>;
let repository: string;

beforeEach(() => {
  folder = temporaryFolder('git');
  repository = makeRepository(join(folder.path, 'alpha'));
});
afterEach(() => folder.remove());

const pidFile = (): string => join(folder.path, 'pid');

/** A hook that starts something which does not end, and notes its pid. */
function hang(start: string): void {
  const hook = join(repository, '.git', 'hooks', 'post-checkout');
  writeFileSync(hook, `#!/bin/sh\n${start}\n`);
  chmodSync(hook, 0o755);
}

/** A zombie has ended, too. */
const isAlive = async (): Promise<boolean> => (await identify(Number(readFileSync(pidFile(), 'utf8')))) !== undefined;

const hanging: Record<string, () => string> = {
  'a hook': () => `echo $$ > ${pidFile()}\nsleep 600`,
  'a program that a hook has started': () => `sleep 600 & echo $! > ${pidFile()}\nwait`,
  'one that has left its group and its parent': () =>
    `setsid sh -c 'echo $$ > ${pidFile()}; exec sleep 600' &\nsleep 600`,
};

describe.runIf(process.platform === 'linux')('a call that does not end', () => {
  test.each(Object.keys(hanging))('%s is ended with it when its time is over', async (name) => {
    hang(hanging[name]!());
    const call = runGit(repository, ['switch', '-c', 'other'], { boundMs: 1_500 });
    await expect(call).rejects.toThrow(/git switch did not end within 1.5 s in .*alpha, so it was ended/);
    expect(await isAlive()).toBe(false);
  });

  test('is ended when the caller gives up, and told as cancelled', async () => {
    hang(hanging['a program that a hook has started']!());
    const giveUp = new AbortController();
    const call = runGit(repository, ['switch', '-c', 'other'], giveUp.signal);
    const told = expect(call).rejects.toMatchObject({ code: 'cancelled', message: 'git switch was cancelled.' });
    await expect.poll(() => existsSync(pidFile()) && readFileSync(pidFile(), 'utf8') !== '').toBe(true);
    giveUp.abort();
    await told;
    expect(await isAlive()).toBe(false);
  });

  test('what a hook leaves in the background holds nobody up, and lives on', async () => {
    hang(`sleep 600 & echo $! > ${pidFile()}`);
    const before = Date.now();
    expect((await runGit(repository, ['switch', '-c', 'other'])).code).toBe(0);
    expect(Date.now() - before).toBeLessThan(patience(10_000));
    expect(await isAlive()).toBe(true);
    process.kill(Number(readFileSync(pidFile(), 'utf8')));
  });
});

test('names of files and what git reads are bytes where that is asked for', async () => {
  const name = Buffer.from([0x66, 0xff, 0x0a]);
  writeFileSync(Buffer.concat([Buffer.from(`${repository}/`), name]), 'x');
  const { stdout } = await runGit(repository, ['status', '--porcelain', '-z'], { bytes: true });
  expect(stdout).toBe('?? f\xff\n\0');
  const hashed = await runGit(repository, ['hash-object', '--stdin'], { bytes: true, input: '\xff' });
  const same = join(folder.path, 'same');
  writeFileSync(same, Buffer.from([0xff]));
  expect((await runGit(repository, ['hash-object', same])).stdout).toBe(hashed.stdout);
});

test('git that is not there, or a folder that is not, is told as that', async () => {
  await expect(runGit(join(folder.path, 'none'), ['status'])).rejects.toThrow(
    /git was not found on PATH, or .*none does not exist/,
  );
});
