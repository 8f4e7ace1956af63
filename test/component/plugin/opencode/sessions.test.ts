import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Link } from '../../../../plugin/opencode/link.ts';
import { Sessions } from '../../../../plugin/opencode/sessions.ts';
import { temporaryFolder } from '../../../support/core.ts';

const env = { GT_SESSION: 'alpha-toast', GT_RUN: 'run-1', GT_TOKEN: 'secret' };
let folder: ReturnType<typeof temporaryFolder>;
let file: string;
/** What the host answers; undefined: it is away. */
let answer: Record<string, string> | undefined;
let sessions: Sessions;

beforeEach(() => {
  folder = temporaryFolder('sessions');
  file = join(folder.path, 'identity.json');
  answer = undefined;
  const request = async (): Promise<unknown> => {
    if (answer === undefined) throw new Error('no host');
    return { env: answer };
  };
  sessions = new Sessions({ request } as unknown as Link);
  sessions.note({ id: 'ses_1', metadata: { gastown: { run: 'run-1', identityFile: file } } });
  sessions.note({ id: 'ses_2', parentID: 'ses_1' });
});
afterEach(() => folder.remove());

const write = (content: unknown, mode = 0o600): void => writeFileSync(file, JSON.stringify(content), { mode });

describe('the identity of a shell', () => {
  test('is what the host has said before, also when it is away', async () => {
    answer = env;
    await sessions.environment('ses_1');
    answer = undefined;
    expect(await sessions.environment('ses_2')).toEqual(env);
  });

  test('is what the host has left for the run, where it is away and was not asked before', async () => {
    write(env);
    expect([await sessions.environment('ses_1'), await sessions.environment('ses_2')]).toEqual([env, env]);
    // It is there again, with another way to the programs.
    answer = { ...env, PATH: '/new' };
    expect(await sessions.environment('ses_1')).toEqual(answer);
  });

  test('is what the host has left, where one has just come that does not know the session yet', async () => {
    write(env);
    answer = {};
    expect(await sessions.environment('ses_1')).toEqual(env);
    answer = { ...env, PATH: '/new' };
    expect(await sessions.environment('ses_1')).toEqual(answer);
  });

  test.each<[string, () => void]>([
    ["is another run's", () => write({ ...env, GT_RUN: 'run-2' })],
    [
      'others can read',
      () => {
        write(env);
        chmodSync(file, 0o644);
      },
    ],
    ['is none', () => write(['x'])],
    ['has other things than texts', () => write({ ...env, GT_ROLE: 1 })],
    ['is gone', () => rmSync(file, { force: true })],
  ])('is none where the file %s', async (_what, make) => {
    make();
    expect(await sessions.environment('ses_1')).toEqual({});
  });

  test('is none for a session that is not known to be of the run', async () => {
    write(env);
    sessions.note({ id: 'ses_3', metadata: { gastown: { identityFile: file } } });
    expect([await sessions.environment('ses_3'), await sessions.environment('ses_4')]).toEqual([{}, {}]);
  });
});
