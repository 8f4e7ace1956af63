import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GasTownError } from '../../../../shared/platform/errors.ts';
import { giveAway } from '../../../support/foreign-owner.ts';
import { FakeTown, gt, personToken, sessionToken, listed } from './support.ts';

let town: FakeTown;

beforeEach(async () => {
  town = await FakeTown.start();
  town.answers = { 'session.list': listed({}) };
});

afterEach(async () => {
  vi.restoreAllMocks();
  await town.stop();
});

const write = async (file: string, text: string, mode = 0o600): Promise<void> => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { mode });
};

const hostFile = (token = personToken) =>
  write(
    join(town.root, '.runtime', 'host.json'),
    JSON.stringify({ pid: 1, startTime: '', socket: town.socket, token, protocol: 1 }),
  );

describe('gt finds the host', () => {
  it('as the session that it runs in', async () => {
    expect(await gt(['agents'], { cwd: '/', env: { GT_SOCKET: town.socket, GT_TOKEN: sessionToken } })).toMatchObject({
      code: 0,
    });
    expect(town.calls[0]?.caller).toEqual({ kind: 'session', session: 'demo-toast', runId: 'run-1' });
  });

  it('as the person, from a folder of the town', async () => {
    await hostFile();
    const folder = join(town.root, 'rig', 'src');
    await mkdir(folder, { recursive: true });
    expect(await gt(['agents'], { cwd: folder })).toMatchObject({ code: 0 });
    expect(town.calls[0]?.caller).toEqual({ kind: 'person' });
  });

  it('as the person, from anywhere by GT_ROOT', async () => {
    await hostFile();
    expect(await gt(['agents'], { cwd: '/', env: { GT_ROOT: town.root } })).toMatchObject({ code: 0 });
  });

  it('that has taken over, still as the session', async () => {
    await hostFile();
    const env = { GT_SOCKET: join(town.root, 'gone.sock'), GT_TOKEN: sessionToken, GT_ROOT: town.root };
    expect(await gt(['agents'], { cwd: '/', env })).toMatchObject({ code: 0 });
    expect(town.calls[0]?.caller).toMatchObject({ kind: 'session' });
  });
});

describe("gt obeys no host that may be somebody else's", () => {
  const inFolder = async (): Promise<string> => {
    const folder = join(town.root, 'mine');
    await mkdir(folder, { recursive: true });
    return folder;
  };
  const file = (): string => join(town.root, '.runtime', 'host.json');

  it("where the host file is another user's: the folder is passed over, and gt says why", async () => {
    await hostFile();
    const folder = await inFolder();
    giveAway(file());
    const { code, err } = await gt(['agents'], { cwd: folder });
    expect(code).toBe(3);
    expect(err).toContain(`${town.root} is not taken for a town: ${file()} belongs to another user`);
    expect(town.calls).toEqual([]);
  });

  it('nor where GT_ROOT names it', async () => {
    await hostFile();
    giveAway(file());
    const { code, err } = await gt(['agents'], { cwd: '/', env: { GT_ROOT: town.root } });
    expect([code, err]).toEqual([1, expect.stringContaining('belongs to another user')]);
    expect(town.calls).toEqual([]);
  });

  it("where the socket that it names is another user's", async () => {
    await hostFile();
    giveAway(town.socket);
    const { code, err } = await gt(['mayor', 'attach'], { cwd: await inFolder() });
    expect(code).not.toBe(0);
    expect(err).toContain('belongs to another user');
    expect(town.calls).toEqual([]);
  });

  it.each([0o644, 0o620, 0o602])(
    'where others may read or write the file (mode %o), as in a clone that brings one',
    async (mode) => {
      await hostFile();
      await chmod(file(), mode);
      const { code, err } = await gt(['agents'], { cwd: await inFolder() });
      expect([code, err]).toEqual([1, expect.stringContaining(`others may read or write ${file()}`)]);
      expect(town.calls).toEqual([]);
    },
  );

  it('a pipe in its place holds nobody up', async () => {
    await mkdir(dirname(file()), { recursive: true });
    execFileSync('mkfifo', ['-m', '600', file()]);
    expect((await gt(['agents'], { cwd: await inFolder() })).code).toBe(3);
  });
});

describe('gt without a host', () => {
  let other: string;

  beforeEach(async () => {
    other = await mkdtemp(join(tmpdir(), 'gt-none-'));
  });

  afterEach(() => rm(other, { recursive: true, force: true }));

  it('says how to start one', async () => {
    await write(join(other, 'settings', 'config.json'), '{ "type": "town-settings" }');
    expect(await gt(['agents'], { cwd: other })).toMatchObject({
      code: 3,
      out: '',
      err:
        `gt: No Gas Town host is running for ${other}. Open the folder in VS Code with the Gas Town extension, or run ` +
        "`npm start` in the extension's source folder.\n",
    });
  });

  it('is not misled by what a dead host has left', async () => {
    const left = { pid: 1, startTime: '', socket: join(other, 'gone.sock'), token: 'x', protocol: 1 };
    await write(join(other, '.runtime', 'host.json'), JSON.stringify(left));
    expect((await gt(['agents'], { cwd: other })).code).toBe(3);
  });

  it('says so where there is no town', async () => {
    const { code, err } = await gt(['agents'], { cwd: other });
    expect(code).toBe(3);
    expect(err).toContain(`There is no Gas Town in ${other} or above it.`);
  });

  it.each(['', '{', 'null', '{"socket":1}'])('names a host file that is none: %j', async (text) => {
    await write(join(other, '.runtime', 'host.json'), text);
    const { code, err } = await gt(['agents'], { cwd: other });
    expect(code).toBe(1);
    expect(err).toContain(`${join(other, '.runtime', 'host.json')} is not a host's file.`);
  });
});

describe('gt fails with one message', () => {
  const env = () => ({ GT_SOCKET: town.socket, GT_TOKEN: personToken });

  it("which is the host's", async () => {
    town.answers = {
      'session.stop': () => {
        throw new GasTownError('unknown-session', 'There is no session "x".');
      },
    };
    expect(await gt(['stop', 'x'], { cwd: '/', env: env() })).toMatchObject({
      code: 1,
      out: '',
      err: 'gt: There is no session "x".\n',
    });
  });

  it('when its token is of an ended session', async () => {
    const ran = await gt(['agents'], { cwd: '/', env: { ...env(), GT_TOKEN: 'old' } });
    expect(ran).toMatchObject({
      code: 1,
      err: 'gt: The host does not know this token. Is it from an ended session?\n',
    });
  });

  it('when the host goes away before it answers', async () => {
    const other = await FakeTown.start();
    let stopped: Promise<void> | undefined;
    other.answers = {
      'session.list': () => {
        stopped = other.stop();
        return listed({});
      },
    };
    const { code, err } = await gt(['agents'], { cwd: '/', env: { ...env(), GT_SOCKET: other.socket } });
    await stopped;
    expect(code).toBe(3);
    expect(err).toContain('The host went away before it answered.');
  });

  it.each([
    [['slign'], /unknown command 'slign'\n\(Did you mean sling\?\)/],
    [['sling', 'issue-1'], /missing required argument 'rig'/],
    [['sling', 'issue-1', 'demo', '--backend', 'codex'], /Allowed choices are claude, opencode/],
    [['done', '--status', 'maybe'], /Allowed choices are completed, failed, escalated/],
    [['work', 'add', 'x', '--priority', '9'], /Allowed are 0, 1, 2, 3 and 4/],
    [['mail', 'send', 'mayor'], /required option '-m, --message <text>' not specified/],
    [['agents', 'more'], /too many arguments/],
    [[], /Usage: gt/],
  ])('about wrong usage: %j', async (argv, message) => {
    const ran = await gt(argv, { cwd: '/', env: env() });
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toMatch(message);
    expect(town.calls).toEqual([]);
  });
});

describe('gt --help', () => {
  it.each([
    [['--help'], /sling \[options\] <work> <rig> +give a unit of work to a polecat/],
    [['sling', '--help'], /--name <name>/],
    [['mayor', '--help'], /attach/],
    [['mail', 'send', '--help'], /--json/],
    [['work', 'requeue', '--help'], /give a unit that is not done another chance/],
  ])('%j needs no host', async (argv, text) => {
    const ran = await gt(argv, { cwd: '/' });
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out).toMatch(text);
  });
});
