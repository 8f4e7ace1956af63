import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { backends } from '../../../shared/host/backends.ts';
import { findTownOf } from '../../../extension/town/find-town-of.ts';
import { allowedBy } from '../../../shared/attention/allow-list.ts';
import { createTown, newTownSettings } from '../../../shared/config/create-town.ts';
import { findTown } from '../../../shared/config/find-town.ts';
import { parseSettings } from '../../../shared/config/parse-settings.ts';
import { settingsPath } from '../../../shared/config/settings-path.ts';
import { townSettings } from '../../../shared/config/town-settings.ts';
import { isListed } from '../../../shared/platform/git/safe-directory.ts';
import { giveAway } from '../../support/foreign-owner.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'town-'));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(root, { recursive: true, force: true });
});

async function settings(folder: string, text: string): Promise<void> {
  await mkdir(dirname(settingsPath(folder)), { recursive: true });
  await writeFile(settingsPath(folder), text);
}

describe('findTown', () => {
  it("finds the town in the folder itself and above it, past a rig's settings", async () => {
    const rig = join(root, 'myproject');
    await settings(root, '{ "type": "town-settings" }');
    await settings(rig, '{ "type": "rig-settings" }');
    await mkdir(join(rig, 'src'));
    expect(await findTown(root)).toBe(root);
    expect(await findTown(rig)).toBe(root);
    expect(await findTown(join(rig, 'src'))).toBe(root);
  });

  it('finds the nearest of two', async () => {
    await settings(root, '{ "type": "town-settings" }');
    await settings(join(root, 'inner'), '{ "type": "town-settings" }');
    expect(await findTown(join(root, 'inner'))).toBe(join(root, 'inner'));
  });

  it('finds a town whose settings have an error, so that it can be told', async () => {
    await settings(root, '{ "type": "town-settings" "default_agent": }');
    expect(await findTown(root)).toBe(root);
  });

  it.each(['{ "type": "rig-settings" }', '[]', '', 'null'])('finds none where the settings are %j', async (text) => {
    await settings(root, text);
    expect(await findTown(root)).toBeUndefined();
  });
});

describe('a town in whose folder another user can write', () => {
  const inner = async (): Promise<string> => {
    await settings(root, '{ "type": "town-settings", "escalation": { "command": ["theirs"] } }');
    const folder = join(root, 'mine', 'src');
    await mkdir(folder, { recursive: true });
    return folder;
  };
  const find = async (folder: string) => {
    const refused: string[] = [];
    return { found: await findTown(folder, ({ reason }) => refused.push(reason)), refused };
  };

  it.each([
    ['the settings file', () => settingsPath(root)],
    ['the settings folder', () => dirname(settingsPath(root))],
    ['the town folder', () => root],
  ])('is none where %s is theirs, and it is said why', async (_what, theirs) => {
    const folder = await inner();
    giveAway(theirs());
    const { found, refused } = await find(folder);
    expect(found).toBeUndefined();
    expect(refused).toEqual([expect.stringContaining('belongs to another user')]);
  });

  it('is one where the user has told git that the folder is safe', async () => {
    const folder = await inner();
    giveAway(root);
    vi.stubEnv('GIT_CONFIG_GLOBAL', join(root, 'gitconfig'));
    expect((await find(folder)).found).toBeUndefined();
    await writeFile(join(root, 'gitconfig'), `[safe]\n\tdirectory = ${root}\n`);
    expect((await find(folder)).found).toBe(root);
    vi.unstubAllEnvs();
  });

  it("is none where they have linked to settings of the user's", async () => {
    const folder = await inner();
    await rename(join(root, 'settings'), join(root, 'elsewhere'));
    await symlink(join(root, 'elsewhere'), join(root, 'settings'));
    expect((await find(folder)).found).toBe(root);
    // `giveAway` follows a link, so what it leads to is theirs.
    giveAway(join(root, 'settings'));
    expect((await find(folder)).found).toBeUndefined();
  });
});

describe("git's list of safe folders", () => {
  it.each<[string[], boolean]>([
    [['/a/b', ''], true],
    [['*', ''], true],
    [['/a/*', ''], true],
    [['/a', '/a/b/c', '/a/bc', '*/b', ''], false],
    [['/a/b', '', '/x', ''], false],
    [[''], false],
  ])('%j', (lines, safe) => {
    expect(isListed('/a/b', [lines])).toBe(safe);
  });
});

describe('the town of a window', () => {
  /** No town has been opened before. */
  const strange = { isKnown: () => false };

  it('that is opened itself, or in an opened folder, is part of what is trusted; one above is not', async () => {
    await settings(root, '{ "type": "town-settings" }');
    const rig = join(root, 'rig');
    await mkdir(rig);
    expect(await findTownOf([root], strange)).toEqual({ root, mayOpen: true });
    expect(await findTownOf([rig, root], strange)).toEqual({ root, mayOpen: true });
    expect(await findTownOf([rig], strange)).toEqual({ root, mayOpen: false });
    expect(await findTownOf([join(root, 'rig-2'), rig], strange)).toEqual({ root, mayOpen: false });
  });

  it('is, of several folders, the first that may be opened; one above them is named only where there is none', async () => {
    const [above, other, own] = ['above', 'other', 'own'].map((name) => join(root, name)) as [string, string, string];
    for (const each of [above, other, own]) await settings(each, '{ "type": "town-settings" }');
    const [rig, otherRig, plain] = [join(above, 'rig'), join(other, 'rig'), join(root, 'plain')];
    for (const each of [rig, otherRig, plain]) await mkdir(each);
    expect(await findTownOf([plain, rig, own], strange)).toEqual({ root: own, mayOpen: true });
    expect(await findTownOf([rig, otherRig], { isKnown: (each) => each === other })).toEqual({
      root: other,
      mayOpen: true,
    });
    expect(await findTownOf([rig, otherRig], strange)).toEqual({ root: above, mayOpen: false });
    expect(await findTownOf([plain], strange)).toBeUndefined();
  });
});

describe('createTown', () => {
  it('writes settings that are allowed, and a runtime folder that git does not see', async () => {
    const town = join(root, 'new', 'town');
    await createTown(town, backends);
    const text = await readFile(settingsPath(town), 'utf8');
    expect(parseSettings(text, townSettings, 'f')).toEqual({ value: newTownSettings(backends), problems: [] });
    expect(await readFile(join(town, '.runtime', '.gitignore'), 'utf8')).toBe('*\n');
    expect(await findTown(town)).toBe(town);
  });

  it('lets coordinators run gt and read its output unasked, and nothing else', () => {
    const { attention } = newTownSettings(backends);
    const allowed = (line: string, tool = 'Bash', role = 'mayor'): boolean =>
      allowedBy(
        [{ tool, argument: line, kind: 'shell' }],
        (attention?.allow?.[role] as readonly string[] | undefined) ?? [],
        '/town',
      ) !== undefined;
    for (const role of ['mayor', 'deacon', 'crew'])
      for (const tool of ['Bash', 'bash']) expect(allowed('gt agents | head -2', tool, role)).toBe(true);
    for (const line of ["gt work add 'Two lines' -m 'one\ntwo'", 'gt work list --json | jq ".[0]" && gt agents'])
      expect(allowed(line)).toBe(true);
    for (const line of [
      ...['gt work add "$(rm -rf x)"', 'gt work add `rm x`', 'gt agents > x', 'gt agents | sh', 'gt agents; rm x'],
      ...['PATH=/x gt agents', 'gt agents\nrm x', 'gt agents & rm x', 'sort -o x', 'gt agents | xargs rm', 'gtx'],
    ])
      expect([line, allowed(line)]).toEqual([line, false]);
    for (const role of ['witness', 'refinery', 'polecat']) expect(allowed('gt agents', 'Bash', role)).toBe(false);
    expect(newTownSettings(backends, { unattended: false }).attention).toBeUndefined();
  });

  it('overwrites nothing', async () => {
    await settings(root, '{}');
    await expect(createTown(root, backends)).rejects.toMatchObject({ code: 'name-taken' });
    expect(await readFile(settingsPath(root), 'utf8')).toBe('{}');
  });

  it.each(['settings', '.runtime'])('writes nothing where the folder brings %s as a link [holds 7]', async (name) => {
    const [folder, outside] = [join(root, 'clone'), join(root, 'outside')];
    await mkdir(folder);
    await mkdir(outside);
    await symlink(outside, join(folder, name));
    await expect(createTown(folder, backends)).rejects.toMatchObject({ code: 'bad-config' });
    expect([await readdir(outside), await readdir(folder)]).toEqual([[], [name]]);
  });

  it('says where it cannot write', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(createTown(join(root, 'file'), backends)).rejects.toThrow(/could not be written/);
  });
});
