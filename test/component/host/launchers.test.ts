import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeLaunchers } from '../../../shared/host/launchers.ts';
import { townPaths } from '../../../shared/config/town-paths.ts';
import { temporaryFolder } from '../../support/core.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => (folder = temporaryFolder('launchers')));
afterEach(() => folder.remove());

test("gt called from a git hook in a debugger's terminal has neither's environment, and the caller's own", async () => {
  const script = join(folder.path, "it's here.cjs");
  writeFileSync(script, 'console.log(JSON.stringify([process.env, process.argv.slice(2)]))');
  const paths = townPaths(folder.path);
  await writeLaunchers(paths, { command: process.execPath, env: { OF_NODE: 'it\'s "so"' } }, script);
  const env = {
    PATH: process.env['PATH'],
    GIT_DIR: '/other/.git',
    GIT_INDEX_FILE: '/i',
    NODE_OPTIONS: '--require /no/such.js',
    GIT_SSH_COMMAND: 'ssh -v',
  };
  for (const launcher of [join(paths.bin, 'gt'), join(paths.bin, 'gastown'), join(paths.foreignBin, 'gastown')]) {
    const printed = execFileSync(launcher, ['a b', '$HOME'], { env, encoding: 'utf8' });
    const [environment, args] = JSON.parse(printed) as [Record<string, string>, string[]];
    expect(environment).toMatchObject({ GIT_SSH_COMMAND: 'ssh -v', OF_NODE: 'it\'s "so"' });
    for (const name of ['GIT_DIR', 'GIT_INDEX_FILE', 'NODE_OPTIONS']) expect(environment).not.toHaveProperty(name);
    expect(args).toEqual(['a b', '$HOME']);
  }
});
